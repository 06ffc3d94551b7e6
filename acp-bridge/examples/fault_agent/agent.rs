//! What the agent is, and what it answers besides prompts.

use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use serde_json::{Value, json};

use crate::wire::{answer, raw, say, send, update};

pub(crate) struct Agent {
    pub(crate) lines: Receiver<Value>,
    pub(crate) no_load: bool,
    pub(crate) resume: bool,
    pub(crate) steer: bool,
    pub(crate) forge: bool,
    pub(crate) future: bool,
    /// The params of `initialize`.
    pub(crate) told: Value,
    /// A turn runs.
    pub(crate) working: bool,
    pub(crate) asked: u64,
    pub(crate) cancelled: bool,
    /// How long it takes to make a session, and whether it says something meanwhile.
    pub(crate) slow: Duration,
    pub(crate) chatty: bool,
    /// It was given a session that it had before, and remembers nothing of it.
    pub(crate) loaded: bool,
    pub(crate) mode: String,
    pub(crate) options: BTreeMap<String, String>,
    /// What it was set, in this order.
    pub(crate) set: Vec<String>,
}

impl Agent {
    pub(crate) fn new(lines: Receiver<Value>, flags: &[String]) -> Self {
        let has = |name: &str| flags.iter().any(|flag| flag == name);
        let slow =
            flags.iter().position(|flag| flag == "--slow-new").map(|at| flags[at + 1].parse().expect("a number"));
        Self {
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
            slow: Duration::from_millis(slow.unwrap_or(0)),
            chatty: has("--chatty"),
            loaded: false,
            mode: "ask".to_owned(),
            options: BTreeMap::new(),
            set: Vec::new(),
        }
    }

    pub(crate) fn handle(&mut self, message: &Value) {
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
    pub(crate) fn take_long(&self) {
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
    pub(crate) fn set(&mut self, id: &Value, what: &str, to: &str) {
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
    pub(crate) fn steer(&self, id: &Value, params: &Value) {
        let text = params["prompt"][0]["text"].as_str().unwrap_or_default();
        if !self.working || text == "echo refuse" {
            return answer(id, &json!({ "outcome": "idle" }));
        }
        answer(id, &json!({ "outcome": "injected" }));
        say(&params["sessionId"], &format!("steered: {text}"));
    }
}
