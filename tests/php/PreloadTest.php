<?php

namespace Transmit\Test;

/**
 * Under ffi.enable=preload, preloaded code may use FFI and pages may not. Every page can call all of that code, so
 * none of it may give away FFI. Here as text; PreloadAttackTest tries it in php-fpm.
 */
final class PreloadTest extends TransmitTestCase
{
    /** @return array<string, array{string}> the files that preload.php compiles */
    public function files(): array
    {
        $root = dirname(__DIR__, 2) . '/php';
        preg_match_all("~'(/src[^']*|/(?:functions|autoload)\.php)'~", file_get_contents("$root/preload.php"), $named);
        $files = [];
        foreach ($named[1] as $name) {
            $found = substr($name, -4) === '.php' ? ["$root$name"] : glob("$root$name/*.php");
            foreach ($found as $file) {
                $files[substr($file, strlen($root) + 1)] = [$file];
            }
        }
        return $files;
    }

    public function testPreloadCompilesTheClassesOfTheCallAndNotCdef(): void
    {
        $files = array_keys($this->files());
        self::assertContains('src/Native.php', $files);
        self::assertContains('src/Plain/Sender.php', $files);
        self::assertSame([], preg_grep('~Cdef~', $files));
    }

    /** @dataProvider files */
    public function testOfFfiOnlyTheScopeIsUsed(string $file): void
    {
        preg_match_all('~FFI\s*::\s*\w+~i', self::code($file), $uses);
        self::assertSame([], array_diff($uses[0], ['FFI::scope', 'FFI::addr', 'FFI::class']));
        self::assertDoesNotMatchRegularExpression('~[\'"]\\\\*FFI\b(?![\'"]\))~i', self::code($file), 'a name as text');
    }

    /** @dataProvider files */
    public function testNoMethodReturnsOrTakesFfiOrALength(string $file): void
    {
        preg_match_all('~function\s+\w+\s*\(([^{;]*)[{;]~', self::code($file), $heads);
        self::assertIsArray($heads[1]);
        foreach ($heads[1] as $head) {
            self::assertDoesNotMatchRegularExpression('~FFI|\$(?:len|length|size|pointer|header)\b~', $head);
        }
    }

    /**
     * A class that is not there would be asked of an autoloader, which may be FFI::load, with our rights; and its
     * name may be an alias of FFI (PHP 8.3).
     *
     * @dataProvider files
     */
    public function testEveryClassThatIsNamedIsPreloadedOrPhpsOwn(string $file): void
    {
        foreach (self::classes(self::code($file)) as $class) {
            $path = 'src/' . strtr(substr($class, strlen('Transmit\\')), '\\', '/') . '.php';
            $isOurs = strncmp($class, 'Transmit\\', 9) === 0;
            self::assertTrue($isOurs ? isset($this->files()[$path]) : self::isInternal($class), $class);
        }
        $this->addToAssertionCount(1);
    }

    /**
     * A page chooses what a value holds, FFI::cdef for one. An internal function may call it: it has no such rights.
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
        $code = self::code($file);
        $called = array_filter($called, static function (string $call) use ($code): bool {
            return preg_match('~' . preg_quote(rtrim($call, '('), '~') . ' = static function~', $code) !== 1;
        });
        self::assertSame([], $called);
        self::assertStringNotContainsString('\\call_user_func', $code, 'its opcode calls directly');
    }

    /** @dataProvider files */
    public function testTheLengthIsPhpsOwn(string $file): void
    {
        $code = self::code($file);
        if (strpos($code, 'FFI::scope') === false) {
            self::assertStringNotContainsString('->transmit_', $code);
            return;
        }
        // Unqualified, it would be Transmit\strlen, which a page can define.
        self::assertStringContainsString('use function strlen;', $code);
        self::assertDoesNotMatchRegularExpression('~\b(?:eval|extract|compact|get_defined_vars)\s*\(|\$\$~', $code);
    }

    /** Without comments. */
    private static function code(string $file): string
    {
        return implode('', array_column(self::tokens($file), 1));
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
        preg_match_all('~(?<![\w\\\\$>:])(\\\\?[A-Z][\w\\\\]*)\s*::~', $code, $static);
        preg_match_all('~(?:new|extends|implements)\s+(\\\\?[A-Z][\w\\\\]*)~', $code, $made);
        $classes = [];
        foreach (array_merge($static[1], $made[1]) as $name) {
            $classes[] = $name[0] === '\\' ? substr($name, 1) : $short[$name] ?? ltrim("$namespace\\$name", '\\');
        }
        return array_values(array_unique($classes));
    }

    private static function isInternal(string $class): bool
    {
        return strncmp($class, 'FFI', 3) === 0 || (class_exists($class, false) || interface_exists($class, false))
            && (new \ReflectionClass($class))->isInternal();
    }
}
