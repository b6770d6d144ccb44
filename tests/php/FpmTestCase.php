<?php

namespace Transmit\Test;

/**
 * A test with a php-fpm of its own, which is stopped at the end.
 */
abstract class FpmTestCase extends TransmitTestCase
{
    protected ?Fpm $fpm = null;

    protected function setUp(): void
    {
        parent::setUp();
        if (Fpm::binary() === null) {
            self::markTestSkipped('php-fpm and cgi-fcgi (Debian: php-fpm, libfcgi-bin) are needed');
        }
        chmod(Scratch::root(), 0755);
    }

    protected function tearDown(): void
    {
        $this->stop();
        parent::tearDown();
    }

    protected function stop(): void
    {
        if ($this->fpm !== null) {
            $this->fpm->stop();
            $this->fpm = null;
        }
    }

    /** Folders that every user may write to. */
    protected function makeShared(string ...$names): void
    {
        foreach ($names as $name) {
            mkdir("$this->folder/$name");
            chmod("$this->folder/$name", 01777);
        }
    }
}
