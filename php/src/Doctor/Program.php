<?php

namespace Transmit\Doctor;

use Transmit\Printable;

/**
 * The doctor as a command, and as a page of php-fpm.
 */
final class Program
{
    private const USAGE = <<<'TEXT'
        php doctor.php [--json] [--config FILE] [--fpm SOCKET] [--root FOLDER]

          --json         for programs
          --config FILE  the application's file that defines get_profiling_config()
          --fpm SOCKET   ask php-fpm, whose user and php.ini count, through its socket (a path, or host:port)
          --root FOLDER  the site's document root: its .user.ini files may replace auto_prepend_file

        Exit status: 0 profiles arrive, 1 they do, with warnings, 2 none arrives, 3 the doctor could not look.

        TEXT;

    /** @param list<string> $arguments */
    public static function command(array $arguments): int
    {
        $options = self::options($arguments);
        if ($options === null || isset($options['help'])) {
            fwrite($options === null ? STDERR : STDOUT, self::USAGE);
            return $options === null ? 3 : 0;
        }
        $_SERVER['DOCUMENT_ROOT'] = $options['root'] ?? '';
        if (isset($options['fpm'])) {
            return self::askFpm($options);
        }
        if (!Application::load($options['config'] ?? '')) {
            fwrite(STDERR, "doctor: {$options['config']} cannot be read\n");
            return 3;
        }
        $report = Report::make();
        echo isset($options['json']) ? $report->json() : $report->text() . self::whoElse();
        return $report->status();
    }

    public static function page(): void
    {
        $instead = "The doctor answers on the command line: php doctor.php --fpm SOCKET.\n";
        if (!Access::isGranted('TRANSMIT_DOCTOR', $instead)) {
            return;
        }
        Application::load((string) getenv('TRANSMIT_DOCTOR_CONFIG'));
        $report = Report::make();
        http_response_code($report->status() === 2 ? 503 : 200);
        if (($_GET['format'] ?? '') === 'json') {
            header('Content-Type: application/json');
        }
        header('X-Doctor-Status: ' . $report->status());
        echo ($_GET['format'] ?? '') === 'json' ? $report->json() : $report->text();
    }

    /** @param array<string, string> $options */
    private static function askFpm(array $options): int
    {
        $script = dirname(__DIR__, 2) . '/doctor.php';
        $query = isset($options['json']) ? 'format=json' : '';
        $answer = FastCgi::request($options['fpm'], [
            'SCRIPT_FILENAME' => $script, 'SCRIPT_NAME' => '/doctor.php', 'REQUEST_METHOD' => 'GET',
            'REQUEST_URI' => '/doctor.php', 'QUERY_STRING' => $query, 'TRANSMIT_DOCTOR' => '1',
            'DOCUMENT_ROOT' => isset($options['root']) ? (string) realpath($options['root']) : '',
            'TRANSMIT_DOCTOR_CONFIG' => isset($options['config']) ? (string) realpath($options['config']) : '',
        ]);
        [$headers, $page] = explode("\r\n\r\n", (string) $answer, 2) + ['', ''];
        if (preg_match('/^X-Doctor-Status: ([0-2])\r?$/mi', $headers, $found) !== 1) {
            fwrite(STDERR, "doctor: php-fpm at {$options['fpm']} gave no answer of the doctor's;"
                . " may its user read $script?\n" . Printable::lines("$headers\n$page") . "\n");
            return 3;
        }
        echo Printable::lines($page); // written by the program that is bound to that socket
        return (int) $found[1];
    }

    /**
     * @param list<string> $arguments
     * @return array<string, string>|null by name; null: an argument is not known
     */
    private static function options(array $arguments): ?array
    {
        $options = [];
        while ($arguments !== []) {
            $name = (string) array_shift($arguments);
            $isSwitch = in_array($name, ['--json', '--help'], true);
            if (!$isSwitch && !(in_array($name, ['--config', '--fpm', '--root'], true) && $arguments !== [])) {
                return null;
            }
            $options[substr($name, 2)] = $isSwitch ? '' : (string) array_shift($arguments);
        }
        return $options;
    }

    /** Advice to ask php-fpm: its user and its php.ini are others than those of the command line. */
    private static function whoElse(): string
    {
        $sockets = array_filter(glob('/run/php/*.sock') ?: [], static function (string $path): bool {
            return !is_link($path);
        });
        return 'This was PHP on the command line, as ' . System::user()
            . ". php-fpm has its own user and php.ini; ask it:\n"
            . '    php ' . dirname(__DIR__, 2) . '/doctor.php --fpm ' . (current($sockets) ?: 'SOCKET') . "\n";
    }
}
