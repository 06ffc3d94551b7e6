//! Answers of the tester, as an agent, to a client's requests.

use serde_json::{Value, json};

use super::manners::error;

/// An agent's answers, and what it was told. A prompt is not answered: the scenario does that.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Host {
    /// The result of `initialize`.
    pub initialize: Value,
    /// The result of `session/new`.
    pub session: Value,
    /// True if `initialize` waits for the scenario to answer it.
    pub hold_initialize: bool,
    /// True if its answers are wrong on purpose.
    pub amiss: bool,
    /// True if all that comes behind `initialize` waits for the scenario to answer it.
    pub hold_all: bool,
    /// The params of the client's last `initialize`.
    pub introduced: Value,
    /// The params of its last `session/new`.
    pub made: Value,
}

/// The session that [`Host::default`] gives out.
pub const SESSION: &str = "conformance-session";

impl Default for Host {
    fn default() -> Self {
        Self {
            initialize: json!({
                "protocolVersion": 1,
                "agentCapabilities": {},
                "agentInfo": { "name": "acp-conformance", "version": env!("CARGO_PKG_VERSION") },
                "authMethods": [],
            }),
            session: json!({ "sessionId": SESSION }),
            hold_initialize: false,
            amiss: false,
            hold_all: false,
            introduced: Value::Null,
            made: Value::Null,
        }
    }
}

impl Host {
    /// With these capabilities instead of none.
    #[must_use]
    pub fn with(capabilities: Value) -> Self {
        let mut host = Self::default();
        host.initialize["agentCapabilities"] = capabilities;
        host
    }

    /// One of version 2, with these capabilities.
    #[must_use]
    pub fn draft(capabilities: Value) -> Self {
        let info = json!({ "name": "acp-conformance", "version": env!("CARGO_PKG_VERSION") });
        let initialize = json!({ "protocolVersion": 2, "info": info, "capabilities": capabilities });
        Self { initialize, ..Self::default() }
    }

    /// The answer to a request, or `None` if the scenario gives it.
    pub(super) fn answer(&mut self, method: &str, params: &Value) -> Option<Result<Value, Value>> {
        match method {
            _ if self.hold_all && method != "initialize" => None,
            "initialize" => {
                self.introduced = params.clone();
                (!self.hold_initialize).then(|| Ok(self.initialize.clone()))
            }
            "session/new" => {
                self.made = params.clone();
                Some(Ok(self.session.clone()))
            }
            "session/prompt" => None,
            _ => Some(self.other(method, params)),
        }
    }

    /// Answers as an agent with these capabilities does. That something else was asked for is for the checks to
    /// judge.
    fn other(&self, method: &str, params: &Value) -> Result<Value, Value> {
        let claimed = &self.initialize["agentCapabilities"];
        let has = |name: &str| claimed["sessionCapabilities"][name].is_object();
        let absent =
            || json!({ "code": -32002, "message": "Resource not found", "data": { "sessionId": params["sessionId"] } });
        if self.initialize["protocolVersion"] == 2 {
            return match method {
                "session/close" => Ok(json!({})),
                "session/list" => Ok(json!({ "sessions": [] })),
                "session/resume" => Err(absent()),
                _ => Err(error(-32601, "Method not found")),
            };
        }
        match method {
            "authenticate" if self.initialize["authMethods"].as_array().is_some_and(|known| !known.is_empty()) => {
                Ok(json!({}))
            }
            "logout" if claimed["auth"]["logout"].is_object() => Ok(json!({})),
            "session/list" if has("list") => Ok(json!({ "sessions": [] })),
            "session/close" if has("close") => Ok(json!({})),
            "session/delete" if has("delete") => Ok(json!({})),
            "session/resume" if has("resume") => Err(absent()),
            "session/load" if claimed["loadSession"] == true => Err(absent()),
            "session/set_mode" if self.session["modes"].is_object() => Ok(json!({})),
            "session/set_config_option" if self.session["configOptions"].is_array() => {
                Ok(json!({ "configOptions": self.session["configOptions"] }))
            }
            _ => Err(error(-32601, "Method not found")),
        }
    }
}
