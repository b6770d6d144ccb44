<?php

namespace Transmit\Doctor;

/**
 * Checks SELinux and AppArmor: they can refuse an access that a file's mode allows, with the same error.
 */
final class SecurityModule
{
    public const REMEDY = 'see what was denied (SELinux: ausearch -m avc -ts recent; AppArmor: journalctl -k |'
        . ' grep -i apparmor), and allow it to PHP\'s domain or profile';

    /** @param string $allowed a sentence on what the file's mode allows */
    public static function suspicion(string $allowed): string
    {
        $modules = System::read('/sys/kernel/security/lsm');
        $label = rtrim(System::read('/proc/self/attr/current'), "\0");
        return "$allowed, so a security module such as SELinux or AppArmor has refused it"
            . ($modules === '' ? '' : "; active here: $modules")
            . ($label === '' ? '' : "; this process is \"$label\"");
    }
}
