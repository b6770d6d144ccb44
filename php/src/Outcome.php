<?php

namespace Transmit;

/**
 * What became of a profile, and why the listener did not take it.
 */
final class Outcome
{
    /** A Result. */
    public int $result;

    /** Why the listener did not take it; "": it did. */
    public string $why;

    public function __construct(int $result, string $why = '')
    {
        $this->result = $result;
        $this->why = $why;
    }

    public function isSent(): bool
    {
        return $this->result === Result::SENT;
    }

    public function isOnDisk(): bool
    {
        return $this->result === Result::BUFFERED;
    }

    /** Returns the same outcome, with $why before its own reason. */
    public function because(string $why): self
    {
        return new self($this->result, $this->why === '' ? $why : "$why; $this->why");
    }

    /** Writes a line to the log unless the profile is at the listener. */
    public function log(Settings $settings): self
    {
        if (!$this->isSent()) {
            Log::write($this->result, $this->inWords(), $settings);
        }
        return $this;
    }

    public function inWords(): string
    {
        $what = 'profile on its way to the disk buffer';
        if ($this->result < 0) {
            $what = 'profile lost';
        } elseif ($this->isOnDisk()) {
            $what = 'profile buffered';
        }
        return $this->why === '' ? $what : "$what: $this->why";
    }
}
