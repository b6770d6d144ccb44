<?php

namespace Transmit\Test;

/**
 * Makes, in the folder of a test, what can be wrong on a machine. DoctorTestCase uses it.
 */
trait DoctorSituations
{
    protected function prepare(string $situation): void
    {
        switch ($situation) {
            case 'absent':
                return;
            case 'no folder':
                $this->settings['listener_socket'] = "$this->folder/none/s";
                return;
            case 'refused':
                (new Listener($this->socket))->close();
                return;
            case 'stream':
                $this->open[] = stream_socket_server("unix://$this->socket");
                return;
            case 'file':
                touch($this->socket);
                return;
            case 'directory':
                mkdir($this->socket);
                return;
            case 'link':
                symlink("$this->folder/gone", $this->socket);
                return;
            case 'path':
                $this->settings['listener_socket'] = str_pad("$this->folder/", 108, 'x');
                return;
            case '0700':
                mkdir("$this->folder/closed", 0700);
                $this->settings['listener_socket'] = "$this->folder/closed/s";
                break;
        }
        $this->listen();
        $this->prepareListening($situation);
    }

    /** Somebody listens, but. */
    private function prepareListening(string $situation): void
    {
        switch ($situation) {
            case 'listening':
                return;
            case 'full':
                $this->fill($this->socket);
                return;
            case '0600':
            case '0600 for FPM':
                chmod($this->socket, 0600);
                $this->asNobody();
                return;
            case '0700':
                $this->asNobody();
                return;
            case 'EACCES':
            case 'EPERM':
                self::needStrace();
                $this->before = "strace -f -o /dev/null -e trace=connect -e inject=connect:error=$situation %s";
                return;
            case 'size':
                $this->settings['max_datagram_size'] = 16000000;
                return;
            case 'setting':
                $this->settings += ['timeout_us' => 'long', 'colour' => 'red'];
                return;
            case 'no library':
                $this->settings['library'] = '/nowhere/libtransmit.so';
                return;
            case 'another ABI':
                $this->settings['library'] = $this->otherLibrary();
                return;
            default:
                $this->prepareProcess($situation);
        }
    }

    private function asNobody(): void
    {
        self::needRoot();
        $this->before = 'setpriv --reuid nobody --regid nogroup --clear-groups %s';
        chmod(Scratch::root(), 0755);
    }

    /** What PHP is started with. */
    private function prepareProcess(string $situation): void
    {
        switch ($situation) {
            case 'no prepend':
                $this->prepend = '';
                return;
            case 'other prepend':
                $this->prepend = $this->otherPrepend();
                return;
            case '.user.ini':
                $this->makeSite('other.php');
                $this->arguments = "--root $this->folder/site";
                return;
            case 'log':
                $this->options .= " -d error_log=$this->folder/config.php/none";
                return;
            case 'no FFI':
                $this->options = implode(' ', Program::BARE);
                return;
            case 'restricted':
                $this->options .= ' -d ffi.enable=0';
                return;
            case 'ulimit':
                $this->before = 'ulimit -v 1172000; %s';
                return;
            case 'tasks':
                $this->prepareTasks();
                return;
            case 'private tmp':
                $this->preparePrivateTmp();
                return;
            default:
                $this->prepareBuffer($situation);
        }
    }

    private function prepareBuffer(string $situation): void
    {
        $old = "$this->buffer/profile_20200101_000000_0000000";
        if ($situation === 'no buffer') {
            $this->settings['buffer_dirs'] = ["$this->folder/config.php/buffer"];
            return;
        }
        if ($situation === 'buffer link') {
            symlink($this->folder, $this->buffer);
            return;
        }
        mkdir($this->buffer);
        switch ($situation) {
            case 'foreign':
                self::needRoot();
                chown($this->buffer, 'nobody');
                return;
            case 'root buffer':
                return;
            case '0777':
                chmod($this->buffer, 0777);
                return;
            case 'full disk':
                $this->mount('size=8k', "head -c 8192 /dev/zero > $this->buffer/zeros");
                return;
            case 'no inodes':
                $this->mount('size=1m,nr_inodes=2', "touch $this->buffer/one");
                return;
            case 'forgotten':
                file_put_contents($old . '1.json', '{}');
                file_put_contents($old . '0.json', '0');
                touch($old . '0.json', time() - 3 * 3600 - 60);
                return;
            case 'later':
                $this->settings['buffer_dirs'] = ["$this->folder/first", $this->buffer];
                mkdir("$this->folder/first");
                file_put_contents($old . '0.json', '{}');
                return;
            case 'nearly full':
                file_put_contents($old . '0.json', '{}');
                file_put_contents($old . '1.json', '{}');
                $this->settings['buffer_max_files'] = 2;
                return;
        }
        self::fail("no situation $situation");
    }

    private function mount(string $options, string $then): void
    {
        self::needRoot();
        $this->before = "unshare -m sh -c 'mount -t tmpfs -o $options,mode=0755 none $this->buffer"
            . " && { $then; } 2> /dev/null; %s'";
    }

    /** As systemd does it, on another folder than /tmp, for this test lies in that. */
    private function preparePrivateTmp(): void
    {
        self::needRoot();
        $private = "$this->folder/systemd-private-0123-php-fpm.service-4567/tmp";
        mkdir($private, 0755, true);
        $this->settings['buffer_dirs'] = [$private, '/var/tmp'];
        $this->before = "unshare -m sh -c 'mount --bind $private /var/tmp && %s'";
    }

    private function prepareTasks(): void
    {
        self::needRoot();
        $root = is_dir('/sys/fs/cgroup/pids') ? '/sys/fs/cgroup/pids' : '/sys/fs/cgroup';
        $group = "$root/transmit-" . bin2hex(random_bytes(4));
        exec("mkdir $group && test -f $group/pids.max && rmdir $group 2>&1", $output, $failed);
        if ($failed) {
            self::markTestSkipped('no cgroup with the controller pids can be made here');
        }
        // Three: this shell, a second one, and PHP. The shell that tidies up is not in it.
        $this->before = "mkdir $group && echo 5 > $group/pids.max"
            . " && sh -c 'echo \$\$ > $group/cgroup.procs; %s'; status=\$?; rmdir $group; exit \$status";
    }

    /** A library with the same functions and another ABI version. */
    private function otherLibrary(): string
    {
        if (exec('command -v gcc') === '') {
            self::markTestSkipped('a C compiler is needed');
        }
        $source = "unsigned transmit_abi_version(void) { return 99; }\n";
        foreach (self::functions() as $name) {
            $source .= $name === 'transmit_abi_version' ? '' : "int $name(void) { return 0; }\n";
        }
        file_put_contents("$this->folder/other.c", $source);
        $library = "$this->folder/libtransmit.so.99";
        $ran = Program::run("gcc -shared -fPIC -w -o $library $this->folder/other.c");
        self::assertSame(0, $ran['status'], $ran['errors']);
        return $library;
    }

    /** @return list<string> the header's */
    private static function functions(): array
    {
        $header = file_get_contents(dirname(__DIR__, 2) . '/include/transmit_ffi.h');
        preg_match_all('/\b(transmit_\w+)\(/', $header, $found);
        return $found[1];
    }
}
