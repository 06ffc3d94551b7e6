// A small agent on the official TypeScript SDK, over stdio; with --listen over streamable HTTP and WebSocket on a free port,
// which is then the first line of stdout: {"event": "listening", "url": …}. The first word of a prompt says what it does:
//
//   echo TEXT        one chunk
//   count N [MS]     N chunks "1 ", "2 ", … with MS milliseconds between them (20); obeys cancel
//   flood N          N chunks of 50 bytes as fast as they are taken
//   ask [N]          asks for permission (N times) and says what was chosen
//   rtt N            N permission requests one after the other; says how long they took, in microseconds
//   tool             a tool call with a diff
//   hang             never answers and ignores cancel
//   die              exits in mid-turn
//   fail             answers with an error
//   env NAME         says an environment variable
//   mode             says its mode
//   history          says how many prompts it remembers
//
// With AGENT_STATE=DIR sessions survive the process: one transcript per session, written before the turn ends.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import * as acp from "@agentclientprotocol/sdk";

const state = process.env.AGENT_STATE;
const canLoad = state !== undefined;
if (state) mkdirSync(state, { recursive: true });

const sessions = new Map();
const modes = {
  currentModeId: "ask",
  availableModes: [
    { id: "ask", name: "Ask" },
    { id: "auto", name: "Auto" },
  ],
};

function file(sessionId) {
  return join(state, `${sessionId}.json`);
}

function save(sessionId) {
  if (!state) return;
  const session = sessions.get(sessionId);
  const text = JSON.stringify({ mode: session.mode, transcript: session.transcript });
  const scratch = `${file(sessionId)}.${process.pid}`;
  writeFileSync(scratch, text);
  renameSync(scratch, file(sessionId));
}

function modesOf(session) {
  return { ...modes, currentModeId: session.mode };
}

function known(sessionId) {
  const session = sessions.get(sessionId);
  if (!session) throw acp.RequestError.resourceNotFound(sessionId);
  return session;
}

async function say(ctx, session, sessionId, text) {
  session.transcript.push({ from: "agent", text });
  await ctx.client.notify(acp.methods.client.session.update, {
    sessionId,
    update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } },
  });
}

async function ask(ctx, sessionId, number) {
  const answer = await ctx.client.request(acp.methods.client.session.requestPermission, {
    sessionId,
    toolCall: { toolCallId: `call-${number}`, title: `Run step ${number}`, kind: "execute", status: "pending" },
    options: [
      { optionId: "yes", name: "Allow once", kind: "allow_once" },
      { optionId: "no", name: "Reject", kind: "reject_once" },
    ],
  });
  return answer.outcome.outcome === "selected" ? answer.outcome.optionId : "cancelled";
}

async function turn(ctx, session, sessionId, text) {
  const [word, ...rest] = text.trim().split(/\s+/);
  const cancelled = () => session.cancel.signal.aborted;
  switch (word) {
    case "count": {
      const pause = Number(rest[1] ?? 20);
      for (let i = 1; i <= Number(rest[0] ?? 10); i += 1) {
        if (cancelled()) return "cancelled";
        await say(ctx, session, sessionId, `${i} `);
        await sleep(pause, undefined, { signal: session.cancel.signal }).catch(() => {});
      }
      return cancelled() ? "cancelled" : "end_turn";
    }
    case "flood": {
      const line = "x".repeat(50);
      for (let i = 0; i < Number(rest[0] ?? 1000); i += 1) {
        if (cancelled()) return "cancelled";
        await ctx.client.notify(acp.methods.client.session.update, {
          sessionId,
          update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text: line } },
        });
      }
      return "end_turn";
    }
    case "ask": {
      for (let i = 1; i <= Number(rest[0] ?? 1); i += 1) {
        const chosen = await ask(ctx, sessionId, i);
        if (cancelled()) return "cancelled";
        await say(ctx, session, sessionId, `chosen: ${chosen}`);
      }
      return "end_turn";
    }
    case "rtt": {
      const taken = [];
      for (let i = 1; i <= Number(rest[0] ?? 1000); i += 1) {
        const start = performance.now();
        await ask(ctx, sessionId, i);
        taken.push(Math.round((performance.now() - start) * 1000));
      }
      taken.sort((a, b) => a - b);
      const at = (share) => taken[Math.floor((taken.length * share) / 100)];
      await say(ctx, session, sessionId, JSON.stringify({ p50_us: at(50), p99_us: at(99) }));
      return "end_turn";
    }
    case "tool": {
      const send = (update) => ctx.client.notify(acp.methods.client.session.update, { sessionId, update });
      await send({ sessionUpdate: "tool_call", toolCallId: "edit-1", title: "Edit notes", kind: "edit", status: "in_progress" });
      await send({
        sessionUpdate: "tool_call_update",
        toolCallId: "edit-1",
        status: "completed",
        content: [{ type: "diff", path: join(session.cwd, "notes.txt"), oldText: "old\n", newText: "new\n" }],
      });
      return "end_turn";
    }
    case "hang":
      await new Promise(() => setInterval(() => {}, 1 << 30));
      return "end_turn";
    case "die":
      await say(ctx, session, sessionId, "about to exit");
      await sleep(50);
      process.exit(3);
      break;
    case "fail":
      throw new acp.RequestError(4711, "told to fail", { why: "the prompt said so" });
    case "env":
      await say(ctx, session, sessionId, process.env[rest[0]] ?? "");
      return "end_turn";
    case "mode":
      await say(ctx, session, sessionId, session.mode);
      return "end_turn";
    case "history":
      await say(ctx, session, sessionId, String(session.transcript.filter((entry) => entry.from === "user").length));
      return "end_turn";
    default:
      await say(ctx, session, sessionId, word === "echo" ? rest.join(" ") : text);
      return "end_turn";
  }
}

