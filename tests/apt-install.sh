#!/usr/bin/env bash
# Installs Debian packages, as root and without questions. Services in them are neither started nor enabled,
# because this may be a developer's own machine.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d

units() { find /lib/systemd/system /etc/init.d -maxdepth 1 \( -name '*.service' -o -path '*/init.d/*' \) 2> /dev/null | sort; }

# A policy that is there already is the administrator's.
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
before=$(units)
apt-get update -q
# --no-remove: syslog-ng-core would replace the machine's own system logger.
apt-get install -q -y --no-install-recommends --no-remove "$@"

# Where systemd does not run, nothing starts by itself.
if [ -d /run/systemd/system ]; then
    comm -13 <(printf '%s\n' "$before") <(units) | while read -r unit; do
        systemctl disable --quiet "$(basename "$unit" .service)" || true
    done
fi
