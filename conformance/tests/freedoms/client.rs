//! What a good client may do otherwise, done to its lines.

use std::collections::HashMap;
use std::time::Duration;

use conformance::mock::Pass;
use serde_json::{Value, json};

/// What a client does in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Errors have codes and words of its own.
    Codes,
    /// Its ids are strings.
    Strings,
    /// `_meta` on everything.
    Members,
    /// Notifications of its own, and of the protocol's, at any time.
    Notes,
    /// Speaks version 2, too, and asks for that first.
    Second,
    /// `null` where an empty object could be.
    Nulls,
    /// Its lines end as on another system, with empty ones between.
    Lines,
    /// Cancels what it is asked to permit.
    Cancels,
    /// Answers what it is asked to permit with an error.
    Errs,
    /// Takes its time for every answer.
    Slow,
    /// Has no files, no terminals and no forms.
    Bare,
}

use Way::*;

/// The lines of one connection.
pub(crate) struct Free {
    ways: &'static [Way],
    /// Methods of the agent's requests that wait, by id.
    asked: HashMap<String, String>,
    initialized: bool,
}

impl Pass for Free {
    fn to_far(&mut self, line: String) -> Vec<String> {
        let Ok(mut message @ Value::Object(_)) = serde_json::from_str(&line) else { return vec![line] };
        if let (Some(method), Some(id)) = (message["method"].as_str(), message.get("id")) {
            self.asked.insert(id.to_string(), method.to_owned());
        }
        let own = message["id"].as_str().and_then(|id| id.strip_prefix("call ")).map(str::to_owned);
        if let Some(own) = own.filter(|_| self.has(Strings) && message["method"].is_null()) {
            message["id"] = serde_json::from_str(&own).expect("an id");
        }
        self.initialized |= message["result"]["protocolVersion"].is_number();
        vec![message.to_string()]
    }

    fn to_near(&mut self, line: String) -> Vec<String> {
        let message: Value = serde_json::from_str(&line).expect("a good client's line");
        let asked = message["method"].is_null().then(|| self.asked.remove(&message["id"].to_string()));
        let method = asked.flatten().unwrap_or_default();
        let changed = self.ways.iter().fold(message, |message, way| change(*way, message, &method));
        let mut messages = vec![changed];
        if self.has(Notes) && self.initialized {
            messages.push(json!({ "jsonrpc": "2.0", "method": "_free/beat", "params": {} }));
            messages.push(json!({ "jsonrpc": "2.0", "method": "$/free" }));
        }
        let lines = messages.into_iter().map(|message| message.to_string());
        match self.has(Lines) {
            true => lines.flat_map(|line| [String::new(), format!("{line}\r")]).collect(),
            false => lines.collect(),
        }
    }

    fn delay(&self, line: &str) -> Duration {
        let answer = self.has(Slow) && !line.contains("\"method\"");
        if answer { Duration::from_millis(120) } else { Duration::ZERO }
    }
}

impl Free {
    pub(crate) fn new(ways: &'static [Way]) -> Self {
        Self { ways, asked: HashMap::new(), initialized: false }
    }

    fn has(&self, way: Way) -> bool {
        self.ways.contains(&way)
    }
}

/// What becomes of a message of the client; `method` is that of the request that it answers.
fn change(way: Way, mut message: Value, method: &str) -> Value {
    let error =
        |code: i64| json!({ "jsonrpc": "2.0", "id": message["id"], "error": { "code": code, "message": "No." } });
    let result = |result: Value| json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
    let meta = json!({ "free": { "a": [1, null] } });
    match way {
        Codes if message["error"].is_object() && message["error"]["code"] != -32800 => return error(1000),
        Strings if message["method"].is_string() && message["id"].is_number() => {
            message["id"] = json!(format!("call {}", message["id"]));
        }
        Members => {
            for part in ["params", "result"] {
                if let Some(part) = message.get_mut(part).filter(|part| part.is_object()) {
                    part["_meta"] = meta.clone();
                }
            }
        }
        Second if message["method"] == "initialize" => {
            let params = &mut message["params"];
            (params["protocolVersion"], params["info"]) = (json!(2), params["clientInfo"].clone());
            if let Some(params) = params.as_object_mut() {
                params.remove("clientInfo");
            }
        }
        Nulls
            if ["fs/write_text_file", "terminal/kill", "terminal/release"].contains(&method)
                && message["error"].is_null() =>
        {
            return result(Value::Null);
        }
        Cancels if method == "session/request_permission" && message["error"].is_null() => {
            return result(json!({ "outcome": { "outcome": "cancelled" } }));
        }
        Errs if method == "session/request_permission" => return error(-32603),
        Bare if message["method"] == "initialize" => message["params"]["clientCapabilities"] = json!({}),
        Bare if ["fs/", "terminal/", "elicitation/"].iter().any(|of| method.starts_with(of)) => return error(-32601),
        _ => {}
    }
    message
}
