#!/usr/bin/env bash
# Builds Telegraf, with the plugins that the configurations in this folder use, and nats-server from their Go modules:
# install.sh DIRECTORY PROGRAM…
set -euo pipefail
telegraf=github.com/influxdata/telegraf/cmd/telegraf@v1.37.2
nats_server=github.com/nats-io/nats-server/v2@v2.15.2
plugins=custom,inputs.socket_listener,inputs.execd,processors.parser,outputs.file,outputs.nats
plugins+=,parsers.value,parsers.json_v2,serializers.template,serializers.influx

export GOBIN=$1
shift
cd / # not in a module: versions are those of the program's own go.mod
for program; do
    case "$program" in
    telegraf) go install -trimpath -ldflags="-s -w -X github.com/influxdata/telegraf/internal.Version=${telegraf#*@v}" -tags "$plugins" "$telegraf" ;;
    nats-server) go install -trimpath -ldflags='-s -w' "$nats_server" ;;
    esac
done
