#!/usr/bin/env bash
# Makes build/libtransmit_VERSION_ARCH.deb of what is built. ./build.sh package runs it.
set -euo pipefail
cd "$(dirname "$0")/../.."
nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
files=tests/package
to=$PWD/build/package/root
library=$(gcc -print-multiarch)/libtransmit.so

# stage puts everything in its place, as ./build.sh install does and as Debian wants it.
stage() {
    local doc=$to/usr/share/doc/libtransmit
    umask 022
    rm -rf build/package
    DESTDIR=$to ./build.sh install --prefix=/usr --libdir="/usr/lib/$(dirname "$library")"
    strip --strip-unneeded --remove-section=.comment "$to/usr/lib/$library".*.*
    chmod 644 "$to/usr/lib/$library".*.*
    mv "$doc/CHANGELOG.md" "$doc/changelog"
    debian_changelog > "$doc/changelog.Debian"
    gzip -9n "$doc"/changelog{,.Debian} "$to"/usr/share/man/man3/*
    cat LICENSE build/THIRD_PARTY > "$doc/copyright"
    rm "$doc"/{LICENSE,THIRD_PARTY} # Debian's name for both is copyright
    install -D -m 644 $files/lintian-overrides "$to/usr/share/lintian/overrides/libtransmit"
    install -D -m 644 $files/tmpfiles.conf "$to/usr/lib/tmpfiles.d/libtransmit.conf"
    install -m 644 $files/transmit.ini "$to/usr/share/libtransmit/"
}

debian_changelog() {
    printf 'libtransmit (%s-1) unstable; urgency=low\n\n  * See changelog.gz.\n\n -- %s  %s\n' \
        "$VERSION" "$MAINTAINER" "$(date -R --date="@${SOURCE_DATE_EPOCH:-$(stat -c %Y CHANGELOG.md)}")"
}

# glibc prints the oldest version that has all symbols that the library needs.
glibc() {
    objdump -T "$to/usr/lib/$library" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1 | cut -d_ -f 2
}

VERSION=$(./build.sh version)
ARCH=$(go env GOARCH)
MAINTAINER="${DEBFULLNAME:-the libtransmit authors} <${DEBEMAIL:-libtransmit@example.org}>"
stage
GLIBC=$(glibc)
export VERSION ARCH GLIBC MAINTAINER
go run "$nfpm" package --config $files/nfpm.yaml --packager deb --target build/
