// A client on the official TypeScript SDK, driven by steps and observed by JSON lines.
//
//   node client.mjs ws://127.0.0.1:PORT/acp < steps     over WebSocket
//   node client.mjs http://127.0.0.1:PORT/acp < steps   over streamable HTTP
//   node client.mjs -- CMD ARG… < steps                 over stdio, starting the agent
//
// Each line of stdin is a step: {"request": METHOD, "params": {…}}, {"notify": METHOD, "params": {…}},
// {"start": METHOD, "params": {…}} (does not wait for the answer), {"wait": N} (until N updates have come),
// {"permission": ID | KIND | "hold"} (the option that is chosen from now on, by its id or its kind), {"measure": PROMPT,
// "updates": N} (prompts the last session, counts and times N updates instead of printing them) or {"exit": true}.
// In params, "$session" stands for the id of the session that was made or loaded last.
// Each line of stdout is {"update": params}, {"ask": params}, {"notification": method, "params": …},
// {"result": …, "method": METHOD}, {"error": …, "method": METHOD} or
// {"measured": {"updates", "seconds", "per_second", "text"}}.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Readable, Writable } from "node:stream";
import * as acp from "@agentclientprotocol/sdk";
import { createHttpStream } from "@agentclientprotocol/sdk/experimental/http-client";
import { createWebSocketStream } from "@agentclientprotocol/sdk/experimental/ws-client";
import { WebSocket } from "ws";

const args = process.argv.slice(2);
let permission = "yes";
let updates = 0;
let wake = () => {};
let session = null;
let child = null;
let measuring = false;
let last = "";

function print(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function stream() {
  if (args[0].startsWith("http:")) return createHttpStream(args[0]);
  if (args[0] !== "--") return createWebSocketStream(args[0], { WebSocket });
  child = spawn(args[1], args.slice(2), { stdio: ["pipe", "pipe", "inherit"] });
  return acp.ndJsonStream(Writable.toWeb(child.stdin), Readable.toWeb(child.stdout));
}

const app = acp
  .client({ name: "official-ts-client" })
  .onNotification(acp.methods.client.session.update, ({ params }) => {
    updates += 1;
    if (!measuring) print({ update: params });
    else if (params.update.content?.text?.startsWith("{")) last = params.update.content.text;
    wake();
  })
  .onNotification("*", ({ method, params }) => print({ notification: method, params }))
  .onRequest(acp.methods.client.session.requestPermission, async ({ params, signal }) => {
    if (!measuring) print({ ask: params });
    if (permission === "hold") {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return { outcome: { outcome: "cancelled" } };
    }
    const option = params.options.find((option) => option.optionId === permission || option.kind === permission);
    return { outcome: { outcome: "selected", optionId: option?.optionId ?? permission } };
  });

async function request(agent, method, params) {
  try {
    const result = await agent.request(method, params);
    if (method === "session/new") session = result.sessionId;
    if (method === "session/load" || method === "session/resume") session = params.sessionId;
    print({ result, method });
  } catch (error) {
    print({ error: { code: error.code, message: error.message, data: error.data }, method });
  }
}

async function until(count) {
  while (updates < count) await new Promise((resolve) => (wake = resolve));
}

async function measure(agent, text, count) {
  measuring = true;
  const wanted = updates + count;
  const start = performance.now();
  await agent.request("session/prompt", { sessionId: session, prompt: [{ type: "text", text }] });
  await until(wanted);
  const seconds = (performance.now() - start) / 1000;
  measuring = false;
  print({ measured: { updates: count, seconds, per_second: count / seconds, text: last } });
}

function filled(params) {
  return JSON.parse(JSON.stringify(params ?? {}).replaceAll('"$session"', JSON.stringify(session)));
}

const connection = app.connect(stream());
connection.closed.then(() => {
  print({ closed: true });
  process.exit(0);
});
for await (const line of createInterface({ input: process.stdin })) {
  const step = JSON.parse(line);
  if (step.request) await request(connection.agent, step.request, filled(step.params));
  else if (step.start) void request(connection.agent, step.start, filled(step.params));
  else if (step.notify) await connection.agent.notify(step.notify, filled(step.params));
  else if (step.permission) permission = step.permission;
  else if (step.wait) await until(step.wait);
  else if (step.measure) await measure(connection.agent, step.measure, step.updates);
  else if (step.exit) break;
}
child?.kill();
process.exit(0);
