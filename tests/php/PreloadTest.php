<?php

namespace Transmit\Test;

/**
 * With ffi.enable=preload, preloaded code may use FFI and pages may not. Every page can call that code, and code that
 * PHP calls meanwhile, such as an autoloader, has the same right. So there is little preloaded code. This test reads
 * it as text; PreloadAttackTest attacks it in php-fpm.
 */
final class PreloadTest extends TransmitTestCase
{
    /** PHP's own classes that are always there: an autoloader is never asked for them. */
    private const PHPS_OWN = ['FFI', 'ReflectionFunction'];

    /** Calls of these do not go through a page's namespace; isPhps() looks before each whether it is there. */
    private const FULLY_QUALIFIED = ['ini_get', 'json_decode', 'json_encode', 'realpath'];

    /** @return array<string, array{string}> the files that may use FFI, beside preload.php */
    public function files(): array
    {
        $root = dirname(__DIR__, 2) . '/php';
        $files = [];
        foreach (glob("$root/src/Preloaded/*.php") as $file) {
            $files[basename($file)] = [$file];
        }
        return $files;
    }

    public function testPhpPreloadsTheseFilesAndNoMore(): void
    {
        $script = 'echo json_encode([opcache_get_status()["preload_statistics"], '
            . 'strlen(Transmit\Preloaded\Sources::FILES["/Plain/Sender.php"])]);';
        $user = posix_geteuid() === 0 ? '-d opcache.preload_user=root' : '';
        $preload = escapeshellarg('opcache.preload=' . dirname(__DIR__, 2) . '/php/preload.php');
        $said = Program::run(PHP_BINARY . " -d opcache.enable_cli=1 $user -d $preload -r " . escapeshellarg($script));
        [$preloaded, $length] = json_decode($said['output'], true) ?? [null, 0];
        self::assertIsArray($preloaded, implode($said));
        $classes = array_map(static function (string $name): string {
            return substr($name, strlen('Transmit\Preloaded\\')) . '.php';
        }, $preloaded['classes']);
        self::assertEqualsCanonicalizing(
            array_merge(array_keys($this->files()), ['Sources.php']),
            array_merge($classes, ['functions.php']) // no class
        );
        self::assertContains('send_profiling_data', $preloaded['functions']);
        self::assertSame(filesize(dirname(__DIR__, 2) . '/php/src/Plain/Sender.php'), $length);
    }

    /**
     * An extension may call FFI::load as a page's callback, with a number, which is no file name with strict types.
     *
     * @dataProvider files
     */
    public function testTypesAreStrict(string $file): void
    {
        self::assertStringContainsString('declare(strict_types=1);', self::code($file));
    }

    /** @return array<string, array{string}> */
    public function builtIn(): array
    {
        return array_map(static function (string $function): array {
            return [$function];
        }, array_combine($functions = ['strlen', 'is_string'], $functions));
    }

    /**
     * Each function that preload.php calls: php-fpm starts all the same.
     *
     * @return array<string, array{string}>
     */
    public function called(): array
    {
        $code = self::code(dirname(__DIR__, 2) . '/php/preload.php', [T_CONSTANT_ENCAPSED_STRING]);
        preg_match_all('~(?<![\w\\\\>:$])([a-z_]+)\(~', $code, $found);
        $functions = array_diff($found[1], ['declare', 'eval', 'unset']);
        return $this->builtIn() + array_combine($functions, array_map(static function (string $function): array {
            return [$function];
        }, $functions));
    }

    /**
     * Otherwise a page's own function of the name would be called.
     *
     * @dataProvider called
     */
    public function testNothingIsPreloadedWhereAFunctionIsDisabled(string $function): void
    {
        if (PHP_VERSION_ID < 80000) {
            self::assertTrue(true, 'PHP 7.4 declares a function that is disabled');
            return;
        }
        $script = 'echo json_encode(class_exists("Transmit\\Preloaded\\Scope", false));';
        $user = posix_geteuid() === 0 ? '-d opcache.preload_user=root' : '';
        $preload = escapeshellarg('opcache.preload=' . dirname(__DIR__, 2) . '/php/preload.php');
        $said = Program::run(PHP_BINARY . " -d opcache.enable_cli=1 $user -d $preload -d disable_functions=$function"
            . ' -d log_errors=1 -d error_log= -r ' . escapeshellarg($script));
        if ($function === 'error_log') {
            self::assertSame('true', $said['output']); // nothing was to be said
            return;
        }
        self::assertSame('false', $said['output'], $said['errors']);
        self::assertStringContainsString('nothing is preloaded: ', $said['errors']);
        self::assertStringContainsString(" $function", $said['errors']);
    }

