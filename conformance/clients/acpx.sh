#!/bin/sh
# acpx with the Node that it needs, both of interop/acpx: one prompt, all permissions granted, a home of its own.
#
#   acp-conformance client -- conformance/clients/acpx.sh '{agent}'
packages=$(cd "$(dirname "$0")/../../interop/acpx/node_modules" && pwd) || exit 1
for node in "$packages"/node-linux-*/bin; do PATH=$node:$PATH; done
export PATH HOME="$ACP_CONFORMANCE_DIR" XDG_STATE_HOME="$ACP_CONFORMANCE_DIR"
cd "$ACP_CONFORMANCE_DIR" || exit 1
exec node "$packages/acpx/dist/cli.js" --agent "$1" --approve-all --timeout 60 --format quiet exec Hello.
