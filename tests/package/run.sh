#!/usr/bin/env bash
# Tests the Debian package in a clean Debian: installs it, uses it from a C program, PHP and php-fpm with the recipe,
# upgrades, removes and purges it. Nothing may be left.
set -euo pipefail
cd "$(dirname "$0")/../.."
export root=$PWD
say() { printf '%s\n' "$@" >&2; }
. tests/matrix/debian.sh
suite=bookworm

# clean runs inside.sh in a copy of the folder that is gone afterwards.
clean() {
    local scratch=$2/scratch
    mount --make-rprivate /
    mount -t tmpfs -o mode=755 tmpfs "$scratch"
    mkdir "$scratch"/{upper,work,debian}
    mount -t overlay -o "lowerdir=$1,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$scratch/debian"
    mount -t proc proc "$scratch/debian/proc"
    mount --rbind /dev "$scratch/debian/dev"
    mkdir "$scratch/debian/test"
    mount --bind "$2/test" "$scratch/debian/test"
    cp /etc/resolv.conf "$scratch/debian/etc/"
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 http_proxy="$3" \
        chroot "$scratch/debian" bash /test/inside.sh
}

arch=$(go env GOARCH)
packages=build/packages
lintian --allow-root --no-cfg --fail-on error,warning $packages/libtransmit_*.deb
tests/package/others.sh
can_debootstrap || {
    say "The package is not installed anywhere: left out."
    [ "${TRANSMIT_STRICT-}" != 1 ] # which strict mode forbids
    exit
}
# The commands that enable the recipe are tried as its comment has them.
sed -n 's/^;   //p' tests/package/transmit.ini | while read -r line; do
    grep -qF "$line" php/README.md || { echo "php/README.md has not: $line"; exit 1; }
done
folder=$(mktemp -d /tmp/transmit-package.XXXXXX)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder"/{scratch,test}
chmod 755 "$folder" "$folder/test"
lock_folders
make_folders "$suite"
cp $packages/libtransmit_*_"$arch".deb "$folder/test/package.deb"
cp tests/package/inside.sh tests/c/example.c tests/demo/{listen,Listener}.php "$folder/test/"
eval "$(apt-config shell proxy Acquire::http::Proxy)"
unshare --mount --pid --fork --kill-child bash -euc "$(declare -f clean); clean \"\$@\"; exit" - \
    "$folders/$suite" "$folder" "${proxy-}"
