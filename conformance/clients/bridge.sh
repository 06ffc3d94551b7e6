#!/bin/sh
# acp-bridge before the agent, and one prompt sent to it: what the bridge itself does as a client.
#
#   acp-conformance client -- conformance/clients/bridge.sh target/debug/acp-bridge --
bridge=$1
shift
[ "$1" = -- ] && shift
place=$(mktemp -d) || exit 1
"$bridge" serve --listen :0 --json --log "sqlite:$place/log.db" -- "$@" >"$place/said" &
serving=$!
trap 'kill $serving; wait $serving; rm -r "$place"' EXIT
until url=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' "$place/said") && [ -n "$url" ]; do
    kill -0 $serving || exit 1
    sleep 0.05
done
"$bridge" send --url "$url" new Hello.
