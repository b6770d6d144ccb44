#!/usr/bin/env bash
# Tests the packages other than the Debian one. Their own tools list their files, a program uses the library of each,
# the tar.gz is installed with a shell only, and a second build of all gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/../.."
packages=$PWD/build/packages
version=$(./build.sh version)
folder=$(mktemp -d /tmp/transmit-others.XXXXXX)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
failed=0

# want compares what a test found with what it wants.
want() {
    [ "$2" = "$3" ] && echo "ok   $1" && return
    printf 'FAIL %s\n     got  %s\n     want %s\n' "$1" "$2" "$3"
    failed=1
}

# uses compiles the example with a compiler and lets it write to the disk buffer by a library in $2.
uses() {
    local buffer=$folder/buffer.$RANDOM said=
    "$1" -I"$2/usr/include" tests/c/example.c -L"$2/$3" -ltransmit -o "$folder/example"
    for _ in {1..20}; do # on a busy machine, Go may start too late for the first call
        said=$(LD_LIBRARY_PATH=$2/$3 "$folder/example" "{\"listener_socket\": \"$folder/none\", \"buffer_dirs\": [\"$buffer\"]}" 2> /dev/null) && break
        [[ $said != written* ]] || break
    done
    echo "${said%%$'\n'*}"
}

# Ours, goccy/go-json's of the same name, and three headings.
licences() { cat "$@" 2> /dev/null | grep -cE '^(MIT License|---- (Go, go|github.com/goccy/go-json|golang.org/x/sys).* ----)$' || true; }
machine() { readelf -h "$1" | sed -n 's/^ *Machine: *//p'; }

check_rpm() {
    local file to=$folder/rpm-$1
    file=$packages/libtransmit-$version-1.$1.rpm
    want "rpm $1: sums" "$(rpm -K --nosignature "$file" | sed 's/.*: //')" 'digests OK'
    want "rpm $1: version, licence" "$(rpm -qp --qf '%{VERSION} %{LICENSE} %{ARCH}' "$file")" "$version MIT $1"
    want "rpm $1: needs" "$(rpm -qpR "$file" | grep glibc)" 'glibc >= 2.25'
    mkdir "$to"
    rpm -i --root "$to" --nodeps --noscripts --ignorearch "$file"
    want "rpm $1: as installed" "$(rpm --root "$to" -V --nodeps --noscripts libtransmit)" ''
    want "rpm $1: licences" "$(licences "$to"/usr/share/doc/libtransmit/{LICENSE,THIRD_PARTY})" 5
    want "rpm $1: machine" "$(machine "$to"/usr/lib64/libtransmit.so | tr 'X-' 'x_' | grep -ic "${1%_64}")" 1
}

# An apk is three gzip members, of which the last has the files.
check_apk() {
    local to=$folder/apk-$1
    mkdir "$to"
    tar -xzf "$packages"/libtransmit_"$version"-r1_"$1".apk -C "$to" --ignore-zeros 2> /dev/null
    want "apk $1: version, licence" "$(sed -nE 's/^(pkgver|license|arch|depend) = //p' "$to/.PKGINFO" | sort | xargs)" "$(printf '%s\n' "$version-r1" MIT "$1" musl | sort | xargs)"
    want "apk $1: licences" "$(licences "$to"/usr/share/doc/libtransmit/{LICENSE,THIRD_PARTY})" 5
    want "apk $1: for musl" "$(readelf -d "$to/usr/lib/libtransmit.so" | grep -o 'libc\.[a-z0-9.]*')" libc.so
    want "apk $1: machine" "$(machine "$to"/usr/lib/libtransmit.so | tr 'X-' 'x_' | grep -ic "${1%_64}")" 1
}

check_tar() {
    local to=$folder/tar ldd=$folder/bin
    mkdir "$to"
    tar -xzf "$packages/libtransmit-$version-linux-$1.tar.gz" -C "$to"
    DESTDIR=$folder/there "$to/libtransmit-$version/install.sh" --prefix=/opt/t > "$folder/said"
    want "tar $1: what install.sh says" "$(grep -c 'auto_prepend_file = /opt/t/share/libtransmit/php/auto_prepend.php' "$folder/said")" 1
    want "tar $1: no placeholder stays" "$(grep -rlE '/(PREFIX|LIBDIR)' "$folder/there" || true)" ''
    want "tar $1: licences" "$(licences "$folder"/there/opt/t/share/doc/libtransmit/{LICENSE,THIRD_PARTY})" 5
    want "tar $1: for glibc" "$(readelf -d "$folder/there/opt/t/lib/libtransmit.so" | grep -o 'libc\.[a-z0-9.]*')" libc.so.6
    mkdir "$ldd"
    printf '#!/bin/sh\necho "musl libc" >&2\nexit 1\n' > "$ldd/ldd"
    chmod 755 "$ldd/ldd"
    PATH=$ldd:$PATH DESTDIR=$folder/there "$to/libtransmit-$version/install.sh" --prefix=/opt/m > /dev/null
    want "tar $1: for musl" "$(readelf -d "$folder/there/opt/m/lib/libtransmit.so" | grep -o 'libc\.[a-z0-9.]*')" libc.so
    want "tar $1: a wrong option" "$("$to/libtransmit-$version/install.sh" --prefix=here 2>&1)" "install.sh: what is '--prefix=here'? There are --prefix=/DIR and --libdir=/DIR."
    rm -rf "$to" "$folder/there" "$ldd"
}

for machine in x86_64 aarch64; do
    check_rpm $machine
    check_apk $machine
done
want 'rpm: its library is used' "$(uses gcc "$folder/rpm-x86_64" usr/lib64)" 'written to the disk buffer'
want 'apk: its library is used' "$(uses musl-gcc "$folder/apk-x86_64" usr/lib)" 'written to the disk buffer'
check_tar amd64
check_tar arm64
(cd "$packages" && sha256sum --quiet -c SHA256SUMS)
want 'there are as many as announced' "$(wc -l < "$packages/SHA256SUMS")" 8
tests/package/build.sh "$folder/again" > /dev/null 2>&1
want 'built again: the same bytes' "$(diff "$packages/SHA256SUMS" "$folder/again/SHA256SUMS")" ''
exit "$failed"
