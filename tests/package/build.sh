#!/usr/bin/env bash
# Makes the packages of this version in build/packages, or in the folder $1: deb and rpm for glibc, apk for
# musl, a tar.gz for both, each for amd64 and arm64, and SHA256SUMS. The same source makes the same
# bytes. ./build.sh package runs it.
set -euo pipefail
cd "$(dirname "$0")/../.."
export root=$PWD
say() { printf '%s\n' "$@" >&2; }
die() { say "$@"; exit 1; }
. tests/matrix/debian.sh
nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
files=tests/package
work=$PWD/build/package
packages=${1:-$PWD/build/packages}
here=$(go env GOARCH)

# compiler prints the compiler for a libc and a GOARCH, in the folder of the oldest Debian.
compiler() {
    case "$1-$2" in
    "glibc-$here") echo gcc ;;
    "musl-$here") echo musl-gcc ;;
    glibc-arm64) echo aarch64-linux-gnu-gcc ;;
    musl-arm64) echo aarch64-musl-gcc ;;
    *) return 1 ;;
    esac
}

# build_library builds the library for $1 (libc) and $2 (GOARCH), stripped.
build_library() {
    local cc
    cc=$(compiler "$1" "$2")
    # shellcheck disable=SC2016 # that shell's variables
    inside "$oldest" "$work/$1-$2" env CC="$cc" GOARCH="$2" bash -euc '/libtransmit/build.sh build
        "$("$CC" -print-prog-name=strip)" --strip-unneeded --remove-section=.comment /libtransmit/build/libtransmit.so'
}

# stage installs to $work/root, as one format wants it; sets what nfpm.yaml needs.
stage() {
    local format=$1 libc=$2 libdir user doc to=$work/root
    case "$format-$ARCH" in
    deb-amd64) libdir=/usr/lib/x86_64-linux-gnu user=www-data ;;
    deb-arm64) libdir=/usr/lib/aarch64-linux-gnu user=www-data ;;
    rpm-*) libdir=/usr/lib64 user=apache ;;
    apk-*) libdir=/usr/lib user=nobody ;;
    esac
    rm -rf "$to"
    DESTDIR=$to ./build.sh install --from "$work/$libc-$ARCH" --prefix=/usr --libdir="$libdir"
    chmod 644 "$to$libdir"/libtransmit.so.*.*
    # Where Debian's applications let PHP read (open_basedir). The link is the path that the pages name.
    mkdir -p "$to/usr/share/php"
    mv "$to/usr/share/libtransmit/php" "$to/usr/share/php/libtransmit"
    ln -s ../php/libtransmit "$to/usr/share/libtransmit/php"
    install -D -m 644 $files/tmpfiles.conf "$to/usr/lib/tmpfiles.d/libtransmit.conf"
    install -m 644 $files/transmit.ini "$to/usr/share/libtransmit/"
    sed -i "s/www-data/$user/g" "$to/usr/lib/tmpfiles.d/libtransmit.conf" "$to/usr/share/libtransmit/transmit.ini"
    gzip -9n "$to"/usr/share/man/man3/*
    doc=$to/usr/share/doc/libtransmit
    [ "$format" != deb ] || as_debian_wants "$doc"
    find "$to" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

# as_debian_wants names the documents, and has lintian know what is on purpose.
as_debian_wants() {
    mv "$1/CHANGELOG.md" "$1/changelog"
    printf 'libtransmit (%s-1) unstable; urgency=low\n\n  * See changelog.gz.\n\n -- %s  %s\n' \
        "$VERSION" "$MAINTAINER" "$(date -R --date="@$SOURCE_DATE_EPOCH")" > "$1/changelog.Debian"
    gzip -9n "$1"/changelog{,.Debian}
    cat "$1"/{LICENSE,THIRD_PARTY} > "$1/copyright"
    rm "$1"/{LICENSE,THIRD_PARTY}
    chmod 644 "$1/copyright"
    install -D -m 644 $files/lintian-overrides "$1/../../lintian/overrides/libtransmit"
}

# package makes one package of the format $1 for the libc $2.
package() {
    stage "$1" "$2"
    case "$1" in
    deb) DEPENDS="libc6 (>= $(glibc "$work/$2-$ARCH/libtransmit.so"))" ;;
    rpm) DEPENDS="glibc >= $(glibc "$work/$2-$ARCH/libtransmit.so")" ;;
    apk) DEPENDS=musl ;;
    esac
    export DEPENDS
    "$work/nfpm" package --config $files/nfpm.yaml --packager "$1" --target "$packages/"
}

# glibc prints the oldest version that has all symbols that a library needs.
glibc() {
    readelf -V "$1" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1 | cut -d_ -f 2
}

can_debootstrap || die "Packages are built in a folder of Debian $oldest, for any glibc from 2.25 on."
umask 022
VERSION=$(./build.sh version)
MAINTAINER="${DEBFULLNAME:-the libtransmit authors} <${DEBEMAIL:-libtransmit@example.org}>"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || stat -c %Y CHANGELOG.md)}
export VERSION MAINTAINER SOURCE_DATE_EPOCH ARCH
lock_folders
make_folders "$oldest"
go mod download
rm -rf "$work" "$packages"
mkdir -p "$work" "$packages"
GOBIN=$work go install "$nfpm"
for ARCH in $(printf '%s\n' "$here" arm64 | sort -u); do
    build_library glibc "$ARCH"
    build_library musl "$ARCH"
    package deb glibc
    package rpm glibc
    package apk musl
    $files/tar.sh "$ARCH" "$packages" "$work"
done
(cd "$packages" && sha256sum -- * > SHA256SUMS && cat SHA256SUMS)