    /** With another extension in its place, for ssh2 is rare. */
    public function testNothingIsPreloadedBesideAnExtensionThatCallsBackWhenAValueEnds(): void
    {
        $preload = (string) file_get_contents(dirname(__DIR__, 2) . '/php/preload.php');
        file_put_contents("$this->folder/preload.php", str_replace("'ssh2'", "'json'", $preload, $count));
        self::assertSame(1, $count);
        $user = posix_geteuid() === 0 ? '-d opcache.preload_user=root' : '';
        $said = Program::run(PHP_BINARY . " -d opcache.enable_cli=1 $user -d opcache.preload=$this->folder/preload.php"
            . ' -d log_errors=1 -d error_log= -r ' . escapeshellarg('echo class_exists("Transmit\Preloaded\Scope");'));
        self::assertSame('', $said['output']);
        self::assertStringContainsString('with the extension ssh2 a page could run native code', $said['errors']);
    }

    public function testTheBuiltInFunctionsAreThese(): void
    {
        $used = [];
        foreach ($this->files() as [$file]) {
            preg_match_all('~^use function (\w+);$~m', self::code($file), $found);
            $used = array_merge($used, $found[1]);
        }
        $code = self::code($this->files()['functions.php'][0], [T_CONSTANT_ENCAPSED_STRING]); // in no namespace
        preg_match_all('~(?<![\w\\\\>:$]|function )([a-z_]+)\(~', $code, $found);
        $used = array_merge($used, array_diff($found[1], ['declare', 'eval', 'function_exists']));
        self::assertEqualsCanonicalizing(array_keys($this->builtIn()), array_values(array_unique($used)));
        self::assertDoesNotMatchRegularExpression('~Functions::~', $code, 'its variables would be freed in ours');
    }

    /** @dataProvider files */
    public function testOfFfiOnlyTheScopeIsUsed(string $file): void
    {
        preg_match_all('~FFI\s*::\s*\w+~i', self::code($file), $uses);
        self::assertSame([], array_diff($uses[0], ['FFI::scope']));
        self::assertDoesNotMatchRegularExpression('~[\'"]\\\\*FFI\b(?![\'"]\))~i', self::code($file), 'a name as text');
    }

    /** @dataProvider files */
    public function testNoMethodReturnsFfiOrTakesACallableOrALength(string $file): void
    {
        preg_match_all('~function\s+\w+\s*\(([^{;]*)[{;]~', self::code($file), $heads);
        self::assertNotSame([], $heads[1]);
        foreach ($heads[1] as $head) {
            // PHP looks for the class in a string "Class::method" before a parameter gets the type callable.
            self::assertDoesNotMatchRegularExpression('~callable|FFI|\$(?:len|length|pointer|header)\b~i', $head);
            self::assertDoesNotMatchRegularExpression('~string \$~', $head, 'it frees the object that it makes one of');
        }
    }

    /** @dataProvider files */
    public function testEveryClassThatIsNamedIsPreloadedOrPhpsOwn(string $file): void
    {
        foreach (self::classes(self::code($file, [T_CONSTANT_ENCAPSED_STRING])) as $class) {
            $isOurs = strncmp($class, 'Transmit\\Preloaded\\', 19) === 0
                && in_array(substr($class, 19), ['Scope', 'Sources'], true);
            self::assertTrue($isOurs || in_array($class, self::PHPS_OWN, true), $class);
        }
        $this->addToAssertionCount(1);
    }

    /**
     * A page chooses what a value holds, FFI::cdef for one. An internal function may call it: it has no such right.
     *
     * @dataProvider files
     */
    public function testNoValueIsCalled(string $file): void
    {
        $tokens = array_values(array_filter(self::tokens($file), static function (array $token): bool {
            return trim($token[1]) !== '';
        }));
        $called = [];
        foreach ($tokens as $i => [$type, $text]) {
            $next = $tokens[$i + 1] ?? [0, ''];
            $isValue = $type === T_VARIABLE || in_array($text, [')', ']'], true);
            $isCall = $next[1] === '(' || $next[0] === T_DOUBLE_COLON;
            if ($isValue && $isCall || $type === T_NEW && $next[0] === T_VARIABLE) {
                $called[] = $text . $next[1];
            }
        }
        self::assertSame([], $called);
        self::assertDoesNotMatchRegularExpression('~call_user_func|array_map|yield|\.\.\.\$~', self::code($file));
    }

