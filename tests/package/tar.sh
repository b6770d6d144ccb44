#!/usr/bin/env bash
# tar.sh ARCH TO FOLDER makes TO/libtransmit-VERSION-linux-ARCH.tar.gz, for hosts without a package manager, of
# the libraries in FOLDER/glibc-ARCH and, if it is there, FOLDER/musl-ARCH.
set -euo pipefail
cd "$(dirname "$0")/../.."
arch=$1 to=$2 libraries=$3
version=$(./build.sh version)
name=libtransmit-$version
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
umask 022
case "$arch" in
amd64) machine=x86_64 ;;
arm64) machine=aarch64 ;;
esac

mkdir "$folder/$name"
# install.sh puts the real places into the files that name these two.
DESTDIR=$folder/$name ./build.sh install --from "$libraries/glibc-$arch" --prefix=/PREFIX --libdir=/LIBDIR
[ ! -d "$libraries/musl-$arch" ] || install -D -m 755 "$libraries/musl-$arch/libtransmit.so" "$folder/$name/musl/libtransmit.so.$version"
sed "s/@machine@/$machine/; s/@version@/$version/" tests/package/install.sh > "$folder/$name/install.sh"
chmod 755 "$folder/$name/install.sh"
tar -C "$folder" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-0}" -cf - "$name" |
    gzip -9n > "$to/$name-linux-$arch.tar.gz"
