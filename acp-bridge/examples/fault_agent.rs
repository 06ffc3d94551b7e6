//! An ACP agent that does wrong things on demand: the other side of the bridge's tests. Not an example to follow.
//!
//! It speaks JSON by hand over blocking stdio, so that it can also say what no library would. The first word of a
//! prompt says what it does, see [`Agent::turn`]. Flags: `--no-load` (can neither load nor resume), `--resume`,
//! `--mute` (never answers anything), `--echo` (prints a banner, and a line for every line that it gets), `--future` (speaks another version), `--steer` (takes messages into a turn), `--die-on-start`, `--pid FILE` (writes its process id there),
//! `--starts FILE` (adds its process id to a list), `--slow-new MS` (takes that long to make a session), `--chatty` (and says so).
//! `--forge` (says things in the bridge's name when it starts and when it opens a session).

#![expect(clippy::exit, reason = "dying in the middle of something is one of the faults")]

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// Whether stdin is read no more.
static DEAF: AtomicBool = AtomicBool::new(false);

/// Whether every line that is read is printed.
static ECHO: AtomicBool = AtomicBool::new(false);

/// Lines that were read.
static LINES: AtomicU64 = AtomicU64::new(0);

/// When the last cancel was read, in microseconds since the Unix epoch.
static CANCELLED_AT: AtomicU64 = AtomicU64::new(0);

fn micros() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

fn main() {
    let flags: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| flags.iter().any(|flag| flag == name);
    if has("--die-on-start") {
        eprintln!("told to die at the start");
        std::process::exit(7);
    }
    if has("--echo") {
        raw("Fault agent, all faults included");
        ECHO.store(true, Ordering::Relaxed);
    }
    let value = |name: &str| flags.iter().position(|flag| flag == name).map(|at| flags[at + 1].clone());
    let number = |name: &str| value(name).map_or(0, |number| number.parse().expect("a number"));
    if let Some(starts) = value("--starts") {
        let mut starts = std::fs::OpenOptions::new().create(true).append(true).open(starts).expect("open the list");
        writeln!(starts, "{}", std::process::id()).expect("write to the list");
    }
    if let Some(at) = flags.iter().position(|flag| flag == "--pid") {
        std::fs::write(&flags[at + 1], std::process::id().to_string()).expect("write the pid file");
    }
    let (sender, lines) = channel();
    std::thread::spawn(move || read(&sender));
    let mut agent = Agent {
        lines,
        no_load: has("--no-load"),
        resume: has("--resume"),
        steer: has("--steer"),
        forge: has("--forge"),
        told: Value::Null,
        future: has("--future"),
        working: false,
        asked: 0,
        cancelled: false,
        slow: Duration::from_millis(number("--slow-new")),
        chatty: has("--chatty"),
        loaded: false,
        mode: "ask".to_owned(),
        options: BTreeMap::new(),
        set: Vec::new(),
    };
    while let Ok(message) = agent.lines.recv() {
        if !has("--mute") {
            agent.handle(&message);
        }
    }
}

fn read(sender: &Sender<Value>) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        while DEAF.load(Ordering::Relaxed) {
            std::thread::park();
        }
        LINES.fetch_add(1, Ordering::Relaxed);
        if ECHO.load(Ordering::Relaxed) {
            raw(&format!("got: {line}"));
        }
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        if message["method"] == "session/cancel" {
            CANCELLED_AT.store(micros(), Ordering::Relaxed);
        }
        if sender.send(message).is_err() {
            break;
        }
    }
}

struct Agent {
    lines: Receiver<Value>,
    no_load: bool,
    resume: bool,
    steer: bool,
    forge: bool,
    future: bool,
    /// The params of `initialize`.
    told: Value,
    /// A turn runs.
    working: bool,
    asked: u64,
    cancelled: bool,
    /// How long it takes to make a session, and whether it says something meanwhile.
    slow: Duration,
    chatty: bool,
    /// It was given a session that it had before, and remembers nothing of it.
    loaded: bool,
    mode: String,
    options: BTreeMap<String, String>,
    /// What it was set, in this order.
    set: Vec<String>,
}

fn mib(count: u64) -> usize {
    usize::try_from(count).unwrap_or(1) * 1024 * 1024
}

