//! `initialize`.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::state::Agent;
use crate::mock::answers::{RpcAnswer, invalid, lock};

impl Agent {
    pub(super) fn initialize(&self, params: &Value) -> RpcAnswer {
        let Some(wanted) = params["protocolVersion"].as_u64() else { return Err(invalid("protocolVersion")) };
        let client = &params["clientCapabilities"];
        *lock(&self.client) = client.clone();
        if self.breaks.has("INIT-11") && client.is_null() {
            return Err(invalid("clientCapabilities"));
        }
        if self.breaks.has("INIT-12") && client["fs"]["readTextFile"] == true {
            return Err(invalid("clientCapabilities"));
        }
        if self.breaks.has("INIT-18") && !client["conformanceCapability"].is_null() {
            return Err(invalid("clientCapabilities"));
        }
        let mut result = json!({
            "protocolVersion": 1,
            "agentCapabilities": {
                "loadSession": true,
                "promptCapabilities": { "image": true, "audio": true, "embeddedContext": true },
                "mcpCapabilities": { "http": true, "sse": true },
                "sessionCapabilities": { "list": {}, "resume": {}, "close": {}, "delete": {}, "additionalDirectories": {},
                    "systemPrompt": {}, "options": {}, "title": {}, "status": {} },
            },
            "agentInfo": { "name": "acp-conformance-mock", "version": env!("CARGO_PKG_VERSION") },
            "authMethods": [{ "id": "key", "name": "API key" }, { "id": "login", "name": "Log in" }],
        });
        if self.breaks.has("WS-06") {
            result["agentCapabilities"]["loadSession"] = json!(false);
            result["agentCapabilities"]["sessionCapabilities"]["resume"] = Value::Null;
        }
        if self.breaks.has("LIST-15") {
            result["agentCapabilities"]["sessionCapabilities"]["additionalDirectories"] = Value::Null;
        }
        if self.breaks.has("INIT-04") {
            result["protocolVersion"] = json!(null);
        }
        if self.breaks.has("INIT-05") {
            result["agentInfo"] = Value::Null;
        }
        if self.breaks.has("INIT-06") {
            result["protocolVersion"] = json!(70_000);
        }
        if self.breaks.has("INIT-08") && wanted == 1 {
            result["protocolVersion"] = json!(0);
        }
        if self.breaks.has("INIT-09") {
            result["protocolVersion"] = json!(wanted);
        }
        if self.breaks.has("AUTH-01") {
            result["authMethods"][1]["id"] = json!("key");
        }
        let terminal = json!({ "type": "terminal", "id": "tui", "name": "Log in in a terminal", "args": ["login"] });
        if (client["auth"]["terminal"] == true || self.breaks.has("AUTH-03"))
            && let Some(methods) = result["authMethods"].as_array_mut()
        {
            methods.push(terminal);
        }
        self.greeted.store(true, Ordering::Relaxed);
        if self.breaks.has("RPC-09") {
            result["agentCapabilities"]["loadSession"] = json!("yes");
        }
        Ok(result)
    }
}
