<?php

/**
 * A page that tries to get FFI with ffi.enable=preload. It calls all preloaded code by reflection, and searches the
 * results for FFI objects. It writes them to the file "found", because one of the calls ends the request.
 */

namespace Transmit\Preloaded;

// Preloaded code that left out its backslash would call these.
function strlen(string $text): int
{
    return 300000;
}

function realpath(string $path): string
{
    return $path;
}

function ini_get(string $name): string
{
    return '';
}

function is_string($value): bool
{
    return true;
}

namespace Transmit\Test\Hostile;

$folder = __DIR__;
chdir($folder);
$seen = new \SplObjectStorage();

function found(string $what): void
{
    file_put_contents(__DIR__ . '/found', "$what\n", FILE_APPEND);
}

/** Reports FFI in a value, and in all that it leads to. */
function search($value, string $where, int $depth = 0): void
{
    global $seen;
    if (is_array($value) && $depth < 9) {
        foreach ($value as $key => $item) {
            search($item, "{$where}[$key]", $depth + 1);
        }
        return;
    }
    if (!is_object($value) || isset($seen[$value]) || $depth > 9) {
        return;
    }
    $seen[$value] = true;
    if (strncmp(get_class($value), 'FFI', 3) === 0) {
        found("FFI in $where");
    } elseif ($value instanceof \Closure) {
        search((new \ReflectionFunction($value))->getStaticVariables(), "$where use", $depth + 1);
    }
    for ($class = new \ReflectionObject($value); $class; $class = $class->getParentClass()) {
        foreach ($class->getProperties() as $property) {
            $property->setAccessible(true);
            if ($property->isStatic() || $property->isInitialized($value)) {
                search($property->getValue($value), "$where->{$property->getName()}", $depth + 1);
            }
        }
    }
}

/** Is called back amid the encoding: what do the callers' frames show? */
final class Spy implements \JsonSerializable
{
    #[\ReturnTypeWillChange]
    public function jsonSerialize()
    {
        search(debug_backtrace(), 'backtrace');
        search((new \Exception())->getTrace(), 'trace');
        return 1;
    }
}

/** An argument of that type, which lets the method get far. */
function argument(?\ReflectionType $type, string $name)
{
    switch ($type === null ? '' : $type->getName()) {
        case 'int':
            return $name === 'start' ? hrtime(true) : 0;
        case 'float':
            return 1.5;
        case 'bool':
            return true;
        case 'array':
            return ['spy' => new Spy(), 'listener_socket' => new Spy(), 'timeout_us' => 20000];
        case 'string':
            return $name === 'library' ? __DIR__ . '/evil.so' : '{"a":1}';
    }
    return 'FFI::cdef';
}

function callAll(string $class): void
{
    $reflection = new \ReflectionClass($class);
    foreach ($reflection->getMethods() as $method) {
        if ($method->isDestructor() || $method->isConstructor()) {
            continue;
        }
        $method->setAccessible(true);
        $arguments = array_map(static function (\ReflectionParameter $parameter) {
            return argument($parameter->getType(), $parameter->getName());
        }, $method->getParameters());
        $name = "$class::{$method->getName()}()";
        try {
            $self = $method->isStatic() ? null : $reflection->newInstanceWithoutConstructor();
            search($method->invokeArgs($self, $arguments), $name);
        } catch (\Throwable $e) {
            search($e->getTrace(), "$name trace");
        }
        search($method->getStaticVariables(), "$name static");
    }
    foreach ($reflection->getProperties(\ReflectionProperty::IS_STATIC) as $property) {
        $property->setAccessible(true);
        search($property->getValue(), "$class::\${$property->getName()}");
    }
}

/** What must not be possible: $attempt gives something, or a file of ours is loaded. */
function attempt(string $name, callable $attempt): void
{
    try {
        $got = $attempt();
        search($got, $name);
    } catch (\Throwable $e) {
        return;
    }
}

/** Where a function was declared. */
function declaredIn(string $function): string
{
    return (string) (new \ReflectionFunction($function))->getFileName();
}

/** Outside open_basedir, where the page may not write, and native code of the page's user may. */
function directoryOutside(): string
{
    return dirname(__DIR__) . '/outside';
}

/** Where is it freed? What PHP calls at its end has the right of the function that runs then. */
final class Freed
{
    public function __toString(): string
    {
        return '{}';
    }

    public function __destruct()
    {
        $running = debug_backtrace()[1] ?? [];
        $isMethod = strncmp($running['class'] ?? '', 'Transmit\\Preloaded', 18) === 0;
        if ($isMethod || isset($GLOBALS['functions'][$running['function'] ?? ''])) {
            found("a page's object is freed in $running[function]()");
        }
    }
}

/** @return array<string, mixed> by name: settings of the page's for the library */
function settings(): array
{
    [$inside, $outside, $listener] = [__DIR__ . '/b', directoryOutside(), '"listener_socket":"/nowhere/s",'];
    $text = ['listener_socket' => '/nowhere/s', 'buffer_dirs' => [$inside]]
        + ['replay' => 'off","buffer_dirs":["' . $outside . '"],"oversize":"shrink'];
    return [
        'outside' => "{{$listener}\"buffer_dirs\":[\"$outside\"]}",
        'a key twice' => "{{$listener}\"buffer_dirs\":[\"$inside\"],\"buffer_dirs\":[\"$outside\"]}",
        'other letters' => "{{$listener}\"buffer_dirs\":[\"$inside\"],\"Buffer_Dirs\":[\"$outside\"]}",
        'escaped' => "{{$listener}\"buffer_dirs\":[\"$inside\"],\"buffer\\u005fdirs\":[\"$outside\"]}",
        'links' => "{{$listener}\"buffer_dirs\":[\"$outside\"],\"buffer_links\":true}",
        'no array' => "{{$listener}\"buffer_dirs\":\"$outside\"}",
        'an array' => ['buffer_dirs' => [$outside]],
        'text in a text' => json_encode($text),
        'nothing' => '',
        'an object' => new Freed(),
    ];
}

