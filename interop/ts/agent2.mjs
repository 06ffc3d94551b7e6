// A small agent of version 2 of the protocol, a draft, on the official TypeScript SDK, over stdio. It does what the
// sentences of acp-conformance ask for: a long count, a file after a question, a diff, a terminal, a plan, a command in the
// background, a tool call that can be stopped; anything else is echoed.
// Sessions live as long as the process.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import * as acp from "@agentclientprotocol/sdk/experimental/v2";

const sessions = new Map();
let count = 0;

function id(kind) {
  count += 1;
  return `${kind}-${count}`;
}

function known(sessionId) {
  const session = sessions.get(sessionId);
  if (!session?.active) {
    throw new acp.RequestError(-32002, "Resource not found", { sessionId });
  }
  return session;
}

function options(session) {
  return [
    {
      type: "select",
      configId: "style",
      name: "Style",
      currentValue: session.style,
      options: ["plain", "fancy"].map((value) => ({ value, name: value })),
    },
  ];
}

function tell(client, sessionId, update) {
  return client.notify(acp.methods.client.session.update, { sessionId, update });
}

async function say(client, sessionId, update) {
  sessions.get(sessionId).history.push(update);
  await tell(client, sessionId, update);
}

function state(client, session, sessionId, update) {
  const background = [...session.background.keys()].map((terminalId) => ({ type: "terminal", terminalId }));
  return tell(client, sessionId, { sessionUpdate: "state_update", background, ...update });
}

function chunk(client, sessionId, messageId, text) {
  return say(client, sessionId, { sessionUpdate: "agent_message_chunk", messageId, content: { type: "text", text } });
}

async function touch(client, session, sessionId) {
  const toolCallId = id("call");
  const call = (update) => say(client, sessionId, { sessionUpdate: "tool_call_update", toolCallId, ...update });
  await call({ title: "touch conformance-marker.txt", kind: "execute", status: "pending" });
  await state(client, session, sessionId, { state: "requires_action" });
  const answer = await client.request(acp.methods.client.session.requestPermission, {
    sessionId,
    title: "May the file be made?",
    subject: { type: "tool_call", toolCall: { toolCallId } },
    options: [
      { optionId: "yes", name: "Yes", kind: "allow_once" },
      { optionId: "no", name: "No", kind: "reject_once" },
    ],
  });
  await state(client, session, sessionId, { state: "running" });
  const allowed = answer.outcome.outcome === "selected" && answer.outcome.optionId === "yes";
  if (allowed) writeFileSync(join(session.cwd, "conformance-marker.txt"), "");
  await call({ status: allowed ? "completed" : "cancelled" });
}

function terminal(client, sessionId, terminalId, update) {
  return say(client, sessionId, { sessionUpdate: "terminal_update", terminalId, ...update });
}

async function write(client, session, sessionId) {
  const toolCallId = id("call");
  const path = join(session.cwd, "conformance-note.txt");
  writeFileSync(path, "noted\n");
  const text = `diff --git ${path} ${path}\nnew file mode 100644\n--- /dev/null\n+++ ${path}\n@@ -0,0 +1 @@\n+noted\n`;
  const diff = {
    type: "diff",
    changes: [{ operation: "add", path, fileType: "text" }],
    patch: { format: "git_patch", text },
  };
  const call = { sessionUpdate: "tool_call_update", toolCallId, title: "Write a note", kind: "edit" };
  await say(client, sessionId, { ...call, status: "completed", content: [diff] });
}

async function echo(client, session, sessionId) {
  const terminalId = id("terminal");
  await terminal(client, sessionId, terminalId, { command: "echo conformance-echo", cwd: session.cwd });
  const data = Buffer.from("conformance-echo\n").toString("base64");
  await say(client, sessionId, { sessionUpdate: "terminal_output_chunk", terminalId, data });
  await terminal(client, sessionId, terminalId, { exitStatus: { exitCode: 0 } });
}

async function plan(client, sessionId) {
  const planId = id("plan");
  for (const status of ["in_progress", "completed"]) {
    const entries = ["Look", "Leap", "Land"].map((content, at) => ({
      content,
      priority: "medium",
      status: at === 0 ? status : "pending",
    }));
    await say(client, sessionId, { sessionUpdate: "plan_update", plan: { type: "items", planId, entries } });
  }
}

// A command that goes on when the turn is over, until it is told to leave its file or its session is closed.
async function begin(client, session, sessionId) {
  const terminalId = id("terminal");
  await terminal(client, sessionId, terminalId, { command: "touch, once told to", cwd: session.cwd });
  const timer = setInterval(async () => {
    if (!existsSync(join(session.cwd, "conformance-go.txt"))) {
      return;
    }
    clearInterval(timer);
    session.background.delete(terminalId);
    writeFileSync(join(session.cwd, "conformance-marker.txt"), "");
    await terminal(client, sessionId, terminalId, { exitStatus: { exitCode: 0 } });
    await state(client, session, sessionId, { state: session.turn ? "running" : "idle" });
  }, 20);
  timer.unref();
  session.background.set(terminalId, timer);
}

