//! What a good agent may do otherwise, done to its lines.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use conformance::mock::Pass;
use conformance::prompts;
use serde_json::{Value, json};

/// What an agent does in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Errors have codes and words of its own.
    Codes,
    /// Its ids are strings.
    Strings,
    /// `null` where an empty object could be.
    Nulls,
    /// `_meta` and `null` members everywhere.
    Members,
    /// Says of its own accord what it likes, at any time, and ends a compaction twice.
    Chatter,
    /// Its lines end as on another system, with empty ones between.
    Lines,
    /// Each character is a chunk.
    Pieces,
    /// Greets before anybody has said anything, and tells a history with other space in it.
    Greeting,
    /// Takes its time for every answer.
    Slow,
    /// Can do nothing beyond the baseline.
    Bare,
    /// Can list and load, and no more.
    Loads,
    /// Can resume, close and delete, and no more.
    Resumes,
    /// Knows nothing of what an earlier process did.
    Forgetful,
    /// Wants a login first.
    Login,
    /// Has another list of options for one of the models.
    Depends,
    /// Uses the id of a question that was not accepted once more.
    OneQuestion,
    /// Keeps its terminals until the session is closed.
    Terminals,
    /// Its model fails.
    Fails,
    /// Its model says a word to everything.
    Idle,
    /// Its model says nothing at all.
    Silent,
    /// Its model gives up counting just when it is stopped.
    GivesUp,
    /// Its model goes another way when one is refused.
    Elsewhere,
}

use Way::*;

/// The lines of one connection.
pub(crate) struct Free {
    ways: &'static [Way],
    /// Methods and params of the client's requests that wait, by id.
    asked: HashMap<String, (String, Value)>,
    /// Calls that permission was asked for, by the id of the request, and those that were refused.
    calls: HashMap<String, Value>,
    refused: HashSet<String>,
    /// Terminals that were not released.
    terminals: HashSet<String>,
    small: bool,
    greeted: bool,
}

impl Pass for Free {
    fn to_far(&mut self, line: String) -> Vec<String> {
        let Ok(mut message @ Value::Object(_)) = serde_json::from_str(&line) else { return vec![line] };
        let answers = message["method"].is_null();
        if self.has(&[Strings]) && answers {
            let own = message["id"].as_str().and_then(|id| id.strip_prefix("question "));
            if let Some(own) = own.and_then(|id| serde_json::from_str::<Value>(id).ok()) {
                message["id"] = own;
            }
        }
        if !answers && !message["id"].is_null() {
            let method = message["method"].as_str().unwrap_or_default().to_owned();
            self.greeted &= method != "session/load";
            self.asked.insert(message["id"].to_string(), (method, message["params"].clone()));
        }
        if let Some(terminal) = message["result"]["terminalId"].as_str() {
            self.terminals.insert(terminal.to_owned());
        }
        if message["id"].as_str().is_some_and(|id| id.starts_with("free ")) {
            return Vec::new();
        }
        if self.has(&[Idle, Silent, Fails]) {
            let blocks = message.pointer_mut("/params/prompt").and_then(Value::as_array_mut).into_iter().flatten();
            for text in blocks.filter_map(|block| block.get_mut("text")) {
                if !text.as_str().is_some_and(|text| text.contains(prompts::REPLY)) {
                    *text = json!(prompts::REPLY);
                }
            }
        }
        if self.has(&[Elsewhere])
            && let Some(call) = self.calls.remove(&message["id"].to_string()).filter(|_| answers)
            && message["result"]["outcome"]["optionId"] != "yes"
        {
            self.refused.extend(call.as_str().map(str::to_owned));
            let chosen = json!({ "outcome": { "outcome": "selected", "optionId": "yes" } });
            message = json!({ "jsonrpc": "2.0", "id": message["id"], "result": chosen });
        }
        vec![message.to_string()]
    }

    fn to_near(&mut self, line: String) -> Vec<String> {
        let message: Value = serde_json::from_str(&line).expect("a good agent's line");
        let asked = message["method"].is_null().then(|| self.asked.remove(&message["id"].to_string()));
        let (method, params) = asked.flatten().unwrap_or_default();
        let mut messages = vec![message];
        for way in self.ways {
            messages = messages.into_iter().flat_map(|message| self.change(*way, message, &method, &params)).collect();
        }
        let lines = messages.into_iter().map(|message| message.to_string());
        match self.has(&[Lines]) {
            true => lines.flat_map(|line| [String::new(), format!("{line}\r")]).collect(),
            false => lines.collect(),
        }
    }

    fn delay(&self, line: &str) -> Duration {
        let answer = self.has(&[Slow]) && !line.contains("\"method\"");
        if answer { Duration::from_millis(120) } else { Duration::ZERO }
    }
}