    /**
     * An iterator, a PDOStatement for one, calls what a page gave it, and has no frame of its own then.
     *
     * @dataProvider files
     */
    public function testOnlyArraysAreIterated(string $file): void
    {
        $code = self::code($file);
        preg_match_all('~foreach\s*\(\s*(\S+)~', $code, $iterated);
        foreach ($iterated[1] as $what) {
            $isArray = preg_match('~\(array ' . preg_quote($what, '~') . '\b~', $code) === 1;
            self::assertTrue($isArray || $what === '(array)', $what);
        }
        $this->addToAssertionCount(1);
    }

    /**
     * The end of a page's object may call FFI::load with a text, as ssh2's streams do. Arguments are freed when the
     * caller goes on already.
     *
     * @dataProvider files
     */
    public function testNothingOfAPagesIsFreed(string $file): void
    {
        $code = self::code($file, [T_CONSTANT_ENCAPSED_STRING]);
        self::assertDoesNotMatchRegularExpression('~\b(?:catch|include|require|unset|static \$(?!\w+ =))~', $code);
        preg_match_all('~static (?!function)([\w?\\\\]+ )?\$(\w+)~', $code, $kept);
        self::assertSame([], array_diff($kept[1], ['string ']), 'a property that may hold an object');
    }

    /**
     * An array or an object that is used once less, and not freed, may start PHP's collection of cycles: it frees the
     * page's. Evaluated text is left out.
     *
     * @dataProvider files
     */
    public function testNothingStartsTheCollectionOfCycles(string $file): void
    {
        $code = self::code($file, [T_CONSTANT_ENCAPSED_STRING, T_ENCAPSED_AND_WHITESPACE]);
        self::assertDoesNotMatchRegularExpression('~\bnew\b|= \\\\FFI::scope\([^)]*\);|\[\$|= \[|\bforeach\b~', $code);
    }

    /** @dataProvider files */
    public function testWhatDecidesIsPhpsOwn(string $file): void
    {
        $code = self::code($file);
        $bare = self::code($file, [T_CONSTANT_ENCAPSED_STRING]);
        preg_match_all('~(?<![\w\\\\])\\\\([a-z_]+)\(~', $bare, $calls);
        self::assertSame([], array_diff($calls[1], self::FULLY_QUALIFIED), 'PHP crashes where a pool disables it');
        foreach ($calls[1] as $function) {
            self::assertStringContainsString("isPhps('$function')", $code);
        }
        if (strpos($code, 'strlen(') !== false) {
            self::assertStringContainsString('use function strlen;', $code, 'else Transmit\Preloaded\strlen');
        }
        self::assertDoesNotMatchRegularExpression('~\b(?:extract|compact|get_defined_vars)\s*\(|\$\$~', $code);
        preg_match_all('~eval\((.*?)\)~', self::code($file, [T_CONSTANT_ENCAPSED_STRING]), $evaluated);
        self::assertSame([], array_diff(array_map('trim', $evaluated[1]), ['Sources::CALL .', 'self::RESTRICT']));
    }

    /**
     * Without comments.
     *
     * @param list<int> $less types of tokens that are left out, too
     */
    private static function code(string $file, array $less = []): string
    {
        return implode('', array_map(static function (array $token) use ($less): string {
            return in_array($token[0], $less, true) ? '' : $token[1];
        }, self::tokens($file)));
    }

    /** @return list<array{int, string}> */
    private static function tokens(string $file): array
    {
        return array_map(static function ($token): array {
            $isComment = is_array($token) && in_array($token[0], [T_COMMENT, T_DOC_COMMENT], true);
            return $isComment ? [T_WHITESPACE, ' '] : (is_array($token) ? [$token[0], $token[1]] : [0, $token]);
        }, token_get_all(file_get_contents($file)));
    }

    /** @return list<string> full names of the classes that are used at run time */
    private static function classes(string $code): array
    {
        $namespace = preg_match('~^namespace\s+([\w\\\\]+);~m', $code, $found) === 1 ? $found[1] : '';
        preg_match_all('~^use\s+([\w\\\\]+);~m', $code, $uses);
        $short = array_combine(array_map(static function (string $name): string {
            return (string) substr((string) strrchr("\\$name", '\\'), 1);
        }, $uses[1]), $uses[1]);
        preg_match_all('~(?<![\w\\\\$>:"])(\\\\?[A-Z][\w\\\\]*)\s*::~', $code, $static);
        preg_match_all('~(?:new|extends|implements)\s+(\\\\?[A-Z][\w\\\\]*)~', $code, $made);
        $classes = [];
        foreach (array_merge($static[1], $made[1]) as $name) {
            $classes[] = $name[0] === '\\' ? substr($name, 1) : $short[$name] ?? ltrim("$namespace\\$name", '\\');
        }
        return array_values(array_unique($classes));
    }
}
