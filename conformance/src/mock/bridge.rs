//! A bridge in this process that only passes lines on, or does one thing wrong.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::breaks::Breaks;
use super::relay::{Pass, through};
use crate::core::link::Link;
use crate::prompts::far;

/// Ids of the checks that the bridge can be made to fail, each with the others that are about the same thing.
pub(in crate::mock) const BREAKS: &[(&str, &[&str])] = &[
    ("BRIDGE-01", &[]),
    ("BRIDGE-02", &[]),
    ("BRIDGE-02/a", &[]),
    ("BRIDGE-03", &[]),
    ("BRIDGE-04", &[]),
    ("BRIDGE-05", &[]),
    ("BRIDGE-06", &[]),
    ("BRIDGE-07", &["BRIDGE-01"]),
    ("BRIDGE-08", &[]),
    ("BRIDGE-09", &[]),
    // A shell, in the tests: it takes a process to leave one behind.
    ("BRIDGE-09/a", &[]),
    ("BRIDGE-10", &[]),
    ("BRIDGE-11", &[]),
    ("BRIDGE-12", &[]),
    ("BRIDGE-13", &[]),
    ("BRIDGE-14", &[]),
    ("BRIDGE-15", &[]),
    ("BRIDGE-16", &[]),
];
/// Longer messages are cut by a bridge that loses what is large, in bytes.
const CUT: usize = 256 * 1024;

/// A link to a new bridge in this process, which passes everything on to the agent at the other end of `far`. It ends when
/// the link is dropped.
#[must_use]
pub fn bridged(far: Link, breaks: Breaks) -> Link {
    static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
    let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    through(std::future::ready(Some(far)), Relay { breaks, number, ..Relay::default() })
}

/// State of a bridge.
#[derive(Default)]
struct Relay {
    breaks: Breaks,
    /// Methods of the client's requests that wait, by id.
    open: BTreeMap<String, String>,
    /// The version that the client wanted.
    wanted: Value,
    /// The last update, which a bridge that loses order holds back.
    held: Option<Value>,
    /// The first session of all.
    first: Option<Value>,
    /// Child sessions of this connection, which has a number of its own.
    children: Vec<String>,
    number: u64,
    /// The announcement of a child, which a bridge that loses order holds back.
    announced: Option<String>,
}

impl Pass for Relay {
    fn to_far(&mut self, line: String) -> Vec<String> {
        let line = self.renamed(line, |own, shown, line| line.replace(shown, own));
        let Ok(mut message) = acp_server::types::json::from_str::<Value>(&line) else { return vec![line] };
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        if let (Some(id), false) = (message.get("id"), method.is_empty()) {
            self.open.insert(id.to_string(), method.clone());
        }
        let mut changed = false;
        if method == "initialize" {
            self.wanted = message["params"]["protocolVersion"].clone();
            if self.breaks.has("BRIDGE-14") {
                message["params"]["clientCapabilities"]["subagents"] = json!({});
                changed = true;
            }
            if self.breaks.has("BRIDGE-07") {
                message["params"]["clientCapabilities"] = json!({ "fs": { "readTextFile": true } });
                changed = true;
            }
        }
        if self.breaks.has("BRIDGE-03") && message["params"]["_meta"].is_object() {
            message["params"]["_meta"] = Value::Null;
            changed = true;
        }
        if self.breaks.has("BRIDGE-02/a") && method.is_empty() {
            // Keeps the agent's ids as numbers.
            if let Some(number) = message["id"].as_str().and_then(|id| id.parse::<u64>().ok()) {
                message["id"] = json!(number);
                changed = true;
            }
        }
        let of_child = |session: &str| self.children.iter().any(|child| child == session);
        if self.breaks.has("BRIDGE-15")
            && method == "session/cancel"
            && message["params"]["sessionId"].as_str().is_some_and(of_child)
        {
            return Vec::new();
        }
        if self.breaks.has("BRIDGE-06") && method == "$/cancel_request" {
            return Vec::new();
        }
        vec![if changed { message.to_string() } else { line }]
    }

