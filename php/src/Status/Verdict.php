<?php

namespace Transmit\Status;

use Transmit\Doctor\Finding;

/**
 * The page's first sentence: whether profiles arrive, and if not, why and since when.
 *
 * situation                                       state   headline
 * the listener cannot be reached, or is wedged    fail    The listener cannot be reached: profiles wait on disk
 * the last profile was lost                       fail    The last profile was lost
 * … went to the disk                              warn    The last profile went to the disk
 * files wait on the disk                          warn    Profiles arrive; some still wait on disk
 * no call yet, or plain PHP                       ok      The listener is up
 * else                                            ok      Profiles arrive
 */
final class Verdict
{
    public string $state;
    public string $headline;

    /** The cause, as a sentence; "": nothing is wrong. */
    public string $why;

    /** What to do; "": nothing. */
    public string $remedy;

    private function __construct(string $state, string $headline, string $why = '', string $remedy = '')
    {
        $this->state = $state;
        $this->headline = $headline;
        $this->why = $why;
        $this->remedy = $remedy;
    }

    /** @param list<Finding> $socket the doctor's findings about the listener */
    public static function of(Snapshot $now, array $socket): self
    {
        foreach ($socket as $finding) {
            if ($finding->state === Finding::FAIL) {
                $what = $finding->name === 'queue' ? 'does not read' : 'cannot be reached';
                $headline = "The listener $what: "
                    . ($now->backlog->directory === null ? 'profiles are lost' : 'profiles wait on disk');
                return new self(Finding::FAIL, $headline, $finding->text, $finding->remedy);
            }
        }
        $unsent = self::lastUnsent($now);
        if ($unsent !== null && $unsent['result'] < 0) {
            return new self(Finding::FAIL, 'The last profile was lost', $unsent['text']);
        }
        if ($unsent !== null) {
            return new self(Finding::WARN, 'The last profile went to the disk', $unsent['text']);
        }
        if ($now->backlog->files > 0) {
            return new self(Finding::WARN, 'Profiles arrive; some still wait on disk', '', self::collect($now));
        }
        $isUsed = $now->counts !== null && $now->counts['last_sent'] !== null;
        return new self(Finding::OK, $isUsed ? 'Profiles arrive' : 'The listener is up');
    }

    /** @return array<string, mixed>|null last_failure; null: a later call was sent, or the caller's document was wrong */
    private static function lastUnsent(Snapshot $now): ?array
    {
        $failure = $now->counts['last_failure'] ?? null;
        $isCaller = $failure !== null && $failure['result'] < 0 && $failure['result'] > -20;
        return $failure === null || $isCaller || $failure['time'] <= $now->counts['last_sent'] ? null : $failure;
    }

    private static function collect(Snapshot $now): string
    {
        return $now->settings->replay === 'auto'
            ? 'nothing: they are sent, oldest first, after the next profiles'
            : "let the listener watch {$now->backlog->directory}, call replay_disk_buffer(),"
                . ' or set replay to "auto"';
    }
}
