<?php

namespace Transmit\Test;

/**
 * The doctor, asked with settings and a php.ini of a test's own.
 */
abstract class DoctorTestCase extends TransmitTestCase
{
    use DoctorSituations;

    /** @var list<object|resource> kept open for the length of a test */
    protected array $open = [];

    protected ?Fpm $fpm = null;

    /** @var array<string, mixed> what the application's settings are */
    protected array $settings;

    /** What runs php, and php's options. */
    protected string $before = '';
    protected string $arguments = '';
    protected string $options = '-d opcache.enable_cli=0';

    /** "": none is in effect. */
    protected string $prepend;

    protected function setUp(): void
    {
        parent::setUp();
        $this->prepend = dirname(__DIR__, 2) . '/php/auto_prepend.php';
        $this->settings = [
            'listener_socket' => $this->socket,
            'buffer_dirs' => [$this->buffer],
            'library' => self::library(),
        ];
    }

    protected function tearDown(): void
    {
        $this->open = [];
        if ($this->fpm !== null) {
            $this->fpm->stop();
        }
        parent::tearDown();
    }

    protected static function assertFinding(array $report, string $name, string $state, string $says): void
    {
        $all = [];
        foreach ($report['findings'] as $finding) {
            if ($finding['name'] === $name) {
                $all[] = "$finding[state] $finding[text] -> $finding[remedy]";
            }
            self::assertSame($finding['state'] === 'ok', $finding['remedy'] === '', "$finding[name] has a remedy");
        }
        self::assertMatchesRegularExpression("/^$state .*" . strtr($says, ['/' => '\/']) . '/m', implode("\n", $all));
    }

    protected function command(string $arguments): string
    {
        $config = "<?php\nfunction get_profiling_config(): array { return " . var_export($this->settings, true) . '; }';
        file_put_contents("$this->folder/config.php", $config);
        $php = "php $this->options -d auto_prepend_file=$this->prepend " . self::doctor()
            . " --config $this->folder/config.php $this->arguments $arguments";
        return $this->before === '' ? $php : sprintf($this->before, $php);
    }

    protected function listen(): Listener
    {
        $listener = new Listener($this->settings['listener_socket']);
        chmod($this->settings['listener_socket'], 0777);
        $this->open[] = $listener;
        return $listener;
    }

    protected function startFpm(string $ini, string $situation, string $pool = ''): void
    {
        if (Fpm::binary() === null) {
            self::markTestSkipped('php-fpm and cgi-fcgi (Debian: php-fpm, libfcgi-bin) are needed');
        }
        mkdir("$this->folder/b");
        chmod("$this->folder/b", 01777);
        if ($situation !== 'root buffer') {
            $this->buffer = "$this->folder/b";
        }
        $this->settings['buffer_dirs'] = [$this->buffer];
        $this->prepare($situation === '' ? 'listening' : $situation);
        $this->before = '';
        chmod(Scratch::root(), 0755);
        $this->command(''); // writes the configuration
        $own = PHP_VERSION_ID < 80000 ? ['extension=posix', 'extension=json'] : ['extension=posix'];
        $prepend = $ini !== '' && strpos($ini . $pool, 'auto_prepend_file') === false
            ? ["auto_prepend_file=$this->prepend"] : [];
        $options = array_merge($own, $prepend, $ini === '' ? [] : explode(' ', $ini));
        $this->fpm = new Fpm($this->folder, $options, $pool);
    }

    protected function otherPrepend(): string
    {
        file_put_contents("$this->folder/other.php", '<?php');
        return "$this->folder/other.php";
    }

    /** A site with a folder that has its own prepended file. */
    protected function makeSite(string $prepend): void
    {
        mkdir("$this->folder/site/a", 0755, true);
        file_put_contents("$this->folder/site/a/.user.ini", "auto_prepend_file=$prepend\n");
    }

    protected static function needStrace(): void
    {
        if (exec('command -v strace') === '') {
            self::markTestSkipped('strace is needed');
        }
    }

    protected static function needRoot(): void
    {
        if (posix_geteuid() !== 0) {
            self::markTestSkipped('only root can do this');
        }
    }

    protected static function doctor(): string
    {
        return dirname(__DIR__, 2) . '/php/doctor.php';
    }

    protected static function library(): string
    {
        return getenv('TRANSMIT_LIBRARY') ?: dirname(__DIR__, 2) . '/build/libtransmit.so';
    }
}