// A tool call that can be stopped.
async function wait(client, session, sessionId) {
  const toolCallId = id("call");
  const call = { sessionUpdate: "tool_call_update", toolCallId };
  const stopped = new Promise((resolve) => {
    session.stoppable = { toolCallId, stop: resolve };
  });
  await say(client, sessionId, { ...call, title: "sleep 60", status: "in_progress", capabilities: { cancel: {} } });
  await stopped;
  await say(client, sessionId, { ...call, status: "cancelled", capabilities: null });
}

async function work(client, session, sessionId, text) {
  const messageId = id("message");
  if (text.startsWith("Count from 1")) {
    for (let number = 1; number <= 1000 && !session.stopped; number += 1) {
      await chunk(client, sessionId, messageId, `${number} `);
      await sleep(5);
    }
  } else if (text.startsWith("Run the shell command: touch")) {
    await touch(client, session, sessionId);
  } else if (text.startsWith("Run the shell command: echo")) {
    await echo(client, session, sessionId);
  } else if (text.startsWith("Run the shell command: sleep")) {
    await wait(client, session, sessionId);
  } else if (text.startsWith("Write a file")) {
    await write(client, session, sessionId);
  } else if (text.startsWith("Make a plan")) {
    await plan(client, sessionId);
  } else if (text.startsWith("Start this shell command in the background")) {
    await begin(client, session, sessionId);
  } else {
    await chunk(client, sessionId, messageId, `Echo: ${text}`);
  }
}

// What runs after the prompt was answered.
async function turn(client, session, sessionId, messageId, prompt) {
  let stopReason = "error";
  try {
    await say(client, sessionId, { sessionUpdate: "user_message", messageId, content: prompt });
    await state(client, session, sessionId, { state: "running" });
    await work(client, session, sessionId, prompt.map((block) => block.text ?? "").join(""));
    stopReason = session.stopped ? "cancelled" : "end_turn";
  } finally {
    session.turn = undefined;
    await state(client, session, sessionId, { state: "idle", stopReason });
  }
}

const app = acp
  .agent({ name: "official-typescript-agent2" })
  .onRequest(acp.methods.agent.initialize, () => ({
    protocolVersion: acp.PROTOCOL_VERSION,
    info: { name: "official-typescript-agent2", version: "0.1.0" },
    capabilities: { session: {} },
  }))
  .onRequest(acp.methods.agent.session.new, (ctx) => {
    const sessionId = id("session");
    const session = {
      cwd: ctx.params.cwd,
      active: true,
      stopped: false,
      history: [],
      style: "plain",
      turn: undefined,
      background: new Map(),
      stoppable: undefined,
    };
    sessions.set(sessionId, session);
    return { sessionId, configOptions: options(session) };
  })
  .onRequest(acp.methods.agent.session.list, (ctx) => {
    const fits = ([, session]) => ctx.params.cwd == null || ctx.params.cwd === session.cwd;
    return { sessions: [...sessions].filter(fits).map(([sessionId, session]) => ({ sessionId, cwd: session.cwd })) };
  })
  .onRequest(acp.methods.agent.session.resume, async (ctx) => {
    const { sessionId, replayFrom } = ctx.params;
    const session = sessions.get(sessionId);
    if (!session) throw new acp.RequestError(-32002, "Resource not found", { sessionId });
    session.active = true;
    if (replayFrom != null) {
      for (const update of session.history) await tell(ctx.client, sessionId, update);
    }
    await state(ctx.client, session, sessionId, { state: "idle" });
    return { configOptions: options(session) };
  })
  .onRequest(acp.methods.agent.session.close, async (ctx) => {
    const session = known(ctx.params.sessionId);
    session.stopped = true;
    session.stoppable?.stop();
    await session.turn;
    for (const timer of session.background.values()) clearInterval(timer);
    session.background.clear();
    session.active = false;
    return {};
  })
  .onRequest(acp.methods.agent.toolCall.cancel, (ctx) => {
    const { sessionId, toolCallId } = ctx.params;
    const stoppable = known(sessionId).stoppable;
    if (stoppable?.toolCallId !== toolCallId) {
      throw new acp.RequestError(-32602, "there is no such tool call, or it cannot be cancelled");
    }
    stoppable.stop();
    return {};
  })
  .onRequest(acp.methods.agent.session.setConfigOption, (ctx) => {
    const { sessionId, configId, value } = ctx.params;
    const session = known(sessionId);
    if (configId !== "style" || !["plain", "fancy"].includes(value)) {
      throw new acp.RequestError(-32602, "there is no such option or value");
    }
    session.style = value;
    return { configOptions: options(session) };
  })
  .onRequest(acp.methods.agent.session.prompt, (ctx) => {
    const { sessionId, prompt } = ctx.params;
    const session = known(sessionId);
    const messageId = id("message");
    session.stopped = false;
    session.turn = turn(ctx.client, session, sessionId, messageId, prompt).catch((error) => console.error(error));
    return { messageId };
  })
  .onNotification(acp.methods.agent.session.cancel, (ctx) => {
    const session = sessions.get(ctx.params.sessionId);
    if (!session) return;
    session.stopped = true;
    session.stoppable?.stop();
  });

const connection = app.connect(acp.ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));
await connection.closed;
