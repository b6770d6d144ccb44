<?php

namespace Transmit\Test;

/**
 * A php-fpm with one worker and only those settings of php.ini that a test names, and requests to it through FastCGI.
 */
final class Fpm
{
    private string $folder;

    /** @var resource */
    private $process;

    /**
     * @param list<string> $options php.ini lines "name=value"
     * @param string $pool more lines for the pool
     */
    public function __construct(string $folder, array $options, string $pool = '')
    {
        $this->folder = $folder;
        file_put_contents("$folder/fpm.conf", "[global]\nerror_log=$folder/fpm.log\ndaemonize=no\n[www]\n"
            . "listen=$folder/fpm.sock\npm=static\npm.max_children=1\nclear_env=no\ncatch_workers_output=yes\n"
            . (posix_geteuid() === 0 ? "user=nobody\ngroup=nogroup\nlisten.mode=0666\n" : '') . "$pool\n");
        $command = array_merge([self::binary()], Program::BARE, ['-y', "$folder/fpm.conf"]);
        foreach ($options as $option) {
            array_push($command, '-d', $option);
        }
        $files = [['file', '/dev/null', 'r'], ['file', "$folder/out", 'w'], ['redirect', 1]];
        $this->process = proc_open($command, $files, $pipes);
        for ($i = 0; $i < 100 && !file_exists("$folder/fpm.sock"); $i++) {
            usleep(50000);
        }
    }

    /** Of the PHP that runs the tests, where several are installed. null: none is */
    public static function binary(): ?string
    {
        $same = '/usr/sbin/php-fpm' . PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION;
        $found = array_merge(glob($same), glob('/usr/sbin/php-fpm[78]*'), glob('/usr/local/sbin/php-fpm'));
        return exec('command -v cgi-fcgi') === '' ? null : ($found[0] ?? null);
    }

    /**
     * The page, without its headers.
     *
     * @param string $more parameters, as the shell has them
     */
    public function get(string $script, string $more = ''): string
    {
        $environment = "SCRIPT_FILENAME=$script SCRIPT_NAME=/page REQUEST_URI=/page?secret REQUEST_METHOD=GET";
        $answer = Program::run("$environment $more cgi-fcgi -bind -connect $this->folder/fpm.sock")['output'];
        return explode("\r\n\r\n", $answer, 2)[1] ?? "no answer\n" . $this->log();
    }

    public function log(): string
    {
        return file_get_contents("$this->folder/out") . file_get_contents("$this->folder/fpm.log");
    }

    public function stop(): void
    {
        proc_terminate($this->process);
        proc_close($this->process);
    }
}
