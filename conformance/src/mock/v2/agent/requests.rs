//! `initialize`, and which request is answered by what.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::state::Agent;
use crate::mock::answers::{RpcAnswer, error, invalid};

impl Agent {
    pub(super) async fn request(&self, method: &str, params: &Value) -> std::io::Result<RpcAnswer> {
        let early = method != "initialize" && !self.begun.load(Ordering::Relaxed);
        if early && !self.breaks.has("V2-24/b") {
            return Ok(Err(error(-32600, "Invalid Request: initialize comes first")));
        }
        Ok(match method {
            "initialize" => self.initialize(params),
            "auth/login" if self.breaks.has("V2-03") => Err(error(-32601, "Method not found")),
            "auth/login" => Err(invalid("there is no such method")),
            "auth/logout" => Ok(json!({})),
            "session/new" => self.new_session(params),
            "session/list" if self.breaks.has("V2-02") => Err(error(-32601, "Method not found")),
            "session/list" if self.breaks.has("LIST-03") && params["cwd"].is_null() => Err(invalid("cwd")),
            "session/list" => Ok(self.list(params)),
            "_conformance/ping" if self.breaks.has("EXT-07") => Ok(json!({})),
            "session/resume" => self.resume(params).await?,
            "session/close" => self.close(params).await,
            "session/set_config_option" => self.set_option(params),
            "tool_call/cancel" => self.cancel_call(params),
            _ if self.breaks.has("V2-24") => Ok(json!({})),
            _ => Err(error(-32601, "Method not found")),
        })
    }

    fn initialize(&self, params: &Value) -> RpcAnswer {
        let Some(wanted) = params["protocolVersion"].as_u64() else { return Err(invalid("protocolVersion")) };
        if wanted < 2 {
            let data = json!({ "requested": wanted, "supported": [2] });
            return Err(json!({ "code": -32022, "message": "Unsupported protocol version", "data": data }));
        }
        self.begun.store(true, Ordering::Relaxed);
        let mut result = json!({
            "protocolVersion": 2,
            "info": { "name": "acp-conformance-mock", "version": env!("CARGO_PKG_VERSION") },
            "capabilities": { "session": { "prompt": {}, "mcp": { "stdio": {} } } },
            "authMethods": [{ "type": "agent", "methodId": "key", "name": "API key" }],
        });
        if params["capabilities"]["session"]["commands"]["skill"].is_object() {
            self.skills.store(true, Ordering::Relaxed);
            result["capabilities"]["session"]["prompt"]["skill"] = json!({});
        }
        if self.breaks.has("INIT-09") {
            result["protocolVersion"] = json!(wanted);
        }
        if self.breaks.has("V2-01") {
            result["agentInfo"] = result["info"].take();
        }
        if self.breaks.has("RPC-09") {
            result["capabilities"]["auth"] = json!("yes");
        }
        if self.breaks.has("V2-04") {
            let method = &mut result["authMethods"][0];
            method["id"] = method["methodId"].take();
        }
        Ok(result)
    }
}
