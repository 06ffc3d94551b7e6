#!/bin/sh
# A client of interop/ that takes steps on stdin: connects, makes a session and sends one prompt.
#
#   acp-conformance client -- conformance/clients/steps.sh allow_once node interop/ts/client.mjs --
#   acp-conformance client -- conformance/clients/steps.sh cancel interop/target/debug/official-client --
#
# The first argument is how it answers permission requests.
permission=$1
shift
{
  printf '{"permission":"%s"}\n' "$permission"
  printf '{"request":"initialize","params":{"protocolVersion":1,"clientCapabilities":{},%s}}\n' \
    '"clientInfo":{"name":"steps","version":"1"}'
  printf '{"request":"session/new","params":{"cwd":"%s","mcpServers":[]}}\n' "$ACP_CONFORMANCE_DIR"
  printf '{"request":"session/prompt","params":{"sessionId":"$session","prompt":[%s]}}\n' \
    '{"type":"text","text":"Hello."}'
  printf '{"exit":true}\n'
} | "$@"