const app = acp
  .agent({ name: "official-ts-agent" })
  .onRequest(acp.methods.agent.initialize, () => ({
    protocolVersion: acp.PROTOCOL_VERSION,
    agentInfo: { name: "official-ts-agent", version: "1.0.0" },
    agentCapabilities: { loadSession: canLoad, promptCapabilities: { image: true } },
    authMethods: [{ id: "none", name: "Nothing to log in to" }],
  }))
  .onRequest(acp.methods.agent.authenticate, () => ({}))
  .onRequest(acp.methods.agent.session.new, ({ params }) => {
    const sessionId = randomUUID();
    const session = { cwd: params.cwd, mode: "ask", transcript: [], cancel: new AbortController() };
    sessions.set(sessionId, session);
    save(sessionId);
    return { sessionId, modes: modesOf(session) };
  })
  .onRequest(acp.methods.agent.session.load, async (ctx) => {
    const { sessionId, cwd } = ctx.params;
    let saved;
    try {
      saved = JSON.parse(readFileSync(file(sessionId), "utf8"));
    } catch {
      throw acp.RequestError.resourceNotFound(sessionId);
    }
    const session = { cwd, ...saved, cancel: new AbortController() };
    sessions.set(sessionId, session);
    for (const { from, text } of session.transcript) {
      const sessionUpdate = from === "user" ? "user_message_chunk" : "agent_message_chunk";
      await ctx.client.notify(acp.methods.client.session.update, {
        sessionId,
        update: { sessionUpdate, content: { type: "text", text } },
      });
    }
    return { modes: modesOf(session) };
  })
  .onRequest(acp.methods.agent.session.setMode, ({ params }) => {
    const session = known(params.sessionId);
    if (!modes.availableModes.some((mode) => mode.id === params.modeId)) throw acp.RequestError.invalidParams();
    session.mode = params.modeId;
    save(params.sessionId);
    return {};
  })
  .onRequest(acp.methods.agent.session.prompt, async (ctx) => {
    const { sessionId, prompt } = ctx.params;
    const session = known(sessionId);
    session.cancel = new AbortController();
    const text = prompt.map((block) => (block.type === "text" ? block.text : "")).join(" ");
    session.transcript.push({ from: "user", text });
    save(sessionId);
    const stopReason = await turn(ctx, session, sessionId, text);
    save(sessionId);
    return { stopReason };
  })
  .onNotification(acp.methods.agent.session.cancel, ({ params }) => {
    sessions.get(params.sessionId)?.cancel.abort();
  });

if (process.argv[2] === "--listen") {
  const { createNodeHttpHandler, createNodeWebSocketUpgradeHandler } = await import("@agentclientprotocol/sdk/experimental/node");
  const { AcpServer } = await import("@agentclientprotocol/sdk/experimental/server");
  const { createServer } = await import("node:http");
  const { WebSocketServer } = await import("ws");
  const server = new AcpServer({ agent: app });
  const http = createServer(createNodeHttpHandler(server));
  http.on("upgrade", createNodeWebSocketUpgradeHandler(server, new WebSocketServer({ noServer: true })));
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  console.log(JSON.stringify({ event: "listening", url: `http://127.0.0.1:${http.address().port}` }));
  await new Promise(() => {});
}
const connection = app.connect(acp.ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));
await connection.closed;
process.exit(0);
