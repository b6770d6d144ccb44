<?php

namespace Transmit\Test;

use Transmit\Printable;
use Transmit\Settings;

/**
 * Names and answers of other programs have only visible characters in a log or a terminal, and cannot add a line.
 */
final class PrintableTest extends TransmitTestCase
{
    private const CONTROL = '/[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]/';

    /** @return array<string, array{string, string}> text, as a line */
    public function texts(): array
    {
        return [
            'plain' => ['/run/s: No such file', '/run/s: No such file'],
            'UTF-8' => ["/run/\u{e9}\u{4e2d}", "/run/\u{e9}\u{4e2d}"],
            'a second line' => ["a\nProfiler: fake\r\nb", 'a Profiler: fake b'],
            'escape sequence' => ["\x1b[2J\x1b]0;owned\x07", '?[2J?]0;owned?'],
            'one byte CSI' => ["a\x9b2J", 'a?2J'],
            'CSI in UTF-8' => ["a\u{9b}2J", 'a?2J'],
            'NUL, DEL and backspace' => ["a\0b\x7fc\x08", 'a?b?c?'],
            'marks of direction' => ["a\u{202e}b\u{2066}c\u{200f}", 'a?b?c?'],
            'line and paragraph separators' => ["a\u{2028}b\u{2029}", 'a?b?'],
            'not UTF-8' => ["\xff\xfea", '??a'],
            'endless' => [str_repeat('x', 5000), str_repeat('x', 2000) . ' ...'],
        ];
    }

    /** @dataProvider texts */
    public function testALine(string $text, string $want): void
    {
        self::assertSame($want, Printable::line($text));
        self::assertDoesNotMatchRegularExpression(self::CONTROL, Printable::lines("$text\n$text"));
    }

    public function testLinesStay(): void
    {
        self::assertSame("a\n  b\n\n", Printable::lines("a\r\n  b\n\n"));
    }

    /** @dataProvider texts */
    public function testTheLogOfSettingsThatThrow(string $text): void
    {
        $prepend = var_export(dirname(__DIR__, 2) . '/php/auto_prepend.php', true);
        file_put_contents("$this->folder/page.php", '<?php function get_profiling_config() { throw new Exception('
            . var_export($text, true) . "); } require $prepend;");
        Program::run("php -d transmit.profile_cli=1 -d error_log=$this->log $this->folder/page.php");
        self::assertCount(1, $this->logLines(), implode("\n", $this->logLines()));
        $this->assertLogged('/Profiler: nothing is measured: /');
        self::assertDoesNotMatchRegularExpression(self::CONTROL, $this->logLines()[0]);
        self::assertLessThan(2100, strlen($this->logLines()[0]));
    }

    /** @dataProvider faces */
    public function testTheLogOfABadPath(string $face): void
    {
        $this->useFace($face);
        send_via_socket('{}', "$this->folder/\x1b[2J\nProfiler: fake\u{9b}");
        $this->useFace($face, ['buffer_dirs' => ["$this->folder/no\x1b]0;\x07\n"], 'oversize' => "\x1b"]);
        write_to_disk_buffer('{}');
        \Transmit\Log::defect(new \Exception("\x1b[31m\nProfiler: fake"));
        $log = (string) file_get_contents($this->log);
        if ($face === 'plain') { // the library bounds the lines of all processes together
            self::assertStringContainsString('fake', $log);
        }
        self::assertDoesNotMatchRegularExpression(self::CONTROL, $log);
        $lines = (string) preg_replace('/^\[.*?\] /m', '', $log);
        self::assertDoesNotMatchRegularExpression('/^Profiler: fake/m', $lines);
        self::assertDoesNotMatchRegularExpression(self::CONTROL, \Transmit\Native::lastError());
    }

    /** @return iterable<string, array{string, int}> what answers in php-fpm's place, exit status */
    public function answers(): iterable
    {
        $bad = "all fine \x1b]0;owned\x07\x1b[2J\u{9b}2J \x9b\n";
        yield 'as the doctor' => ["X-Doctor-Status: 0\r\n\r\nok   $bad", 0];
        yield 'as JSON' => ["X-Doctor-Status: 1\r\nContent-Type: application/json\r\n\r\n{\"a\":\"$bad\"}", 1];
        yield 'another status' => ["X-Doctor-Status: 7\r\n\r\n$bad", 3];
        yield 'in a header' => ["X-Powered-By: $bad\r\n\r\n", 3];
        yield 'no header' => [$bad, 3];
        yield 'endless' => ["X-Doctor-Status: 2\r\n\r\n" . str_repeat($bad, 100000), 2];
    }

    /** @dataProvider answers */
    public function testTheDoctorAsksWhoeverIsThere(string $answer, int $status): void
    {
        $server = stream_socket_server("unix://$this->folder/fpm.sock");
        $doctor = dirname(__DIR__, 2) . '/php/doctor.php';
        $files = [1 => ['file', "$this->folder/out", 'w'], 2 => ['redirect', 1]];
        $process = proc_open(['php', $doctor, '--fpm', "$this->folder/fpm.sock"], $files, $pipes);
        $client = stream_socket_accept($server, 10);
        foreach (str_split($answer, 60000) as $part) {
            try {
                fwrite($client, pack('CCnnxx', 1, 6, 1, strlen($part)) . $part);
            } catch (\ErrorException $e) {
                break; // it has read enough
            }
        }
        fclose($client);
        self::assertSame($status, proc_close($process));
        $printed = (string) file_get_contents("$this->folder/out");
        self::assertDoesNotMatchRegularExpression(self::CONTROL, $printed);
        self::assertStringNotContainsString("\x9b", $printed);
        self::assertLessThan(2 << 20, strlen($printed));
    }
}