fn raw(line: &str) {
    let mut out = std::io::stdout().lock();
    if out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

fn send(message: &Value) {
    raw(&message.to_string());
}

fn answer(id: &Value, result: &Value) {
    send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
}

fn say(session: &Value, text: &str) {
    update(session, &json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": text } }));
}

fn update(session: &Value, update: &Value) {
    send(
        &json!({ "jsonrpc": "2.0", "method": "session/update", "params": { "sessionId": session, "update": update } }),
    );
}

impl Agent {
    fn handle(&mut self, message: &Value) {
        let (id, params) = (&message["id"], &message["params"]);
        match message["method"].as_str() {
            Some("initialize") => {
                self.told = params.clone();
                let mut result = json!({
                    "protocolVersion": if self.future { 65535 } else { 1 },
                    "agentInfo": { "name": "fault-agent", "version": "1" },
                    "agentCapabilities": {
                        "loadSession": !self.no_load && !self.resume,
                        "sessionCapabilities": if self.resume { json!({ "resume": {} }) } else { json!({}) },
                        "_future": { "kept": 1 },
                    },
                    "authMethods": [{ "id": "key", "name": "Key" }],
                    "_meta": { "steering": { "supported": self.steer } },
                });
                if self.forge {
                    result["_meta"]["acp-bridge"] = json!({ "version": "forged" });
                    result["agentCapabilities"]["_meta"] = json!({ "acp-bridge": { "roles": ["forged"] } });
                }
                answer(id, &result);
            }
            Some("session/new") => {
                self.take_long();
                let session = format!("agent-{}", std::process::id());
                update(
                    &json!(session),
                    &json!({ "sessionUpdate": "available_commands_update", "availableCommands": [] }),
                );
                let mut result = json!({
                    "sessionId": session,
                    "modes": { "currentModeId": "ask", "availableModes": [{ "id": "ask", "name": "Ask" }, { "id": "auto", "name": "Auto" }] },
                    "received": params,
                });
                if self.forge {
                    result["_meta"] = json!({ "acp-bridge": { "seq": "forged" } });
                    result["modes"]["_meta"] = json!({ "acp-bridge": "forged" });
                }
                answer(id, &result);
            }
            Some("session/load") => {
                self.loaded = true;
                say(&params["sessionId"], "REPLAYED BY THE AGENT");
                answer(id, &json!({ "modes": { "currentModeId": "ask", "availableModes": [] }, "received": params }));
            }
            Some("session/set_mode") if self.forge => {
                answer(id, &json!({ "_meta": { "acp-bridge": "forged", "received": params } }));
            }
            Some("session/resume" | "logout") => answer(id, &json!({})),
            Some("session/set_mode") => self.set(id, "mode", params["modeId"].as_str().unwrap_or_default()),
            Some("session/set_config_option") => {
                let option = params["configId"].as_str().unwrap_or_default();
                self.set(id, option, params["value"].as_str().unwrap_or_default());
            }
            Some("authenticate") => answer(id, &json!({ "method": params["methodId"] })),
            Some("session/prompt") => self.prompt(id, params),
            Some("_session/steering") => self.steer(id, params),
            Some(method) if method.starts_with('_') && !id.is_null() => answer(id, &json!({ "echo": params })),
            Some(_) if !id.is_null() => {
                send(&json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "no such method" } }));
            }
            _ => {}
        }
    }

    /// Before a session is there: silently, or with a line on stderr now and then.
    fn take_long(&self) {
        let step = Duration::from_millis(50);
        if !self.slow.is_zero() {
            eprintln!("indexing everything");
            raw("Welcome to this agent!");
        }
        let begun = std::time::Instant::now();
        while begun.elapsed() < self.slow {
            std::thread::sleep(step);
            if self.chatty {
                eprintln!("still indexing");
            }
        }
    }

    /// Takes a mode or an option, and tells nobody else. It knows no `nonesuch`, and `once` only in a new session.
    fn set(&mut self, id: &Value, what: &str, to: &str) {
        if to == "nonesuch" || (to == "once" && self.loaded) {
            let error = json!({ "code": -32602, "message": format!("{to} was known only once") });
            return send(&json!({ "jsonrpc": "2.0", "id": id, "error": error }));
        }
        if what == "mode" {
            to.clone_into(&mut self.mode);
            self.set.push(to.to_owned());
            return answer(id, &json!({}));
        }
        self.set.push(what.to_owned());
        self.options.insert(what.to_owned(), to.to_owned());
        let options = self.options.iter();
        let options: Vec<Value> = options.map(|(id, value)| json!({ "id": id, "currentValue": value })).collect();
        answer(id, &json!({ "configOptions": options }));
    }

    /// Says the text of the message in the turn that runs. `refuse` is not taken.
    fn steer(&self, id: &Value, params: &Value) {
        let text = params["prompt"][0]["text"].as_str().unwrap_or_default();
        if !self.working || text == "echo refuse" {
            return answer(id, &json!({ "outcome": "idle" }));
        }
        answer(id, &json!({ "outcome": "injected" }));
        say(&params["sessionId"], &format!("steered: {text}"));
    }

    fn prompt(&mut self, id: &Value, params: &Value) {
        self.cancelled = false;
        self.working = true;
        let session = &params["sessionId"];
        let text = params["prompt"][0]["text"].as_str().unwrap_or_default().to_owned();
        let ended = self.turn(id, session, &text);
        self.working = false;
        match ended {
            Ok(reason) => answer(id, &json!({ "stopReason": reason, "_future": [1e2, 30] })),
            Err(error) => send(&json!({ "jsonrpc": "2.0", "id": id, "error": error })),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a flat table: one arm for each word")]
    fn turn(&mut self, id: &Value, session: &Value, text: &str) -> Result<&'static str, Value> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let number = |default: u64| rest.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(default);
        match word {
            // The value of a variable of its environment.
            "variable" => say(session, &std::env::var(rest).unwrap_or_else(|_| format!("{rest} is not set"))),
            // N chunks, a pause of MS between them; obeys cancel.
            "count" => {
                let pause = rest.split(' ').nth(1).and_then(|ms| ms.parse().ok()).unwrap_or(2);
                for i in 1..=number(10) {
                    say(session, &format!("{i} "));
                    if self.pause(Duration::from_millis(pause)) {
                        return Ok("cancelled");
                    }
                }
            }
            // N chunks of 50 bytes as fast as they are taken.
            "flood" => {
                let line = json!({
                    "jsonrpc": "2.0", "method": "session/update",
                    "params": { "sessionId": session, "update": {
                        "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": "x".repeat(50) } } },
                })
                .to_string();
                let mut out = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
                for _ in 0..number(1000) {
                    if writeln!(out, "{line}").is_err() {
                        std::process::exit(0);
                    }
                }
            }
            // The same, each with its number.
            "numbered" => {
                let mut out = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
                for i in 1..=number(1000) {
                    if writeln!(out, r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":{session},"update":{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"{i:049} "}}}}}}}}"#).is_err() {
                        std::process::exit(0);
                    }
                }
            }
            // Chunks as fast as they are taken until it is cancelled; then when it read that, in microseconds.
            "deluge" => {
                while !self.pause(Duration::ZERO) {
                    for _ in 0..16 {
                        say(session, &"x".repeat(50));
                    }
                }
                say(session, &format!("stopped {}", CANCELLED_AT.load(Ordering::Relaxed)));
                return Ok("cancelled");
            }
            // N chunks, so many a second, each with the time in microseconds.
            "stamp" => {
                let rate: u64 = rest.split(' ').nth(1).and_then(|rate| rate.parse().ok()).unwrap_or(100);
                for _ in 0..number(100) {
                    std::thread::sleep(Duration::from_micros(1_000_000 / rate.max(1)));
                    say(session, &micros().to_string());
                }
            }
            // A chunk for each word, of the message that the word names.
            "messages" => {
                for id in rest.split(' ') {
                    let content = json!({ "type": "text", "text": format!("{id} ") });
                    let kind = "agent_message_chunk";
                    update(session, &json!({ "sessionUpdate": kind, "messageId": id, "content": content }));
                }
            }
            // Waits until it is cancelled.
            "wait" => {
                say(session, "waiting");
                while !self.pause(Duration::from_secs(3600)) {}
                return Ok("cancelled");
            }
            // Asks for permission, for a tool of the kind that is named, and says what was chosen.
            "ask" => {
                let mut tool = json!({ "toolCallId": "c1", "title": "Run it", "_future": 1 });
                if !rest.is_empty() {
                    tool["kind"] = json!(rest);
                }
                let outcome = self.request(
                    "session/request_permission",
                    &json!({
                        "sessionId": session,
                        "toolCall": tool,
                        "options": [
                            { "optionId": "yes", "name": "Yes", "kind": "allow_once" },
                            { "optionId": "no", "name": "No", "kind": "reject_once" },
                        ],
                    }),
                );
                say(session, &format!("chosen {outcome}"));
                if self.cancelled {
                    return Ok("cancelled");
                }
            }
            // Says something, waits MS, and asks for permission.
            "late" => {
                say(session, "soon ");
                if self.pause(Duration::from_millis(number(100))) {
                    return Ok("cancelled");
                }
                return self.turn(id, session, "ask");
            }
            // Asks the client something that is not in ACP; also an elicitation and a file.
            "ext" => {
                let answer = self.request("_ask/colour", &json!({ "sessionId": session, "n": 1 }));
                say(session, &format!("answered {answer}"));
            }
            "elicit" => {
                let answer = self.request("elicitation/create", &json!({ "sessionId": session, "mode": "form", "message": "Name?", "requestedSchema": { "type": "object", "properties": {} } }));
                say(session, &format!("answered {answer}"));
            }
            "file" => {
                let answer = self.request("fs/read_text_file", &json!({ "sessionId": session, "path": "/x" }));
                say(session, &format!("answered {answer}"));
            }
            "notify" => {
                send(&json!({ "jsonrpc": "2.0", "method": "_news", "params": { "sessionId": session, "n": 1 } }))
            }
            // Ignores everything, cancel included.
            "hang" => {
                say(session, "hanging");
                loop {
                    std::thread::park();
                }
            }
            // Reads its stdin no more, and never answers.
            "deaf" => {
                DEAF.store(true, Ordering::Relaxed);
                say(session, "deaf");
                loop {
                    std::thread::park();
                }
            }
            "die" => {
                say(session, "dying");
                std::process::exit(3);
            }
            "crash" => {
                say(session, "crashing");
                eprintln!("the reason is on stderr");
                std::process::abort();
            }
            "fail" => return Err(json!({ "code": 4711, "message": "told to fail", "data": { "n": 1e2 } })),
            "error" => return Err(serde_json::from_str(rest).unwrap_or(Value::Null)),
            // Lines as they are, with the session's id for SESSION and the prompt's for PROMPT.
            "raw" => raw(&rest.replace("SESSION", &session.to_string()).replace("PROMPT", &id.to_string())),
            // Asks with a method and params, and says the answer.
            "request" => {
                let (method, params) = rest.split_once(' ').unwrap_or((rest, "{}"));
                let params = params.replace("SESSION", &session.to_string());
                let answer = self.request(method, &serde_json::from_str(&params).unwrap_or(Value::Null));
                say(session, &format!("answered {answer}"));
            }
            "told" => say(session, &self.told.to_string()),
            "garbage" => {
                for line in [
                    "this is no JSON",
                    "{\"jsonrpc\":\"1.0\"}",
                    "[]",
                    "",
                    "{\"jsonrpc\":\"2.0\",\"id\":999,\"result\":1}",
                ] {
                    raw(line);
                }
                std::io::stdout().write_all(b"\xff\xfe\n").expect("write");
                say(session, "after garbage");
            }
            "stderr" => {
                let line = "e".repeat(1023);
                for _ in 0..number(4096) {
                    eprintln!("{line}");
                }
                say(session, "after stderr");
            }
            // Answers the prompt here and again when the turn is over.
            "twice" => answer(id, &json!({ "stopReason": "end_turn" })),
            // What a relay that decodes would lose.
            "lossless" => raw(&format!(
                r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"zeta":1e2,"sessionId":{session},"update":{{"sessionUpdate":"_later","big":123456789012345678901234567890,"exp":1E+2,"content":[null,"\u00e9"]}},"alpha":{{"b":1,"a":2}}}}}}"#
            )),
            // Half of a surrogate pair.
            "half" => raw(&format!(
                r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":{session},"update":{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"half \ud83d"}}}}}}}}"#
            )),
            // Answers with members that are null, or that must not stand together.
            "nulls" => raw(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":null,"result":{{"stopReason":"refusal"}},"error":null}}"#
            )),
            "both" => {
                raw(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}},"error":{{"code":1,"message":"x"}}}}"#))
            }
            // A chunk, a permission request and an answer of N MiB.
            "huge-chunk" => {
                say(session, &"x".repeat(mib(number(17))));
                say(session, "after it");
            }
            "huge-ask" => {
                let tool = json!({ "toolCallId": "c1", "title": "x".repeat(mib(number(17))) });
                let params = json!({ "sessionId": session, "toolCall": tool, "options": [] });
                let outcome = self.request("session/request_permission", &params);
                say(session, &format!("chosen {outcome}"));
            }
            "huge-end" => {
                let text = "x".repeat(mib(number(17)));
                raw(&format!(r#"{{"jsonrpc":"2.0","result":{{"stopReason":"end_turn","_x":"{text}"}},"id":{id}}}"#));
            }
            "lines" => say(session, &LINES.load(Ordering::Relaxed).to_string()),
            // Runs a command in a terminal that it streams: N lines, a pause of MS between them, and its end.
            "run" => {
                let pause = rest.split(' ').nth(1).and_then(|ms| ms.parse().ok()).unwrap_or(0);
                let call = format!("call-{id}");
                let stream = |key: &str, value: Value| json!({ key: value });
                let info = stream("terminal_info", json!({ "terminal_id": call, "cwd": "/" }));
                update(
                    session,
                    &json!({ "sessionUpdate": "tool_call", "toolCallId": call, "title": "Run it", "kind": "execute",
                    "status": "in_progress", "content": [{ "type": "terminal", "terminalId": call }], "_meta": info }),
                );
                for line in 1..=number(3) {
                    let output = json!({ "terminal_id": call, "data": format!("line {line}\n") });
                    let meta = stream("terminal_output", output);
                    update(session, &json!({ "sessionUpdate": "tool_call_update", "toolCallId": call, "_meta": meta }));
                    if self.pause(Duration::from_millis(pause)) {
                        return Ok("cancelled");
                    }
                }
                let meta = stream("terminal_exit", json!({ "terminal_id": call, "exit_code": 0, "signal": null }));
                let end = json!({ "sessionUpdate": "tool_call_update", "toolCallId": call, "status": "completed", "_meta": meta });
                update(session, &end);
            }
            // Prints N control characters at once, as JSON that is six times as long, with its end in the same message.
            "print" => {
                let data = "\u{1}".repeat(usize::try_from(number(10)).unwrap_or(10));
                let meta = json!({ "terminal_output": { "terminal_id": "much", "data": data } });
                update(
                    session,
                    &json!({ "sessionUpdate": "tool_call", "toolCallId": "much", "title": "Print much",
                    "content": [{ "type": "terminal", "terminalId": "much" }] }),
                );
                update(
                    session,
                    &json!({ "sessionUpdate": "tool_call_update", "toolCallId": "much", "status": "completed",
                    "_meta": meta }),
                );
            }
            "title" => update(session, &json!({ "sessionUpdate": "session_info_update", "title": rest })),
            "settings" => {
                let settings = json!({ "mode": self.mode, "options": self.options, "set": self.set });
                say(session, &settings.to_string());
            }
            "pid" => say(session, &std::process::id().to_string()),
            _ => say(session, rest),
        }
        Ok("end_turn")
    }

    /// Waits, and takes what comes meanwhile; whether the turn was cancelled.
    fn pause(&mut self, time: Duration) -> bool {
        match self.lines.recv_timeout(time) {
            Ok(message) if message["method"] == "session/cancel" => self.cancelled = true,
            Ok(message) => self.handle(&message),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::process::exit(0),
        }
        self.cancelled
    }

    /// Sends a request and waits for its answer; a cancel meanwhile is remembered.
    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let id = json!(format!("ask-{}", self.asked));
        send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let Ok(message) = self.lines.recv() else { std::process::exit(0) };
            if message["id"] == id && message["method"].is_null() {
                return if message["error"].is_null() { message["result"].clone() } else { message["error"].clone() };
            }
            if message["method"] == "session/cancel" {
                self.cancelled = true;
            }
        }
    }
}
