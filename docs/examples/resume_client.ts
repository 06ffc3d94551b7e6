// Prompts a session through a bridge and prints what the agent says, each word once, whatever becomes of the connection:
// node resume_client.ts ws://127.0.0.1:4477/acp "What is in here?"   (Node 22.18 or newer, without any package)
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

type Call = (method: string, params: object) => Promise<any>;
class Refused extends Error {}
const [url, ...prompts] = process.argv.slice(2);
let session: string | undefined;
let cursor = 0; // The seq of the last record that was shown.

function show({ update, _meta }: any) {
  const seq: number | undefined = _meta?.["acp-bridge"]?.seq;
  if (seq !== undefined && seq <= cursor) return;
  cursor = seq ?? cursor;
  if (update.sessionUpdate === "agent_message_chunk") process.stdout.write(update.content.text ?? "");
}

function allow({ options }: { options: { optionId: string; kind: string }[] }) {
  const once = options.find((option) => option.kind === "allow_once");
  return { outcome: once ? { outcome: "selected", optionId: once.optionId } : { outcome: "cancelled" } };
}

// A connection; what is called on it fails when it is lost.
const connect = () => new Promise<{ call: Call; socket: WebSocket }>((opened, failed) => {
  const socket = new WebSocket(url);
  const waiting = [{ resolve: (_: any) => {}, reject: failed }];
  const send = (message: object) => socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  const call: Call = (method, params) => new Promise((resolve, reject) => {
    send({ id: waiting.push({ resolve, reject }) - 1, method, params });
  });
  socket.onopen = () => opened({ call, socket });
  socket.onclose = () => waiting.forEach(({ reject }) => reject(new Error("the connection is lost")));
  socket.onmessage = ({ data }) => {
    const { id, method, params, result, error } = JSON.parse(data);
    if (method === "session/update") show(params);
    else if (method === "session/request_permission") send({ id, result: allow(params) });
    else if (method && id !== undefined) send({ id, error: { code: -32601, message: `there is no ${method}` } });
    else if (error) waiting[id]?.reject(new Refused(error.message));
    else if (!method) waiting[id]?.resolve(result);
  };
});

// One connection: goes on after what was shown, and prompts. What the bridge has run under this key it does not run again.
async function turn(text: string, key: string) {
  const { call, socket } = await connect();
  await call("initialize", { protocolVersion: 1, clientCapabilities: {} });
  const place = { cwd: process.cwd(), mcpServers: [] };
  const known = { sessionId: session, ...place, _meta: { "acp-bridge": { after: cursor } } };
  await (session ? call("session/resume", known) : call("session/new", place).then((made) => session = made.sessionId));
  await call("session/prompt", { sessionId: session, prompt: [{ type: "text", text }], _meta: { "acp-bridge": { key } } });
  socket.close();
}

for (const text of prompts) for (const key = randomUUID(); ; await sleep(200)) {
  const error = await turn(text, key).then(() => null, (error) => error);
  if (error instanceof Refused) throw error;
  if (!error) break;
}
