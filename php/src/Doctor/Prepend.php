<?php

namespace Transmit\Doctor;

/**
 * Checks whether requests are profiled: another auto_prepend_file may replace the profiler's.
 */
final class Prepend
{
    private const ALONE = 'no request is profiled, unless the application calls the functions by itself';

    /** @return list<Finding> */
    public static function examine(): array
    {
        $root = (string) ($_SERVER['DOCUMENT_ROOT'] ?? '');
        return array_merge([self::inEffect()], $root === '' ? [] : self::ofSite($root));
    }

    /** Checks the auto_prepend_file that PHP has loaded before this script. */
    private static function inEffect(): Finding
    {
        $file = (string) ini_get('auto_prepend_file');
        $fromIni = (string) System::ask('get_cfg_var', 'auto_prepend_file');
        $replaced = $fromIni === '' || $fromIni === $file
            ? '' : " (in place of php.ini's $fromIni: by the pool, the web server or a .user.ini)";
        if ($file === '' || $file === 'none') {
            return Finding::warn('profiler', "no auto_prepend_file is in effect$replaced: " . self::ALONE, self::set());
        }
        if (!self::hasRun()) {
            $text = "auto_prepend_file=$file$replaced does not load the profiler: " . self::ALONE;
            return Finding::warn('profiler', $text, "let $file require " . self::ours() . ', or ' . self::set());
        }
        return Finding::ok('profiler', "auto_prepend_file=$file loads the profiler");
    }

    /** Whether any copy of auto_prepend.php has run: there may be an installed one and a Composer package's. */
    private static function hasRun(): bool
    {
        foreach (System::ask('get_included_files') ?? [] as $file) {
            if (basename($file) === 'auto_prepend.php' && is_file(dirname($file) . '/src/Profiler.php')) {
                return true;
            }
        }
        return false;
    }

    /**
     * Checks the .user.ini files, which PHP reads in all folders from the document root to the script.
     *
     * @return list<Finding>
     */
    private static function ofSite(string $root): array
    {
        $name = (string) ini_get('user_ini.filename');
        if ($name === '' || (self::access() & INI_PERDIR) === 0) {
            return []; // no .user.ini can replace it
        }
        $findings = [];
        foreach (['', '/*', '/*/*'] as $folders) {
            foreach (System::ask('glob', "$root$folders/$name") ?: [] as $path) {
                $findings[] = self::ofFolder($path);
            }
        }
        return array_values(array_filter($findings));
    }

    /** Where auto_prepend_file may be set. INI_PERDIR is missing if the pool sets it by php_admin_value. */
    private static function access(): int
    {
        return System::ask('ini_get_all', null, true)['auto_prepend_file']['access'] ?? INI_ALL;
    }

    private static function ofFolder(string $path): ?Finding
    {
        $settings = System::ask('parse_ini_string', System::read($path), false, INI_SCANNER_RAW);
        $file = $settings['auto_prepend_file'] ?? null;
        if ($file === null || preg_match('/auto_prepend\.php|Profiler::start/', "$file " . System::read($file)) === 1) {
            return null;
        }
        return Finding::warn(
            'profiler',
            "$path sets auto_prepend_file=$file, which does not load the profiler: no request of its folder is"
                . ' profiled',
            'let that file require ' . self::ours() . ', or set php_admin_value[auto_prepend_file] in the pool:'
                . ' no .user.ini replaces that'
        );
    }

    private static function set(): string
    {
        return 'set auto_prepend_file = ' . self::ours() . ' in php.ini or the pool';
    }

    private static function ours(): string
    {
        return dirname(__DIR__, 2) . '/auto_prepend.php';
    }
}
