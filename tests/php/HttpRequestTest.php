<?php

namespace Transmit\Test;

use Transmit\Profiler\HttpRequest;
use Transmit\Profiler\Options;

/**
 * Which parts of a visitor's request are in a profile.
 */
final class HttpRequestTest extends TransmitTestCase
{
    private array $server;

    protected function setUp(): void
    {
        parent::setUp();
        $this->server = $_SERVER;
    }

    protected function tearDown(): void
    {
        $_SERVER = $this->server;
        parent::tearDown();
    }

    /** @return array<string, array{array<string, mixed>, string, bool}> what is sent, setting, whether it is taken */
    public function ids(): array
    {
        $id = 'b1946ac92492d234';
        return [
            'by default' => [['HTTP_X_CORRELATION_ID' => $id, 'HTTP_X_REQUEST_ID' => $id], '', false],
            'the named header' => [['HTTP_X_REQUEST_ID' => $id], 'X-Request-Id', true],
            'in capitals' => [['HTTP_TRACEPARENT' => $id], 'TRACEPARENT', true],
            'another header' => [['HTTP_X_CORRELATION_ID' => $id], 'X-Request-Id', false],
            'not sent' => [[], 'X-Request-Id', false],
            'an array' => [['HTTP_X_REQUEST_ID' => [$id]], 'X-Request-Id', false],
            'a line feed' => [['HTTP_X_REQUEST_ID' => "$id\n"], 'X-Request-Id', false],
            'an escape sequence' => [['HTTP_X_REQUEST_ID' => "\x1b[2J"], 'X-Request-Id', false],
            '129 bytes' => [['HTTP_X_REQUEST_ID' => str_repeat('a', 129)], 'X-Request-Id', false],
            'no header name' => [['HTTP_' => $id], '', false],
            'an impossible name' => [['HTTP_X_REQUEST_ID' => $id], "X-Request-Id\n", false],
        ];
    }

    /**
     * @dataProvider ids
     * @param array<string, mixed> $sent
     */
    public function testTheCorrelationId(array $sent, string $header, bool $isTaken): void
    {
        $_SERVER = $sent;
        $options = new Options(['correlation_id_header' => $header]);
        $id = HttpRequest::describe($options)['correlation_id'];
        if ($isTaken) {
            self::assertSame(current($sent), $id);
            return;
        }
        self::assertMatchesRegularExpression('/^[0-9a-f]{32}$/', $id);
        self::assertNotSame($id, HttpRequest::describe($options)['correlation_id']);
    }

