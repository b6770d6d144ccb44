#!/bin/sh
# Installs libtransmit @version@: ./install.sh [--prefix=/usr/local] [--libdir=PREFIX/lib]
# Honours DESTDIR. It takes nothing but a POSIX shell, and touches no php.ini.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=@version@ machine=@machine@
prefix=/usr/local libdir=

die() { echo "install.sh: $*" >&2; exit 1; }

for option in "$@"; do
    case "$option" in
    --prefix=/*) prefix=${option#*=} ;;
    --libdir=/*) libdir=${option#*=} ;;
    *) die "what is '$option'? There are --prefix=/DIR and --libdir=/DIR." ;;
    esac
done
libdir=${libdir:-$prefix/lib}
to=${DESTDIR-}$prefix lib=${DESTDIR-}$libdir
[ "$(uname -m)" = $machine ] || [ -n "${DESTDIR-}" ] || die "this is for $machine, and this machine is $(uname -m)."

# What programs of this host are linked with: musl's ldd says so.
library=$here/LIBDIR/libtransmit.so.$version
case "$(ldd --version 2>&1 || true)" in
*musl*) library=$here/musl/libtransmit.so.$version ;;
esac
[ -f "$library" ] || die "$library is missing: there is none for musl in here."

umask 022
mkdir -p "$to" "$lib/pkgconfig" || die "cannot write there: run it as root, or with --prefix=/DIR."
cp -R "$here/PREFIX/." "$to/"
# By rename: a running process has the old file mapped.
cp "$library" "$lib/.libtransmit.so.$version"
chmod 755 "$lib/.libtransmit.so.$version"
mv -f "$lib/.libtransmit.so.$version" "$lib/libtransmit.so.$version"
ln -sf "libtransmit.so.$version" "$lib/libtransmit.so.1"
ln -sf libtransmit.so.1 "$lib/libtransmit.so"
php=$prefix/share/libtransmit/php
for file in transmit_ffi.h transmit_ffi.php; do
    sed "s|/LIBDIR/|$libdir/|" "$here/PREFIX/share/libtransmit/php/$file" > "${DESTDIR-}$php/$file"
done
sed "s|/PREFIX|$prefix|; s|/LIBDIR|$libdir|" "$here/LIBDIR/pkgconfig/transmit.pc" > "$lib/pkgconfig/transmit.pc"

echo "libtransmit $version is in $prefix. Every request of a web server is profiled and sent with this line in php.ini:

    auto_prepend_file = $php/auto_prepend.php

In php-fpm, these two let it use the library instead of plain PHP (see README.php.md in $prefix/share/doc/libtransmit):

    ffi.preload = $php/transmit_ffi.h
    opcache.preload = $php/preload.php"
