<?php

namespace Transmit\Test;

/**
 * The doctor through php-fpm, and as a page.
 *
 * @group host needs more than PHP: setpriv, unshare
 */
final class DoctorFpmTest extends DoctorTestCase
{
    /** @return array<string, array{string, string, int, string, string, string}> situation, php.ini, then as above */
    public function situationsOfFpm(): array
    {
        $ffi = 'extension=ffi';
        $root = dirname(__DIR__, 2);
        $preload = "opcache.preload=$root/php/preload.php opcache.preload_user=nobody"
            . " ffi.preload=$root/build/transmit_ffi.h";
        return [
            'all is well' => ['', "zend_extension=opcache $ffi $preload", 0, 'library', 'ok', 'native: '],
            'FFI for all scripts' => ['', "$ffi ffi.enable=true", 1, 'ffi', 'warn', 'every script may run native code'],
            'preloaded' => ['', "zend_extension=opcache $ffi $preload", 0, 'preload', 'ok', '\d classes'],
            'absent' => ['absent', "$ffi ffi.enable=true", 2, 'socket', 'fail', 'No such file'],
            'socket closed' => ['0600 for FPM', "$ffi ffi.enable=true", 2, 'socket', 'fail', 'nobody may not write to'],
            'restricted FFI' => ['', $ffi, 1, 'library', 'warn', 'FFI is restricted here -> in php.ini'],
            'no FFI' => ['', '', 1, 'library', 'warn', 'no extension FFI'],
            "root's buffer" => ['root buffer', "$ffi ffi.enable=true", 1, 'buffer', 'warn', 'may not write to it'],
        ];
    }

    /** @dataProvider situationsOfFpm */
    public function testFpmIsAsked(
        string $situation,
        string $ini,
        int $status,
        string $finding,
        string $state,
        string $says
    ): void {
        $this->startFpm($ini, $situation);
        $ran = Program::run($this->command("--json --fpm $this->folder/fpm.sock"));
        self::assertSame($status, $ran['status'], $ran['output'] . $ran['errors'] . $this->fpm->log());
        $report = json_decode($ran['output'], true);
        self::assertFinding($report, 'php', 'ok', 'PHP \d+\.\d+\.\S+, fpm-fcgi, as ');
        self::assertFinding($report, $finding, $state, $says);
        $ran = Program::run($this->command("--fpm $this->folder/fpm.sock"));
        self::assertSame($status, $ran['status']);
        self::assertStringContainsString('fpm-fcgi', $ran['output']);
    }

    public function testFpmHasTheDefaultsWithoutAConfig(): void
    {
        $this->startFpm('', '');
        $ran = Program::run('php ' . self::doctor() . " --fpm $this->folder/fpm.sock");
        self::assertNotSame(3, $ran['status'], $ran['output'] . $ran['errors']);
        self::assertStringContainsString('is in ' . dirname(__DIR__, 2) . '/php/config.php', $ran['output']);
    }

    public function testAStrangerReadsNothing(): void
    {
        $this->startFpm('', 'absent');
        $page = $this->fpm->get(self::doctor());
        self::assertStringContainsString('The doctor answers on the command line', $page);
        self::assertStringNotContainsString($this->folder, $page);
        self::assertStringNotContainsString('PHP ' . PHP_VERSION, $page);
    }

    public function testALocationCanShowItAsAPage(): void
    {
        $this->startFpm('', 'absent');
        file_put_contents("$this->folder/page.php", '<?php require ' . var_export("$this->folder/config.php", true)
            . '; require ' . var_export(self::doctor(), true) . ';');
        $page = $this->fpm->get("$this->folder/page.php", 'TRANSMIT_DOCTOR=1');
        self::assertStringContainsString("fail socket        $this->socket: No such file", $page);
    }

