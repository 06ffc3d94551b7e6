// An MCP server with one tool, which answers with the secret that it was given: over stdio the variable WORD, over HTTP
// the header x-word. Without arguments it speaks stdio; with `http` it listens on a free port and prints it.
import { createServer } from "node:http";
import { createInterface } from "node:readline";

function answer(request, word) {
  const results = {
    initialize: () => ({
      protocolVersion: request.params.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: "demo", version: "1" },
    }),
    ping: () => ({}),
    "tools/list": () => ({
      tools: [{ name: "ping", description: "Answers", inputSchema: { type: "object", properties: { n: { type: "number" } } } }],
    }),
    "tools/call": () => ({ content: [{ type: "text", text: `pong ${word}` }] }),
  };
  const known = results[request.method];
  if (known) return { jsonrpc: "2.0", id: request.id, result: known() };
  return { jsonrpc: "2.0", id: request.id, error: { code: -32601, message: `no ${request.method} here` } };
}

if (process.argv[2] === "http") {
  const server = createServer((incoming, outgoing) => {
    if (incoming.method !== "POST") return outgoing.writeHead(405).end();
    let body = "";
    incoming.on("data", (part) => (body += part));
    incoming.on("end", () => {
      const request = JSON.parse(body);
      if (request.id === undefined) return outgoing.writeHead(202).end();
      outgoing.writeHead(200, { "content-type": "application/json" });
      outgoing.end(JSON.stringify(answer(request, incoming.headers["x-word"])));
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
} else {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    if (request.id !== undefined) console.log(JSON.stringify(answer(request, process.env.WORD)));
  }
}
