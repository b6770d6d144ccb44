<?php

namespace Transmit\Doctor;

use Transmit\Plain\Directory;

/**
 * Checks who gets the profiles: who owns the listener's socket, and who could bind another one to its path.
 */
final class SocketOwner
{
    private const STICKY = 01000;
    private const WRITABLE_BY_GROUP = 0020;
    private const WRITABLE_BY_OTHERS = 0002;
    private const TYPE = 0170000;
    private const IS_SOCKET = 0140000;
    private const IS_LINK = 0120000;

    /** @var list<int> the users who may own the socket */
    private array $owners;

    /** @var list<string> the socket's directory, by the path as given and without links */
    private array $nearest;

    /** @param int|null $listenerUser the setting listener_user */
    public function __construct(?int $listenerUser)
    {
        $this->owners = [0, $listenerUser ?? Directory::user()];
    }

    /** @return array{string, string} what is wrong with an existing socket, and the remedy; "": nothing */
    public function problem(string $path): array
    {
        clearstatcache();
        $this->nearest = array_map('dirname', array_filter([$path, realpath($path)]));
        $socket = stat($path);
        if ($socket !== false && !in_array($socket['uid'], $this->owners, true)) {
            $owner = System::nameOf($socket['uid']);
            return ["the socket belongs to $owner, who reads every profile",
                "if the listener runs as $owner, set listener_user to \"$owner\": profiles then go to no other user's"
                . ' socket. If not, find out who has bound it'];
        }
        $why = implode(', ', array_filter(array_map([$this, 'distrust'], self::ways($path))));
        return $why === '' ? ['', ''] : ["$why: who may change that can bind a socket of his own to this path",
            'put the socket into a directory of the listener\'s or of root\'s, mode 0755, such as /run/bitville-apm'];
    }

    /** @return list<string> the path and all directories above it, by the path as given and without links */
    private static function ways(string $path): array
    {
        $ways = [$path];
        foreach (array_filter([$path, realpath($path)]) as $at) {
            while (dirname($at) !== $at) {
                $at = dirname($at);
                $ways[] = $at;
            }
        }
        return array_values(array_unique($ways));
    }

    /** Why another user could put a socket there; "": none can. */
    private function distrust(string $path): string
    {
        $trusted = array_merge($this->owners, [Directory::user()]);
        $stat = lstat($path);
        if ($stat === false || ($stat['mode'] & self::TYPE) === self::IS_SOCKET) {
            return '';
        }
        if (!in_array($stat['uid'], $trusted, true)) {
            return "$path belongs to " . System::nameOf($stat['uid']);
        }
        $isLink = ($stat['mode'] & self::TYPE) === self::IS_LINK;
        if ($isLink || ($stat['mode'] & (self::WRITABLE_BY_GROUP | self::WRITABLE_BY_OTHERS)) === 0) {
            return '';
        }
        // In a sticky directory others can replace no file. But while the listener restarts, its socket is missing.
        $isOnTheWay = ($stat['mode'] & self::STICKY) !== 0 && !in_array($path, $this->nearest, true);
        $who = ($stat['mode'] & self::WRITABLE_BY_OTHERS) !== 0 ? 'everybody' : 'its group';
        return $isOnTheWay ? '' : "$who may write to $path";
    }
}