    /** @return array<string, array{string, mixed, string}> REQUEST_URI, url_query, url */
    public function urls(): array
    {
        return [
            'a path' => ['/a/b', false, '/a/b'],
            'a query' => ['/a?token=t', false, '/a'],
            'some of a query' => ['/a?token=t&page=2', ['page'], '/a?page=2'],
            'a whole query' => ['/a?b=1', true, '/a?b=1'],
            'a user and a password' => ['http://user:pw@host/x?y', false, 'http://host/x'],
            'with the query' => ['http://user:pw@host/x?y=1', true, 'http://host/x?y=1'],
            'a user' => ['https://user@host/', false, 'https://host/'],
            'without a scheme' => ['//user:pw@host/x', false, '//host/x'],
            'an @ in the password' => ['http://user:p@w@host/x', false, 'http://host/x'],
            'backslashes' => ['http:\\\\user:pw@host/x', false, 'http:\\\\host/x'],
            'an encoded @' => ['http://user:pw%40host/x', false, 'http://host/x'],
            'another scheme' => ['ftp+x://user:pw@host/x', false, 'ftp+x://host/x'],
            'in a query' => ['/a?next=http://user:pw@host/&b=1', true, '/a?next=http://host/&b=1'],
            'encoded in a query' => ['/a?next=http%3A%2F%2Fuser%3Apw%40host', true, '/a?next=http%3A%2F%2Fhost'],
            'an @ elsewhere' => ['/@user/a@b', false, '/@user/a@b'],
            'an ampersand in the password' => ['http://user:p&w@host/x', false, 'http://host/x'],
            'one slash' => ['/go/http:/user:pw@host/x', false, '/go/http:/host/x'],
            'one of two slashes encoded' => ['/go/http:%2F/user:pw@host', false, '/go/http:%2F/host'],
            'encoded backslashes' => ['/go/http:%5c%5Cuser:pw@host', false, '/go/http:%5c%5Chost'],
            'encoded twice' => ['/go/http%253A%252F%252Fuser:pw%2540host', false, '/go/http%253A%252F%252Fhost'],
            'three slashes' => ['http:///user:pw@host/', false, 'http:///host/'],
            'no scheme and no slash' => ['user:pw@host:443', false, 'host:443'],
            'of two parameters' => ['/a?m=a@b&n=//u:p@h&c=d@e', true, '/a?m=a@b&n=//h&c=d@e'],
            'a list, encoded' => ['/a?n=http%3A%2F%2Fu%3Ap%26w%40h', ['n'], '/a?n=http%3A%2F%2Fh'],
            'an escape sequence' => ["/a\x1b]0;x\x07/b", false, '/a%1B]0/b'],
            'control characters' => ["/a\n\x7f\0b?q=\x1b[2J", true, '/a%0A%7F%00b?q=%1B[2J'],
            'a mark of direction' => ["/a\u{202e}b\u{9b}", false, '/a%E2%80%AEb%C2%9B'],
            'not UTF-8' => ["/\xff\x9b", false, '/%FF%9B'],
            'an encoded session id' => ['/reset%3Bjsessionid=SID/x%3bSID', false, '/reset/x'],
            'an encoded query' => ['/a%3Ftoken=a/b', false, '/a'],
            'a fragment with a slash' => ['/a#b/token', false, '/a'],
            'a session id' => ['/reset;jsessionid=SID/x?y', false, '/reset/x'],
            'a fragment' => ['/a#token', false, '/a'],
        ];
    }

    /**
     * @dataProvider urls
     * @param mixed $query
     */
    public function testTheUrl(string $sent, $query, string $want): void
    {
        $_SERVER = ['REQUEST_URI' => $sent];
        self::assertSame($want, HttpRequest::describe(new Options(['url_query' => $query]))['url']);
    }

    /** The time of a long one grows with its length, and not with the square. */
    public function testALongUrlTakesNoTime(): void
    {
        foreach (['%2f%2f', '//', ':%2f%2f%2f', '%25', '%252f', '@', '%40', ';', '%3b', '?q[a][b]=', "\xff"] as $unit) {
            $_SERVER = ['REQUEST_URI' => '/' . str_repeat($unit, intdiv(16000, strlen($unit)))];
            $best = INF;
            for ($try = 0; $try < 3; $try++) {
                $start = hrtime(true);
                HttpRequest::describe(new Options(['url_query' => true]));
                $best = min($best, (hrtime(true) - $start) / 1e6);
            }
            self::assertLessThan(20, $best, "milliseconds for $unit");
        }
    }

    /** @return array<string, array{mixed, string}> */
    public function methods(): array
    {
        return ['GET' => ['GET', 'GET'], 'WebDAV' => ['M-SEARCH', 'M-SEARCH'], 'a line feed' => ["GE\nT", 'other'],
            'markup' => ['<b>', 'other'], 'long' => [str_repeat('A', 33), 'other'], 'an array' => [['GET'], 'other']];
    }

    /**
     * @dataProvider methods
     * @param mixed $sent
     */
    public function testTheMethod($sent, string $want): void
    {
        $_SERVER = ['REQUEST_METHOD' => $sent];
        self::assertSame($want, HttpRequest::describe(new Options([]))['method']);
    }
}
