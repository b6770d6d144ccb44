<?php

namespace Transmit\Test;

/**
 * A project that requires the package by Composer, from a path repository and without a network.
 *
 * @group host needs more than PHP: composer
 */
final class ComposerTest extends TransmitTestCase
{
    private const APPLICATION = <<<'PHP'
        <?php
        %s
        require __DIR__ . '/vendor/autoload.php';
        %s
        echo var_export(send_profiling_data(['by' => 'composer']), true), ' ', check_listener_socket()['mode'];
        PHP;

    protected function setUp(): void
    {
        parent::setUp();
        if (exec('command -v composer') === '') {
            self::markTestSkipped('composer (Debian: composer) is needed');
        }
    }

    public function testTheDescriptionIsValid(): void
    {
        $ran = $this->composer('validate --strict --no-check-publish ' . self::php('composer.json'));
        self::assertSame(0, $ran['status'], $ran['output'] . $ran['errors']);
    }

    /** @return array<string, array{string, string, string, string}> Composer's options, before and after autoload, mode */
    public function projects(): array
    {
        $config = "require 'config.php';";
        $copy = $config . 'require ' . var_export(self::php('transmitter.php'), true) . ';';
        return [
            'as it is' => ['', '', $config, 'native'],
            'optimised' => ['--optimize-autoloader', '', $config, 'native'],
            'settings first' => ['', $config, '', 'native'],
            'no settings' => ['', '', '', 'native'],
            'after another copy' => ['', $copy, '', 'native'],
            'in plain PHP' => ['', '', $config, 'plain'],
        ];
    }

    /** @dataProvider projects */
    public function testItsFunctionsAreThere(string $options, string $before, string $after, string $mode): void
    {
        $this->useFace($mode);
        $this->makeProject($options);
        $config = ['listener_socket' => $this->socket, 'buffer_dirs' => [$this->buffer]];
        $config = var_export($config + ['library' => $mode === 'plain' ? '' : self::library()], true);
        $function = "function get_profiling_config(): array { return $config; }";
        file_put_contents("$this->folder/config.php", "<?php $function");
        file_put_contents("$this->folder/application.php", sprintf(self::APPLICATION, $before, $after));
        $listener = new Listener($this->socket);
        // For the row that has no settings.
        $environment = "LISTENER_SOCKET=$this->socket TRANSMIT_LIBRARY=" . self::library();
        $ran = Program::run("cd $this->folder && $environment php application.php");
        self::assertSame("true $mode", $ran['output'], $ran['errors']);
        self::assertStringStartsWith('{"by":"composer"', $listener->receive());
        $ran = Program::run("cd $this->folder && vendor/bin/doctor.php --json --config config.php");
        $states = array_column(json_decode($ran['output'], true)['findings'], 'state', 'name');
        unset($states['profiler']); // it warns: this project has no auto_prepend_file
        self::assertSame(['ok'], array_values(array_unique($states)), $ran['output'] . $ran['errors']);
    }

    private function makeProject(string $options): void
    {
        file_put_contents("$this->folder/composer.json", json_encode([
            'repositories' => [
                ['type' => 'path', 'url' => self::php(''), 'options' => ['symlink' => false]],
                ['packagist.org' => false],
            ],
            'require' => ['bitville/libtransmit' => '*@dev'],
        ]));
        $ran = $this->composer("install --no-interaction --working-dir=$this->folder $options");
        self::assertSame(0, $ran['status'], $ran['output'] . $ran['errors']);
    }

    /** @return array{output: string, errors: string, status: int} */
    private function composer(string $arguments): array
    {
        // As part of the tests' own repository, its version would be this branch's name.
        return Program::run("COMPOSER_HOME=$this->folder/home COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_DISABLE_NETWORK=1"
            . " COMPOSER_ROOT_VERSION=1.0.0 composer $arguments");
    }

    private static function library(): string
    {
        return getenv('TRANSMIT_LIBRARY') ?: dirname(__DIR__, 2) . '/build/libtransmit.so';
    }

    private static function php(string $file): string
    {
        return rtrim(dirname(__DIR__, 2) . "/php/$file", '/');
    }
}
