<?php

namespace Transmit\Test;

use Transmit\Profiler\HttpRequest;
use Transmit\Profiler\Options;

/**
 * What a visitor sends, and what of it is in a profile.
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
