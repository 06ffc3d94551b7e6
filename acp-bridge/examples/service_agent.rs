//! An ACP agent that asks for files and commands: the other side of `tests/host_services.rs`. Not an example to follow.
//!
//! A prompt is a JSON array of steps, taken one after the other; what is answered it says as one chunk of JSON.
//! `{"do": METHOD, "with": PARAMS}` asks and waits for the answer. `{"begin": …, "with": …}` asks and does not wait,
//! `{"withdraw": 1}` withdraws what was begun last, `{"end": 1}` waits for its answer. `{"told": 1}` says what the agent
//! was told at `initialize`, `{"say": UPDATE}` says that, `{"rest": 1}` waits for a cancel, `{"exit": CODE}` dies. A terminal that is not named is the
//! last one; `$SECRET` in a text stands for the content of the file that `--secret FILE` names.

#![expect(clippy::exit, reason = "dying in the middle of something is one of the steps")]

use std::io::{BufRead, StdinLock, Write};

use serde_json::{Value, json};

fn main() {
    let flags: Vec<String> = std::env::args().skip(1).collect();
    let secret = match flags.iter().position(|flag| flag == "--secret") {
        Some(at) => std::fs::read_to_string(&flags[at + 1]).expect("read the secret"),
        None => String::new(),
    };
    let mut agent =
        Agent { input: std::io::stdin().lock(), secret, told: json!(null), terminal: json!(null), asked: 0 };
    loop {
        let message = agent.next();
        agent.handle(&message);
    }
}

struct Agent {
    input: StdinLock<'static>,
    secret: String,
    told: Value,
    terminal: Value,
    asked: u64,
}

fn send(message: &Value) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{message}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

impl Agent {
    fn next(&mut self) -> Value {
        let mut line = String::new();
        match self.input.read_line(&mut line) {
            Ok(1..) => serde_json::from_str(&line).expect("JSON"),
            _ => std::process::exit(0),
        }
    }

    fn handle(&mut self, message: &Value) {
        if message["method"].is_null() {
            // The answer to something begun that no step has waited for.
            return;
        }
        let id = &message["id"];
        let result = match message["method"].as_str() {
            Some("initialize") => {
                self.told = message["params"]["clientCapabilities"].clone();
                json!({
                    "protocolVersion": 1,
                    "agentCapabilities": { "sessionCapabilities": { "resume": {} } },
                    "authMethods": [{ "id": "key", "name": "Key" }],
                })
            }
            Some("session/new") => json!({ "sessionId": "mine" }),
            Some("session/prompt") => self.prompt(&message["params"]),
            _ => json!({}),
        };
        if !id.is_null() {
            send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
        }
    }

    fn prompt(&mut self, params: &Value) -> Value {
        let text = params["prompt"][0]["text"].as_str().expect("a text");
        let steps: Vec<Value> = serde_json::from_str(text).expect("steps");
        let session = &params["sessionId"];
        for step in &steps {
            let said = if let Some(method) = step["do"].as_str() {
                self.ask(session, method, &step["with"]);
                self.answer()
            } else if let Some(method) = step["begin"].as_str() {
                self.ask(session, method, &step["with"]);
                continue;
            } else if step["withdraw"] == 1 {
                let params = json!({ "requestId": self.asked });
                send(&json!({ "jsonrpc": "2.0", "method": "$/cancel_request", "params": params }));
                continue;
            } else if step["end"] == 1 {
                self.answer()
            } else if !step["say"].is_null() {
                let params = json!({ "sessionId": session, "update": step["say"] });
                send(&json!({ "jsonrpc": "2.0", "method": "session/update", "params": params }));
                continue;
            } else if step["told"] == 1 {
                self.told.clone()
            } else if step["rest"] == 1 {
                while self.next()["method"] != "session/cancel" {}
                return json!({ "stopReason": "cancelled" });
            } else {
                std::process::exit(step["exit"].as_i64().and_then(|code| code.try_into().ok()).unwrap_or(70));
            };
            let chunk = json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": said.to_string() } });
            let params = json!({ "sessionId": session, "update": chunk });
            send(&json!({ "jsonrpc": "2.0", "method": "session/update", "params": params }));
        }
        json!({ "stopReason": "end_turn" })
    }

    fn ask(&mut self, session: &Value, method: &str, with: &Value) {
        let mut params: Value = serde_json::from_str(&with.to_string().replace("$SECRET", &self.secret)).expect("JSON");
        params["sessionId"] = session.clone();
        if method.starts_with("terminal/") && method != "terminal/create" && params["terminalId"].is_null() {
            params["terminalId"] = self.terminal.clone();
        }
        self.asked += 1;
        send(&json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params }));
    }

    /// The answer to what was asked last. A cancel of the turn meanwhile changes nothing.
    fn answer(&mut self) -> Value {
        loop {
            let message = self.next();
            if message["id"] == self.asked && message["method"].is_null() {
                if let Some(terminal) = message["result"]["terminalId"].as_str() {
                    self.terminal = json!(terminal);
                }
                let answer = if message["error"].is_null() { "result" } else { "error" };
                return message[answer].clone();
            }
        }
    }
}
