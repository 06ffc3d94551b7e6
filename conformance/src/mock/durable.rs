//! A durable bridge that breaks one promise: what stands between a client and a good one.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::breaks::Breaks;
use super::relay::{Pass, through};
use crate::core::link::{Link, socket};
use crate::prompts::far;

/// Ids of the promises that it can be made to break, each with the others that are about the same thing.
pub(in crate::mock) const BREAKS: &[(&str, &[&str])] = &[
    ("P1", &[]),
    ("P3", &[]),
    ("P4", &["P8"]),
    ("P5", &["P3", "P4"]),
    ("P6", &[]),
    ("P7", &[]),
    ("P8", &[]),
    ("P10", &[]),
    ("P11", &[]),
    ("P12", &[]),
    ("P14", &[]),
];

/// A link to the durable bridge at this `ws://` address that breaks a promise on the way, or none. It ends when the link is
/// dropped.
#[must_use]
pub fn durable(url: &str, breaks: Breaks) -> Link {
    let url = url.to_owned();
    let far = async move { socket::connect(&url).await.ok() };
    through(far, Between { breaks, ..Between::default() })
}

#[derive(Default)]
struct Between {
    breaks: Breaks,
    /// Where the client resumed.
    after: Option<u64>,
    /// The session of the client's last prompt.
    prompted: Option<Value>,
    /// Updates that the client was shown.
    shown: u64,
}

/// Makes every reading of a record another one.
static READING: AtomicU64 = AtomicU64::new(1);

impl Pass for Between {
    fn to_far(&mut self, line: String) -> Vec<String> {
        let Ok(mut message) = acp_server::types::json::from_str::<Value>(&line) else {
            return if self.breaks.has("P12") { Vec::new() } else { vec![line] };
        };
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        match method.as_str() {
            "session/resume" => self.after = message["params"]["_meta"]["acp-bridge"]["after"].as_u64(),
            "session/prompt" => self.prompted = Some(message["params"]["sessionId"].clone()),
            "session/cancel" if self.breaks.has("P5") => return Vec::new(),
            _ => {}
        }
        if self.breaks.has("P14") && method == "session/set_mode" {
            // The agent has that mode already, so that nothing is set again; and nobody is told of it, see `to_near`.
            message["params"]["modeId"] = json!("ask");
            return vec![message.to_string()];
        }
        if self.breaks.has("P6") && method == "session/prompt" {
            message["params"]["_meta"] = Value::Null;
            return vec![message.to_string()];
        }
        vec![line]
    }

    fn to_near(&mut self, line: String) -> Vec<String> {
        let Ok(mut message) = acp_server::types::json::from_str::<Value>(&line) else { return vec![line] };
        let text = message["params"]["update"]["content"]["text"].as_str().unwrap_or_default().to_owned();
        if message["method"] == "session/update" {
            self.shown += 1;
        }
        if self.breaks.has("P14") && message["params"]["update"]["sessionUpdate"] == "current_mode_update" {
            return Vec::new();
        }
        if self.breaks.has("P1") && self.after == Some(0) && text.starts_with("OK") {
            let reading = READING.fetch_add(1, Ordering::Relaxed);
            message["params"]["update"]["content"]["text"] = json!(format!("{text}, {reading}"));
            return vec![message.to_string()];
        }
        let loses = self.breaks.has("P3") && self.after.is_some_and(|after| after > 0) && self.shown == 3;
        if loses && message["method"] == "session/update" {
            return Vec::new();
        }
        if self.breaks.has("P7") && message["method"] == "_acp-bridge/turn_ended" {
            return vec![line.clone(), line];
        }
        if self.breaks.has("P8") && message["method"] == "session/request_permission" && self.prompted.is_none() {
            return Vec::new();
        }
        if self.breaks.has("P10") && self.prompted.is_none() && text == far::piece(50) {
            return Vec::new();
        }
        if self.breaks.has("P11") && text == "raw" {
            return vec![message.to_string()];
        }
        vec![line]
    }

    fn near_left(&mut self) -> Vec<String> {
        match self.prompted.take() {
            Some(session) if self.breaks.has("P4") => {
                let cancel =
                    json!({ "jsonrpc": "2.0", "method": "session/cancel", "params": { "sessionId": session } });
                vec![cancel.to_string()]
            }
            _ => Vec::new(),
        }
    }
}
