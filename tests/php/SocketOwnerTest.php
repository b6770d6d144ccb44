<?php

namespace Transmit\Test;

use Transmit\Doctor\SocketOwner;

/**
 * The owner of the listener's socket: what the doctor says about it, and what the setting listener_user refuses.
 */
final class SocketOwnerTest extends TransmitTestCase
{
    private const LISTENER = 42911;
    private const OTHER = 42912;

    private ?Listener $listener = null;

    protected function setUp(): void
    {
        parent::setUp();
        if (posix_geteuid() !== 0) {
            self::markTestSkipped('needs root');
        }
        mkdir("$this->folder/d", 0755);
        $this->listener = new Listener("$this->folder/d/s");
    }

    protected function tearDown(): void
    {
        if ($this->listener !== null) {
            $this->listener->close();
        }
        parent::tearDown();
    }

    /** @return array<string, array{int, array{int, int}, string, ?int, string}> */
    public function scenes(): array
    {
        // the socket's owner, its directory's owner and mode, the path, listener_user, what is wrong
        return [
            'root\'s' => [0, [0, 0755], 'd/s', null, ''],
            'another user\'s' => [self::OTHER, [0, 0755], 'd/s', null, 'the socket belongs to user ' . self::OTHER],
            'listener_user\'s' => [self::LISTENER, [0, 0755], 'd/s', self::LISTENER, ''],
            'in listener_user\'s directory' => [self::LISTENER, [self::LISTENER, 0755], 'd/s', self::LISTENER, ''],
            'not listener_user\'s' => [self::OTHER, [0, 0755], 'd/s', self::LISTENER, 'the socket belongs to'],
            'a directory of another user' => [0, [self::OTHER, 0755], 'd/s', null, '/d belongs to user'],
            'a directory for all' => [0, [0, 0777], 'd/s', null, 'everybody may write to .*/d:'],
            'a sticky directory for all' => [0, [0, 01777], 'd/s', null, 'everybody may write to .*/d:'],
            'a directory for a group' => [0, [0, 0775], 'd/s', null, 'its group may write to .*/d:'],
            'a sticky directory for a group' => [0, [0, 01770], 'd/s', null, 'its group may write to .*/d:'],
            'by a link' => [0, [0, 0777], 'link', null, 'everybody may write to .*/d:'],
            'by another user\'s link' => [0, [0, 0755], 'others', null, '/others belongs to user'],
            'by another user\'s link to the directory' => [0, [0, 0755], 'otherd/s', null, '/otherd belongs to user'],
        ];
    }

    /**
     * @dataProvider scenes
     * @param array{int, int} $directory
     */
    public function testTheDoctor(int $owner, array $directory, string $path, ?int $user, string $want): void
    {
        chown("$this->folder/d/s", $owner);
        chown("$this->folder/d", $directory[0]);
        chmod("$this->folder/d", $directory[1]);
        symlink("$this->folder/d/s", "$this->folder/link");
        symlink("$this->folder/d/s", "$this->folder/others");
        symlink("$this->folder/d", "$this->folder/otherd");
        Scratch::give("$this->folder/others", self::OTHER);
        Scratch::give("$this->folder/otherd", self::OTHER);
        [$why, $remedy] = (new SocketOwner($user))->problem("$this->folder/$path");
        self::assertMatchesRegularExpression($want === '' ? '/^$/' : "~$want~", $why);
        self::assertSame($want === '', $remedy === '');
    }

    /** @return iterable<string, array{string, int, mixed, bool}> face, owner, listener_user, whether it is sent */
    public function users(): iterable
    {
        $rows = [
            'any' => [self::OTHER, null, true],
            'his own' => [self::LISTENER, self::LISTENER, true],
            'his own, as text' => [self::LISTENER, (string) self::LISTENER, true],
            'root\'s' => [0, self::LISTENER, true],
            'root\'s, by name' => [0, 'root', true],
            'another user\'s' => [self::OTHER, self::LISTENER, false],
            'another user\'s, root is wanted' => [self::OTHER, 'root', false],
            'a name that nobody has' => [self::OTHER, 'no such user', false],
            'a wrong type' => [self::OTHER, [], false],
            'a negative number' => [self::OTHER, -1, false],
        ];
        foreach (['plain', 'native'] as $face) {
            foreach ($rows as $name => $row) {
                yield "$name, $face" => array_merge([$face], $row);
            }
        }
    }

    /**
     * @dataProvider users
     * @param mixed $user
     */
    public function testListenerUser(string $face, int $owner, $user, bool $isSent): void
    {
        $path = "$this->folder/d/s";
        chown($path, $owner);
        $this->useFace($face, ['listener_socket' => $path, 'listener_user' => $user]);
        self::assertSame($isSent, send_profiling_data(['a' => 1]));
        self::assertSame($isSent, send_via_socket('{"a":2}', $path));
        self::assertSame($isSent, send_large_data(['a' => 3], $path));
        self::assertCount($isSent ? 0 : 3, $this->buffered());
        self::assertSame($isSent, check_listener_socket()['connectable']);
        if ($isSent) {
            return;
        }
        $said = \Transmit\Native::lastError() . implode("\n", $this->logLines());
        self::assertMatchesRegularExpression('/belongs .*listener_user/', $said);
        self::assertSame(0, replay_disk_buffer());
    }

    /** @return iterable<string, array{string, int, bool}> face, owner of the link, whether it is sent */
    public function links(): iterable
    {
        foreach (['plain', 'native'] as $face) {
            yield "another user's, $face" => [$face, self::OTHER, false];
            yield "listener_user's, $face" => [$face, self::LISTENER, true];
            yield "root's, $face" => [$face, 0, true];
        }
    }

    /**
     * Another user's link leads to a socket of root's that is not the listener's.
     *
     * @dataProvider links
     */
    public function testLinksToTheSocket(string $face, int $owner, bool $isSent): void
    {
        symlink("$this->folder/d/s", "$this->folder/link");
        symlink("$this->folder/d", "$this->folder/way");
        foreach (['link', 'way'] as $link) {
            Scratch::give("$this->folder/$link", $owner);
        }
        chown("$this->folder/d/s", 0);
        foreach (['link', 'way/s', 'way//s'] as $path) {
            $path = "$this->folder/$path";
            $this->useFace($face, ['listener_socket' => $path, 'listener_user' => self::LISTENER]);
            self::assertSame($isSent, send_profiling_data(['a' => 1]), $path);
            self::assertSame($isSent, check_listener_socket()['connectable'], $path);
        }
    }
}
