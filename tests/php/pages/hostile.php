<?php

/**
 * A page that wants FFI under ffi.enable=preload. It calls all that is preloaded, by reflection, and looks for
 * FFI objects in what it gets. What it finds is in the file "found": one of the calls ends the request.
 */

namespace Transmit;

// Preloaded code that left out its backslash would call these.
function strlen(string $text): int
{
    return 300000;
}

function class_exists(string $class): bool
{
    return true;
}

function call_user_func(callable $function, ...$arguments)
{
    return \call_user_func($function, ...$arguments);
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
            return ['spy' => new Spy(), 'a' => 1];
        case 'string':
            return $name === 'library' ? __DIR__ . '/evil.so' : '{"a":1}';
        case 'callable':
            return 'FFI::cdef';
        case 'Transmit\Settings':
            return \Transmit\Settings::current();
        case 'Transmit\Deadline':
            return \Transmit\Deadline::after(hrtime(true), 20000);
        case 'Transmit\SendCall':
            return new \Transmit\SendCall(\Transmit\Settings::current(), hrtime(true));
        case 'Throwable':
            return new \Exception('hostile');
    }
    return null;
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

set_error_handler(static function (): bool {
    search(debug_backtrace(), 'error handler');
    return true;
});
foreach (['FFI::load', 'FFI::cdef', 'FFI::scope'] as $loader) {
    attempt("autoload by $loader", static function () use ($loader): void {
        spl_autoload_register($loader);
    });
}
attempt('alias', static function (): void {
    class_alias('FFI', 'Transmit\Cdef\Library');
});
$preloaded = array_filter(get_declared_classes(), static function (string $class): bool {
    return strncmp($class, 'Transmit\\', 9) === 0 && strpos($class, '\\Test\\') === false
        && $class !== 'Transmit\Cdef\Library';
});
send_profiling_data(['spy' => new Spy()]);
for ($try = 0; $try < 100 && !\Transmit\Native::isReady(\Transmit\Settings::current()); $try++) {
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
foreach (['FFI::cdef', 'FFI::scope', 'FFI::load'] as $function) {
    attempt("Quiet::call($function)", static function () use ($function) {
        return \Transmit\Quiet::call($function, null);
    });
}
foreach ([1, 2] as $round) {
    array_map('Transmit\Test\Hostile\callAll', $preloaded);
    // As if the scope were not there: the library is looked for again, with a setting of the page's.
    $native = new \ReflectionClass('Transmit\Native');
    foreach (['decidedFor', 'cdef', 'why', 'told'] as $name) {
        if ($native->hasProperty($name)) {
            $property = $native->getProperty($name);
            $property->setAccessible(true);
            $property->setValue(null, null);
        }
    }
}
attempt('scope in a bound closure', \Closure::bind(static function () {
    return \FFI::scope('TRANSMIT');
}, null, 'Transmit\Native'));
attempt('new scope', static function () {
    return \FFI::scope('TRANSMIT');
});
attempt('cdef', static function () {
    return \FFI::cdef('int getpid(void);');
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
if (count($preloaded) > 10) {
    touch(__DIR__ . '/end');
}
