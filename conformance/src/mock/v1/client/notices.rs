//! Notifications of the agent, and lines that are no message.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::state::Client;
use crate::mock::answers::{error, lock};

/// Updates that a broken client falls over.
const FALLS: [(&str, &str); 4] = [
    ("SUB-09", "subagent_update"),
    ("PLAN-10", "plan_removed"),
    ("CURSOR-04", "cursor_update"),
    ("SUGGEST-04", "prompt_suggestions_update"),
];

impl Client {
    /// Answers what is no message.
    pub(super) async fn scold(&self, is_json: bool) -> std::io::Result<()> {
        if self.breaks.has("RPC-14/a") {
            self.over.store(true, Ordering::Relaxed);
            return Ok(());
        }
        self.output.refuse(is_json, &self.breaks).await
    }

    /// A notification of the agent.
    pub(super) async fn told(&self, method: &str, params: &Value) -> std::io::Result<()> {
        let update = &params["update"];
        let kind = update["sessionUpdate"].as_str().unwrap_or_default();
        let falls = (self.breaks.has("PROMPT-20") && kind == "plan")
            || (self.breaks.has("EXT-02") && !update["_meta"].is_null())
            || (self.breaks.has("CANCEL-09") && kind == "tool_call_update")
            || FALLS.iter().any(|(id, of)| self.breaks.has(id) && *of == kind)
            || (self.breaks.has("RPC-14") && params["sessionId"] == "conformance-nobody");
        if falls {
            self.over.store(true, Ordering::Relaxed);
        }
        if self.breaks.has("SUB-10") && kind == "subagent_update" {
            let params = json!({ "sessionId": update["sessionId"] });
            self.send(&json!({ "jsonrpc": "2.0", "method": "session/cancel", "params": params })).await?;
        }
        if method == "$/cancel_request" {
            let id = params["requestId"].to_string();
            let known = lock(&self.waiting).remove(&id);
            let answers_twice = ["CANCEL-17", "CANCEL-17/a"].iter().any(|broken| self.breaks.has(broken));
            if answers_twice && params["requestId"] != "conformance-none" {
                let late =
                    json!({ "jsonrpc": "2.0", "id": params["requestId"], "error": error(-32800, "Request cancelled") });
                self.send(&late).await?;
                self.send(&late).await?;
            } else if let Some(known) = known {
                // It may have been answered this moment.
                let _ = known.send(());
            }
        }
        let scolds = [
            ("RPC-04", "session/update", params["sessionId"] == "conformance-nobody"),
            ("CANCEL-16", "$/conformance", true),
            ("ELICIT-18", "elicitation/complete", true),
            ("EXT-08", "_conformance/note", true),
        ];
        if scolds.iter().any(|(id, of, when)| self.breaks.has(id) && *of == method && *when) {
            self.send(&json!({ "jsonrpc": "2.0", "id": null, "error": error(-32601, "Method not found") })).await?;
        }
        Ok(())
    }
}
