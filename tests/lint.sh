#!/usr/bin/env bash
# Every linter over every file of its kind; all of them run, also after a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.7.0
strict=(-pedantic -Wall -Wextra -Werror -fsyntax-only)
failed=0

# check runs a linter and shows what it prints if it fails.
check() {
    local said
    said=$("$@" 2>&1) || { printf '%s …:\n%s\n' "${*:1:4}" "$said"; failed=1; }
}

# check_silent is for those that print what is wrong and succeed.
check_silent() {
    local said
    said=$("$@" 2>&1)
    [ -z "$said" ] || { printf '%s:\n%s\n' "$1" "$said"; failed=1; }
}

# files prints all files with the extension $1.
files() { find . -name "*.$1" -not -path './build/*'; }

mapfile -t go < <(files go)
mapfile -t c < <(files '[ch]' | grep -v transmit_ffi.h) # one line a function, as FFI wants it
mapfile -t sh < <(files sh)
mapfile -t php < <(files php)

check_silent gofmt -l "${go[@]}"
for module in . tests tests/bench; do
    [ -f "$module/go.mod" ] || continue
    check go -C "$module" vet ./...
    check go -C "$module" run "$staticcheck" ./...
done

check env CGO_CFLAGS="-I$PWD/include" go -C tests/gohost vet .

# A file of its own: to gcc, a header that is a main file is another language.
check gcc -std=c99 "${strict[@]}" -x c - <<< '#include "include/transmit.h"'
check g++ -std=c++98 -Wno-long-long -Wno-variadic-macros "${strict[@]}" -x c++ - <<< '#include "include/transmit.h"'
check gcc -std=c99 -D_POSIX_C_SOURCE=200809L -Iinclude "${strict[@]}" tests/c/example.c
check gcc -std=gnu11 -Iinclude -Wall -Wextra -Werror -fsyntax-only tests/c/*.c tests/bench/c/*.c
# With cgo's header, and so by cgo. Of two packages Go compiles all and links nothing.
check env CGO_CFLAGS='-O2 -Werror' go build . ./door ./buffer
check clang-format --dry-run -Werror "${c[@]}"

# Links between the repository's files lead somewhere.
mapfile -t markdown < <(files md)
for file in "${markdown[@]}"; do
    while read -r link; do
        [ -e "$(dirname "$file")/$link" ] || { echo "$file: $link is not there"; failed=1; }
    done < <(grep -oE '\]\([^):]+\)' "$file" | sed 's/^](//; s/)$//; s/#.*//')
done

# Every test and every source file that a page names is there. The name of a test with … begins several.
pages=(README.md CONTRIBUTING.md SECURITY.md docs/*.md php/README.md tests/README.md)
while read -r name; do
    [[ $name == *… ]] && pattern=${name%…} || pattern="$name\\("
    grep -rqE "^func $pattern" --include='*_test.go' . || { echo "there is no test $name"; failed=1; }
done < <(grep -ohE "\`Test[A-Z]\w*(…)?" "${pages[@]}" | tr -d '`' | sort -u)
while read -r path; do
    [ -n "$(find . -path ./build -prune -o -path "*/$path" -print -quit)" ] || { echo "a page names $path, which is not there"; failed=1; }
done < <(grep -ohE "\`[A-Za-z0-9_./]+\\.(go|c|h|php|sh|ld|map)\`" "${pages[@]}" | sed -E 's/`//g; s|^\.+/||; /^transmit_ffi.php$/d' | sort -u)

# Every function that crosses from C to Go or back is in the table of docs/internals.md.
while read -r name; do
    grep -q "^| \`$name\` " docs/internals.md || { echo "docs/internals.md: the table of functions has no $name"; failed=1; }
done < <({ sed -n 's|^//export ||p' export.go; grep -oE '\bC\.transmit_\w+' export.go | sed 's/^C\.//'; grep -ohE '\b__wrap_\w+' door/resources.c; } | sort -u)

# The newest dated release is the one that door.h names, and nothing else has a version of its own.
newest=$(sed -nE 's/^## ([0-9.]+), [0-9]{4}-[0-9]{2}-[0-9]{2}$/\1/p' CHANGELOG.md | head -n 1)
[ "$newest" = "$(./build.sh version)" ] || { echo "CHANGELOG.md has $newest, door/door.h $(./build.sh version)"; failed=1; }
if grep -q '"version"' php/composer.json; then echo 'php/composer.json: Composer takes the version from the tag'; failed=1; fi

# Not its remarks on which other pages are installed here.
check_silent mandoc -T lint -W warning include/transmit.3

check shellcheck -x -P SCRIPTDIR .ci/run "${sh[@]}" tests/package/p{ostinst,rerm,ostrm}
for file in "${php[@]}"; do
    check php -l "$file"
done
check phpcs --standard=PSR12 php
# Test programs and pages declare what they run, in one file.
check phpcs --standard=PSR12 --exclude=PSR1.Files.SideEffects,PSR1.Classes.ClassDeclaration tests

exit "$failed"