fn error(message: &Value, code: i64, text: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": message["id"], "error": { "code": code, "message": text } })
}

fn update(session: &Value, update: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": "session/update", "params": { "sessionId": session, "update": update } })
}

fn chunk(session: &Value, text: &str) -> Value {
    update(session, json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": text } }))
}

impl Free {
    pub(crate) fn new(ways: &'static [Way]) -> Self {
        let (asked, calls, refused, terminals) = (HashMap::new(), HashMap::new(), HashSet::new(), HashSet::new());
        Self { ways, asked, calls, refused, terminals, small: true, greeted: false }
    }

    fn has(&self, ways: &[Way]) -> bool {
        self.ways.iter().any(|way| ways.contains(way))
    }

    fn loads(&self) -> bool {
        self.asked.values().any(|(method, _)| method == "session/load")
    }

    /// What becomes of a message of the agent; `method` and `params` are those of the request that it answers.
    fn change(&mut self, way: Way, mut message: Value, method: &str, params: &Value) -> Vec<Value> {
        let session = message["params"]["sessionId"].clone();
        let kind = message["params"]["update"]["sessionUpdate"].as_str().unwrap_or_default().to_owned();
        match way {
            Codes if message["error"].is_object() => return vec![error(&message, 1000, "No.")],
            Strings if message["method"].is_string() && message["id"].is_number() => {
                message["id"] = json!(format!("question {}", message["id"]));
            }
            Strings if message["method"] == "$/cancel_request" => {
                message["params"]["requestId"] = json!(format!("question {}", message["params"]["requestId"]));
            }
            Nulls
                if ["session/load", "session/resume", "session/close", "session/delete", "session/set_mode"]
                    .contains(&method)
                    && message["error"].is_null() =>
            {
                message["result"] = Value::Null;
            }
            Members => members(&mut message, &kind),
            Chatter => return chatter(message, &kind, method, params),
            Pieces if kind == "agent_message_chunk" => {
                let text = message["params"]["update"]["content"]["text"].as_str().unwrap_or_default().to_owned();
                let piece = |letter: char| {
                    let mut piece = message.clone();
                    piece["params"]["update"]["content"]["text"] = json!(letter.to_string());
                    piece
                };
                if text.len() > 1 && text.len() < 1000 {
                    return text.chars().map(piece).collect();
                }
            }
            Greeting if method == "session/new" && message["result"].is_object() => {
                return vec![chunk(&message["result"]["sessionId"], "Welcome."), message];
            }
            Greeting if self.loads() && !kind.is_empty() => {
                let first = (!self.greeted).then(|| chunk(&session, "Welcome."));
                self.greeted = true;
                if let Some(text) = message["params"]["update"]["content"]["text"].as_str() {
                    message["params"]["update"]["content"]["text"] = json!(format!("\n\n{text} "));
                }
                return first.into_iter().chain([message]).collect();
            }
            Bare | Loads | Resumes | Forgetful => return Self::bared(way, message, &kind, method),
            Login if method.starts_with("session/") => return vec![error(&message, -32000, "Log in first.")],
            Login if kind == "available_commands_update" => return Vec::new(),
            Depends => self.depend(&mut message, method, params),
            OneQuestion if message["params"]["elicitationId"].is_string() => {
                message["params"]["elicitationId"] = json!("one");
            }
            Terminals if message["method"] == "terminal/release" => {
                self.terminals.remove(message["params"]["terminalId"].as_str().unwrap_or_default());
            }
            Terminals if method == "session/close" => {
                let release = |terminal: String| {
                    let params = json!({ "sessionId": params["sessionId"], "terminalId": terminal });
                    let id = format!("free {terminal}");
                    json!({ "jsonrpc": "2.0", "id": id, "method": "terminal/release", "params": params })
                };
                return self.terminals.drain().map(release).chain([message]).collect();
            }
            Fails | Silent if kind.starts_with("agent_") && !self.loads() => return Vec::new(),
            Fails if method == "session/prompt" && message["result"].is_object() => {
                return vec![error(&message, -32603, "The model cannot be reached.")];
            }
            GivesUp if message["result"]["stopReason"] == "cancelled" => {
                message["result"]["stopReason"] = json!("end_turn");
            }
            Elsewhere => return self.go_another_way(message, &session),
            _ => {}
        }
        vec![message]
    }

    /// Only some of the capabilities, and no method behind another.
    fn bared(way: Way, mut message: Value, kind: &str, method: &str) -> Vec<Value> {
        let (keeps, loads): (&[&str], bool) = match way {
            Loads => (&["list"], true),
            Resumes => (&["resume", "close", "delete"], false),
            Forgetful => (&["list", "delete"], false),
            _ => (&[], false),
        };
        if method == "initialize" && message["result"].is_object() {
            let sessions: serde_json::Map<_, _> = keeps.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
            message["result"]["agentCapabilities"] = match way {
                Bare => json!({}),
                _ => {
                    json!({ "loadSession": loads, "sessionCapabilities": sessions, "promptCapabilities": { "image": true } })
                }
            };
            message["result"]["authMethods"] = json!([]);
        }
        let gated = ["resume", "close", "delete", "list"]
            .iter()
            .any(|name| method == format!("session/{name}") && !keeps.contains(name));
        if gated || (method == "session/load" && !loads) || (way == Bare && method.starts_with("session/set_")) {
            return vec![error(&message, -32601, "Method not found")];
        }
        if way == Bare {
            if let Some(result) = message.get_mut("result").and_then(Value::as_object_mut) {
                result.remove("modes");
                result.remove("configOptions");
            }
            let extra = ["available_commands_update", "usage_update", "session_info_update", "current_mode_update"];
            if extra.contains(&kind) || kind == "config_option_update" {
                return Vec::new();
            }
        }
        vec![message]
    }

    /// With one of the models there is no choice of a mode by option.
    fn depend(&mut self, message: &mut Value, method: &str, params: &Value) {
        if method == "session/set_config_option" && params["configId"] == "model" && message["error"].is_null() {
            self.small = params["value"] == "small";
        }
        if method == "session/set_config_option" && params["configId"] == "mode" && !self.small {
            *message = error(message, -32602, "There is no such option.");
        }
        for options in ["/result/configOptions", "/params/update/configOptions"] {
            if let Some(options) = message.pointer_mut(options).and_then(Value::as_array_mut) {
                options.retain(|option| self.small || option["id"] != "mode");
            }
        }
    }

    /// What was refused is not done, and another call does it.
    fn go_another_way(&mut self, mut message: Value, session: &Value) -> Vec<Value> {
        if message["method"] == "session/request_permission" {
            self.calls.insert(message["id"].to_string(), message["params"]["toolCall"]["toolCallId"].clone());
        }
        let call = message["params"]["update"]["toolCallId"].as_str().unwrap_or_default().to_owned();
        let other = format!("other-{call}");
        if self.refused.contains(&call) && message["params"]["update"]["sessionUpdate"] == "tool_call_update" {
            message["params"]["update"]["toolCallId"] = json!(other);
            if message["params"]["update"]["status"] == "in_progress" {
                let failed = json!({ "sessionUpdate": "tool_call_update", "toolCallId": call, "status": "failed" });
                let begun = json!({ "sessionUpdate": "tool_call", "toolCallId": other, "title": "Write a file" });
                return vec![update(session, failed), update(session, begun), message];
            }
        }
        vec![message]
    }
}

fn members(message: &mut Value, kind: &str) {
    let meta = json!({ "free": { "a": [1, null] } });
    if message["result"].is_object() {
        message["result"]["_meta"] = meta.clone();
    }
    if message["result"]["agentInfo"].is_object() {
        message["result"]["agentInfo"]["title"] = Value::Null;
    }
    for entry in message.pointer_mut("/result/sessions").and_then(Value::as_array_mut).into_iter().flatten() {
        (entry["title"], entry["updatedAt"], entry["_meta"]) = (Value::Null, Value::Null, meta.clone());
    }
    let Some(params) = message.get_mut("params") else { return };
    params["_meta"] = meta.clone();
    let Some(update) = params.get_mut("update") else { return };
    match kind {
        "tool_call" => (update["rawInput"], update["rawOutput"]) = (Value::Null, json!("text")),
        "tool_call_update" => {
            (update["title"], update["kind"], update["locations"]) = (json!(null), json!(null), json!(null))
        }
        "agent_message_chunk" => {
            (update["content"]["annotations"], update["content"]["_meta"]) = (json!(null), json!(null))
        }
        _ => {}
    }
    if kind != "usage_update" {
        update["_meta"] = meta;
    }
}

fn chatter(message: Value, kind: &str, method: &str, params: &Value) -> Vec<Value> {
    let beat = json!({ "jsonrpc": "2.0", "method": "_free/beat", "params": {} });
    let mut said = vec![beat.clone(), message.clone()];
    if kind == "compaction_update" && message["params"]["update"]["status"] == "completed" {
        said.push(message);
    }
    if method == "session/prompt" && params["sessionId"] != "conformance-no-such-session" {
        let session = &params["sessionId"];
        said.push(update(session, json!({ "sessionUpdate": "usage_update", "used": 1, "size": 2 })));
        said.push(update(session, json!({ "sessionUpdate": "session_info_update", "title": "Still here" })));
        said.push(update(session, json!({ "sessionUpdate": "_free_weather", "sun": true })));
    }
    said.push(beat);
    said
}