    /** @return array<string, array{string, string, bool}> the pool's environment, the location's, whether it answers */
    public function grants(): array
    {
        return [
            'none' => ['', '', false],
            'the location' => ['', 'TRANSMIT_%s=1', true],
            'not 1' => ['', 'TRANSMIT_%s=yes', false],
            'the other page' => ['', 'TRANSMIT_OTHER=1', false],
            'the pool' => ['env[TRANSMIT_%s]=1', '', false],
            'both' => ['env[TRANSMIT_%s]=1', 'TRANSMIT_%s=1', false],
            'not in the pool' => ['env[TRANSMIT_%s]=0', 'TRANSMIT_%s=1', true],
            'a visitor' => ['', 'HTTP_TRANSMIT_%s=1 QUERY_STRING=TRANSMIT_%s=1', false],
        ];
    }

    /** @dataProvider grants */
    public function testTheLocationGrantsAPage(string $pool, string $location, bool $isGranted): void
    {
        $this->startFpm('', 'absent', strtr($pool, ['%s' => 'DOCTOR']) . "\n" . strtr($pool, ['%s' => 'STATUS']));
        foreach (['doctor' => 'PHP ' . PHP_VERSION, 'status' => '<title>libtransmit'] as $name => $says) {
            $config = "TRANSMIT_STATUS_CONFIG=$this->folder/config.php";
            $granted = strtr($location, ['%s' => strtoupper($name)]) . " $config";
            $page = $this->fpm->get(dirname(self::doctor()) . "/$name.php", $granted);
            self::assertSame($isGranted, strpos($page, $says) !== false, "$name: $page");
            self::assertSame($pool !== '' && !$isGranted, strpos($page, 'environment of the whole pool') !== false);
        }
    }

    /** @return array<string, array{string, string, string, string}> php.ini's file, the pool's line, state, says */
    public function prepends(): array
    {
        $value = 'php_value[auto_prepend_file]=';
        $admin = 'php_admin_value[auto_prepend_file]=';
        return [
            'none' => ['', '', 'warn', 'no auto_prepend_file is in effect: .* -> set auto_prepend_file = /'],
            "php.ini's" => ['OURS', '', 'ok', 'auto_prepend_file=\S+ loads the profiler'],
            "the pool's" => ['', "{$value}OURS", 'ok', 'auto_prepend_file=\S+ loads the profiler'],
            'another one in php.ini' => ['OTHER', '', 'warn', 'other.php does not load the profiler: .* -> let '],
            'another one in the pool' => ['OURS', "{$value}OTHER", 'warn', 'place of php.ini\'s \S+auto_prepend.php: '],
            'none in the pool' => ['OURS', "{$value}none", 'warn', 'no auto_prepend_file is in effect \(in place of'],
            'another one in the site' => ['OURS', '', 'warn', 'site/a/.user.ini sets auto_prepend_file=\S+other.php'],
            'it does not count' => ['', "{$admin}OURS", 'ok', 'auto_prepend_file=\S+ loads the profiler'],
        ];
    }

    /** @dataProvider prepends */
    public function testThePrependedFileOfFpm(string $ini, string $pool, string $state, string $says): void
    {
        mkdir("$this->folder/site");
        $files = ['OURS' => $this->prepend, 'OTHER' => $this->otherPrepend()];
        if (strpos($says, 'site') === 0 || strpos($pool, 'admin') !== false) {
            rmdir("$this->folder/site");
            $this->makeSite($files['OTHER']);
        }
        $this->startFpm($ini === '' ? '' : 'auto_prepend_file=' . $files[$ini], '', strtr($pool, $files));
        $ran = Program::run($this->command("--json --root $this->folder/site --fpm $this->folder/fpm.sock"));
        $report = json_decode($ran['output'], true);
        self::assertFinding($report, 'profiler', $state, $says);
        $states = [];
        foreach ($report['findings'] as $finding) {
            $states[] = $finding['name'] === 'profiler' ? $finding['state'] : 'ok';
        }
        self::assertSame($state === 'warn', in_array('warn', $states, true), $ran['output']);
    }
}
