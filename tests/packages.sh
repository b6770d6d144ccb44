# shellcheck shell=bash
# The Debian packages that the tasks need, and why. build.sh sources this file and uses the lists; it defines say, die
# and root.
# shellcheck disable=SC2034,SC2154

build_packages='
gcc             compiles the C side of the library
libc6-dev       headers and start files for gcc
'
demo_packages="$build_packages
php-cli         the listener is a PHP script
php-fpm         serves the application
php-tideways    measures its functions
libfcgi-bin     sends requests to FPM (cgi-fcgi)
"
listener_packages="$build_packages
php-cli         sends the first profile
"
bench_packages="$build_packages
php-cli         one of the faces that are compared
php-fpm         serves a page with and without the profiler
php-excimer     measures its functions
libsystemd0     sd_journal_send, to compare with
"
matrix_packages="$build_packages
debootstrap     makes folders of other Debian suites
binutils        shows which glibc a library needs (objdump)
phpunit         tests the PHP functions there, too
"
foreign_packages="
gcc-aarch64-linux-gnu   builds for arm64
libc6-dev-arm64-cross   headers and start files for that
qemu-user               runs it
musl-tools              builds for musl, and has its loader
"
package_packages="$build_packages
debootstrap     makes the folder of Debian that they are built in
binutils        shows which glibc the library needs
"
test_packages="$demo_packages$matrix_packages$foreign_packages$package_packages
g++             the header is for C++, too
clang-format    checks the C files
pkgconf         programs find the installed library with it
shellcheck      checks the scripts
mandoc          checks the man page
lintian         checks the Debian package
rpm             checks the RPM package
php-codesniffer checks the PHP files (phpcs)
composer        a project requires the PHP functions with it
syslog-ng-core  a listener that is not ours
strace          shows system calls
procps          looks at processes
e2fsprogs       makes a disk that can be frozen
mount           mounts it
systemd         knows the system calls of its sets (systemd-analyze)
nginx-light     a web server before php-fpm
mediawiki       an application that is the same with the profiler and without
dokuwiki        another one
php-sqlite3     MediaWiki's database
php-excimer     a profiler beside php-tideways
php-redis       keeps the applications' sessions, without locks
redis-server    where they are kept
phpmd           a program that is the same with the profiler and without
phploc          another one
phpcpd          another one
php-parser      another one
chromium        shows the status page
wrk             loads it
"

# need makes sure that all packages of a list are installed: it says what is
# missing and why, and installs that, or names it and ends.
need() {
    local absent names
    absent=$(missing <<< "$1")
    [ -n "$absent" ] || return 0
    names=$(awk '{printf " %s", $1}' <<< "$absent")
    say "These Debian packages are missing:" "$absent"
    may_install || die "I may not install them here (that takes apt-get, and root or sudo without a password)." \
        "Install them, then start again:" "    apt-get install --no-install-recommends$names"
    say "Installing them; services that come with them are not started."
    # shellcheck disable=SC2086 # names are words
    as_root bash "$root/tests/apt-install.sh" $names >&2 ||
        die "apt-get could not install them; its own words are above."
}

# missing reads lines "package why" and prints those whose package is missing.
missing() {
    local package why
    while read -r package why; do
        [ -z "$package" ] || is_installed "$package" || printf '    %-15s %s\n' "$package" "$why"
    done
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]
}

may_install() {
    command -v apt-get > /dev/null && as_root true 2> /dev/null
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}