    fn to_near(&mut self, line: String) -> Vec<String> {
        let Ok(mut message) = acp_server::types::json::from_str::<Value>(&line) else { return vec![line] };
        let answers = message.get("method").is_none();
        let asked = if answers { self.open.remove(&message["id"].to_string()) } else { None };
        let before = message.clone();
        let update = message["method"] == "session/update";
        if update && message["params"]["update"]["sessionUpdate"] == "subagent_update" {
            let child = message["params"]["update"]["sessionId"].as_str().unwrap_or_default().to_owned();
            if !self.children.contains(&child) {
                self.children.push(child);
                if self.breaks.has("BRIDGE-12") {
                    self.announced = Some(line);
                    return Vec::new();
                }
            }
        }
        if let Some(announced) = self.announced.take() {
            return vec![line, announced];
        }
        if self.breaks.has("BRIDGE-16") && asked.as_deref() == Some("session/list") {
            let children = self.children.iter().map(|child| json!({ "sessionId": child, "cwd": "/" }));
            message["result"]["sessions"] = children.collect();
        }
        if self.breaks.has("BRIDGE-01") && message["params"]["update"]["sessionUpdate"] == "plan" {
            return Vec::new();
        }
        if self.breaks.has("BRIDGE-02") && answers && message["id"].is_string() {
            message["id"] = json!(message["id"].as_str().and_then(|id| id.parse::<u64>().ok()).unwrap_or(0));
        }
        if self.breaks.has("BRIDGE-05") && message["error"]["code"] == 4711 {
            message["error"]["code"] = json!(-32603);
        }
        if self.breaks.has("BRIDGE-08") && asked.as_deref() == Some("initialize") {
            message["result"]["protocolVersion"] = self.wanted.clone();
        }
        if self.breaks.has("BRIDGE-10") && update {
            let session = &mut message["params"]["sessionId"];
            *session = self.first.get_or_insert_with(|| session.clone()).clone();
        }
        if self.breaks.has("BRIDGE-11") && update && line.len() > CUT {
            let text = message["params"]["update"]["content"]["text"].as_str().map(|text| text[..CUT / 2].to_owned());
            message["params"]["update"]["content"]["text"] = json!(text);
        }
        if self.breaks.has("BRIDGE-04") {
            return self.out_of_order(message, update);
        }
        let line = if message == before { line } else { message.to_string() };
        vec![self.renamed(line, |own, shown, line| line.replace(own, shown))]
    }

    fn far_left(&mut self) -> Option<Vec<String>> {
        if self.breaks.has("BRIDGE-09") {
            return None;
        }
        let error = json!({ "code": -32603, "message": "the agent is gone" });
        let ids = self.open.keys().filter_map(|id| acp_server::types::json::from_str::<Value>(id).ok());
        Some(ids.map(|id| json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()).collect())
    }
}

impl Relay {
    /// A bridge that forgets the ids of children gives them others on each connection.
    fn renamed(&self, line: String, rename: fn(&str, &str, &str) -> String) -> String {
        if !self.breaks.has("BRIDGE-13") {
            return line;
        }
        let quoted = |name: &str| json!(name).to_string();
        self.children
            .iter()
            .fold(line, |line, child| rename(&quoted(child), &quoted(&format!("{child} of {}", self.number)), &line))
    }

    /// Holds one number back until the turn has ended.
    fn out_of_order(&mut self, message: Value, update: bool) -> Vec<String> {
        let last = format!("{}\n", far::COUNT);
        if update && message["params"]["update"]["content"]["text"] == last.as_str() {
            self.held = Some(message);
            return Vec::new();
        }
        let held = if update { None } else { self.held.take() };
        std::iter::once(message).chain(held).map(|message| message.to_string()).collect()
    }
}
