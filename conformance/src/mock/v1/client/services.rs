//! Requests of the agent to the client.

use serde_json::{Value, json};

use super::state::Client;
use crate::mock::answers::{RpcAnswer, error, invalid, no_method};

impl Client {
    /// The answer, or `None` if there is none.
    pub(super) async fn serve(&self, method: &str, params: &Value) -> Option<RpcAnswer> {
        Some(match method {
            "session/request_permission" if params["toolCall"]["title"] == crate::prompts::INTERRUPTED => {
                self.interrupted.notified().await;
                // For whoever waits besides.
                self.interrupted.notify_one();
                match self.breaks.has("CANCEL-04") {
                    true => self.permission(params),
                    false => Ok(json!({ "outcome": { "outcome": "cancelled" } })),
                }
            }
            "session/request_permission" => self.permission(params),
            "elicitation/create" => self.elicitation(params),
            "fs/read_text_file" => self.read_file(params),
            "fs/write_text_file" => self.write_file(params),
            "_conformance/ping" if self.breaks.has("EXT-06") => return None,
            "_conformance/ping" if self.breaks.has("EXT-07") => Ok(json!({})),
            "session/nonesuch" if self.breaks.has("ERR-04") => Ok(json!({})),
            _ if method.starts_with("terminal/") => self.terminal(method, params).await,
            _ => Err(no_method()),
        })
    }

    fn permission(&self, params: &Value) -> RpcAnswer {
        let of_child = params["sessionId"].as_str().is_some_and(|session| session.ends_with("-child"));
        if self.breaks.has("INIT-20") || (self.breaks.has("SUB-11") && of_child) {
            return Err(no_method());
        }
        let Some(options) = params["options"].as_array().filter(|_| params["toolCall"].is_object()) else {
            if self.breaks.has("ERR-05") {
                return Ok(json!({ "outcome": { "outcome": "selected", "optionId": "allow" } }));
            }
            return Err(invalid("toolCall and options"));
        };
        let mut chosen =
            options.iter().find(|option| option["kind"] == "allow_once").map(|option| option["optionId"].clone());
        if self.breaks.has("PERM-05") {
            chosen = Some(json!("allow"));
        }
        if self.breaks.has("PERM-13") && chosen.as_ref().is_some_and(|id| id == "1-a") {
            chosen = Some(json!("2-a"));
        }
        Ok(match chosen {
            Some(id) => json!({ "outcome": { "outcome": "selected", "optionId": id } }),
            None => json!({ "outcome": { "outcome": "cancelled" } }),
        })
    }

    /// Only forms, of which nobody fills in more than is filled in already.
    fn elicitation(&self, params: &Value) -> RpcAnswer {
        let color = &params["requestedSchema"]["properties"]["color"]["default"];
        match params["mode"].as_str() {
            Some("form") if self.breaks.has("ELICIT-12") => Ok(json!({ "action": "ok" })),
            Some("form") if self.breaks.has("ELICIT-13") => {
                Ok(json!({ "action": "accept", "content": { "color": "green" } }))
            }
            Some("form") if color.is_string() => Ok(json!({ "action": "accept", "content": { "color": color } })),
            Some("form") => Ok(json!({ "action": "decline" })),
            Some("url") if self.breaks.has("ELICIT-19") => Ok(json!({ "action": "accept" })),
            Some("_conformance") if self.breaks.has("ELICIT-25") => Ok(json!({ "action": "accept" })),
            _ => Err(error(-32602, "Invalid params: mode")),
        }
    }
}
