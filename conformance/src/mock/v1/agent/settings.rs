//! Settings of a session.

use serde_json::{Value, json};

use super::session::{MODELS, MODES};
use super::state::Agent;
use crate::mock::answers::{RpcAnswer, error, invalid, lock};

impl Agent {
    pub(super) fn set_mode(&self, params: &Value) -> RpcAnswer {
        let (id, mut session) = self.known(params)?;
        let mode = params["modeId"].as_str().unwrap_or_default();
        if !MODES.contains(&mode) && !self.breaks.has("MODE-05") {
            return Err(invalid("there is no such mode"));
        }
        if self.breaks.has("MODE-03") && mode == "code" {
            return Err(error(-32603, "not now"));
        }
        if self.breaks.has("MODE-04") && self.is_running(&id) {
            return Err(error(-32603, "not now"));
        }
        if !self.breaks.has("CONFIG-10") {
            mode.clone_into(&mut session.mode);
        }
        let mut options = session.options();
        if self.breaks.has("CONFIG-07") {
            options = json!([options[1]]);
        }
        self.tell_later(&id, &json!({ "sessionUpdate": "config_option_update", "configOptions": options }));
        self.store.with(|all| all.insert(id, session));
        Ok(json!({}))
    }

    pub(super) fn set_option(&self, params: &Value) -> RpcAnswer {
        let (id, mut session) = self.known(params)?;
        let value = params["value"].as_str().unwrap_or_default();
        let choices = match params["configId"].as_str() {
            Some("model") => MODELS,
            Some("mode") => MODES,
            _ if self.breaks.has("CONFIG-09") => MODELS,
            _ => return Err(invalid("there is no such option")),
        };
        if !choices.contains(&value) && !self.breaks.has("CONFIG-09") {
            return Err(invalid("there is no such value"));
        }
        match params["configId"].as_str() {
            Some("mode") => value.clone_into(&mut session.mode),
            _ if !self.breaks.has("CONFIG-06") => value.clone_into(&mut session.model),
            _ => {}
        }
        if self.breaks.has("CONFIG-08") && self.is_running(&id) {
            return Err(error(-32603, "not now"));
        }
        let mode = if self.breaks.has("MODE-06") { "nowhere" } else { session.mode.as_str() };
        self.tell_later(&id, &json!({ "sessionUpdate": "current_mode_update", "currentModeId": mode }));
        let options = session.options();
        self.store.with(|all| all.insert(id, session));
        Ok(json!({ "configOptions": options }))
    }

    fn is_running(&self, session: &str) -> bool {
        lock(&self.here).get(session).is_some_and(Option::is_some)
    }
}
