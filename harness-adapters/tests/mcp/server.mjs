// A small MCP server: on stdio, or with --http on a free loopback port, which it prints as {"url": …}.
// Its tools: `ping` answers, `secret` tells the secret that it was given backwards, `ask` asks the user who they are.

import { createServer } from "node:http";
import { createInterface } from "node:readline";

const TOOLS = [
  { name: "ping", description: "Answers", inputSchema: { type: "object", properties: { text: { type: "string" } } } },
  { name: "secret", description: "Tells its secret backwards", inputSchema: { type: "object", properties: {} } },
  { name: "fail", description: "Fails", inputSchema: { type: "object", properties: {} } },
  { name: "ask", description: "Asks the user", inputSchema: { type: "object", properties: {} } },
];

const FORM = {
  type: "object",
  properties: {
    name: { type: "string", title: "Name", minLength: 1 },
    age: { type: "integer", minimum: 0 },
    color: { type: "string", enum: ["red", "blue"] },
    sure: { type: "boolean", default: false },
  },
  required: ["name"],
};

/** One client. `send` takes messages to it. */
class Connection {
  #open = new Map();
  #next = 1;
  #forms = false;

  /** Answers a request, with `send` for what goes to the client in the meantime. */
  async handle(message, secret, send) {
    if (message.method === undefined) {
      this.#open.get(message.id)?.(message);
      this.#open.delete(message.id);
    } else if (message.id !== undefined) {
      const { id } = message;
      try {
        send({ jsonrpc: "2.0", id, result: await this.#result(message, secret, send) });
      } catch (error) {
        send({ jsonrpc: "2.0", id, error: { code: -32601, message: String(error.message) } });
      }
    }
  }

  async #result({ method, params }, secret, send) {
    switch (method) {
      case "initialize":
        this.#forms = params.capabilities?.elicitation !== undefined;
        return {
          protocolVersion: params.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: "demo", version: "1" },
        };
      case "ping":
        return {};
      case "tools/list":
        return { tools: TOOLS };
      case "tools/call":
        return this.#call(params, secret, send);
      default:
        throw new Error(`no method ${method}`);
    }
  }

  async #call({ name, arguments: given }, secret, send) {
    const text = (text, isError = false) => ({ content: [{ type: "text", text }], isError });
    switch (name) {
      case "ping":
        return text(`pong ${given?.text ?? ""}`);
      case "secret":
        return text(`backwards: ${[...(secret ?? "nothing")].reverse().join("")}`);
      case "fail":
        return text("it failed", true);
      case "ask": {
        if (!this.#forms) return text("nobody can be asked");
        const params = { mode: "form", message: "Who are you?", requestedSchema: FORM };
        const id = `ask-${this.#next++}`;
        const answer = new Promise((resolve) => this.#open.set(id, resolve));
        send({ jsonrpc: "2.0", id, method: "elicitation/create", params });
        return text(`answered: ${JSON.stringify((await answer).result ?? "error")}`);
      }
      default:
        throw new Error(`no tool ${name}`);
    }
  }
}

function overStdio() {
  const connection = new Connection();
  const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => connection.handle(JSON.parse(line), process.env.MCP_SECRET, send));
  lines.on("close", () => process.exit(0));
}

function overHttp() {
  const connections = new Map();
  const server = createServer((request, response) => {
    if (request.method !== "POST") return response.writeHead(405).end();
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", async () => {
      const message = JSON.parse(body);
      const session = message.method === "initialize" ? `s${connections.size}` : request.headers["mcp-session-id"];
      if (message.method === "initialize") connections.set(session, new Connection());
      const connection = connections.get(session);
      if (!connection) return response.writeHead(404).end();
      if (message.method === undefined || message.id === undefined) {
        await connection.handle(message);
        return response.writeHead(202).end();
      }
      response.writeHead(200, { "content-type": "text/event-stream", "mcp-session-id": session });
      const send = (message) => response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
      await connection.handle(message, request.headers["x-secret"], send);
      response.end();
    });
  });
  server.listen(0, "127.0.0.1", () => {
    console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/mcp` }));
  });
}

process.argv.includes("--http") ? overHttp() : overStdio();