$preloaded = array_filter(get_declared_classes(), static function (string $class): bool {
    return strncmp($class, 'Transmit\\Preloaded\\', 19) === 0;
});
set_error_handler(static function (): bool {
    search(debug_backtrace(), 'error handler');
    return true;
});
foreach (['FFI::load', 'FFI::cdef', 'FFI::scope'] as $loader) {
    // Preloaded code that names a class that is not there calls them.
    attempt("autoload by $loader", static function () use ($loader): void {
        spl_autoload_register($loader, true, true);
    });
}
if (defined('ALIASES')) { // a page of its own: PHP 8.3 and newer allow them, and what calls these classes then fails
    foreach (['Cdef\Library', 'Functions', 'Loader', 'Preloaded\Missing'] as $name) {
        attempt("alias $name", static function () use ($name): void {
            class_alias('FFI', "Transmit\\$name");
        });
    }
    array_map('Transmit\Test\Hostile\callAll', $preloaded);
}
attempt('the functions', static function () {
    return send_profiling_data(['spy' => new Spy()]);
});
if (defined('ALIASES')) {
    touch(__DIR__ . '/end');
    return;
}
foreach (spl_autoload_functions() as $loader) {
    spl_autoload_unregister($loader);
}
send_profiling_data(['spy' => new Spy()]); // now they are loaded
class_exists('Transmit\Autoloader', false) && \Transmit\Autoloader::registerFirst();
for ($try = 0; $try < 100 && \Transmit\Native::configure(\Transmit\Settings::current()) !== 0; $try++) {
    usleep(10000); // it starts in half of timeout_us, or later on a busy machine
}
if ($try === 100) {
    found('the library is not in use: ' . \Transmit\Native::lastError());
}
write_to_disk_buffer('{"a":1}');
foreach (glob("$folder/b/profile_*") as $file) {
    if (filesize($file) > 1000) {
        found("$file holds more than was given");
    }
}
foreach ([1, 2] as $round) {
    array_map('Transmit\Test\Hostile\callAll', $preloaded);
}
foreach (settings() as $name => $settings) {
    attempt($name, static function () use ($settings) {
        return \Transmit\Preloaded\Scope::send('{"b":1}', 2 | 4, null, 1000000, $settings);
    });
}
unset($settings);
// With each argument an object that nobody else has.
$functions = array_flip(array_filter(get_defined_functions()['user'], static function (string $name): bool {
    return strpos($name, '\\') === false && strpos(declaredIn($name), 'Preloaded') !== false;
}));
foreach (array_merge(array_keys($functions), get_class_methods('Transmit\Preloaded\Scope')) as $name) {
    $callable = isset($functions[$name]) ? $name : "Transmit\\Preloaded\\Scope::$name";
    for ($number = 0; $number < 5; $number++) {
        foreach ([[], null] as $else) {
            attempt("freed by $name", static function () use ($callable, $number, $else): void {
                $arguments = array_fill(0, 5, $else ?? '{"listener_socket":"/nowhere/s","buffer_dirs":[]}');
                $arguments[1] = $else ?? 0;
                $arguments[$number] = null;
                $callable(...array_replace($arguments, [$number => new Freed()]));
            });
        }
    }
}
// An extension calls what a page has chosen, at any time: ExcimerTimer with a number, which names a file.
if (class_exists('ExcimerTimer', false)) {
    for ($number = 1; $number < 50; $number++) {
        copy(__DIR__ . '/transmit_ffi.h', (string) $number);
    }
    for ($try = 0; $try < 20; $try++) {
        $timer = new \ExcimerTimer();
        $timer->setEventType(\EXCIMER_REAL);
        $timer->setInterval(0.0005 + $try * 0.0002);
        $timer->setCallback('FFI::load');
        attempt('a timer', static function () use ($timer): void {
            $timer->start();
            for ($call = 0; $call < 20; $call++) {
                $many = str_repeat(',0', 20000);
                \Transmit\Preloaded\Scope::configure("{\"listener_socket\":\"/nowhere/s\",\"buffer_dirs\":[0$many]}");
            }
        });
        $timer->stop();
    }
}
attempt('scope in a bound closure', \Closure::bind(static function () {
    return \FFI::scope('TRANSMIT');
}, null, 'Transmit\Preloaded\Scope'));
attempt('new scope', static function () {
    return \FFI::scope('TRANSMIT');
});
attempt('cdef', static function () {
    return \FFI::cdef('int getpid(void);');
});
attempt('preload.php once more', static function (): void {
    include \SOURCE . '/preload.php';
});
foreach (glob(\SOURCE . '/src/Cdef/*.php') as $file) {
    attempt("include $file", static function () use ($file) {
        $library = __DIR__ . '/evil.so';
        return include $file;
    });
}
attempt('our own class', static function () {
    return \Transmit\Cdef\Library::bind(__DIR__ . '/evil.so');
});
attempt('by reflection', static function () {
    $bind = new \ReflectionMethod('Transmit\Cdef\Library', 'bind');
    return $bind->invoke(null, __DIR__ . '/evil.so');
});
// Whatever runs with a page's rights only: none of it reaches more by a callable, a class or an iterator of the page's.
foreach (['FFI::cdef', 'FFI::scope', 'FFI::load', 'Transmit\Elsewhere::x'] as $function) {
    attempt("profile($function)", static function () use ($function) {
        return \Transmit\Profiler::profile($function);
    });
}
if (count($preloaded) === 2) {
    touch(__DIR__ . '/end');
}
