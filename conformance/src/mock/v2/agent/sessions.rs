//! Sessions: making, listing, closing and resuming them, and their options.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::session::Session;
use super::state::Agent;
use crate::mock::answers::{RpcAnswer, invalid, lock, no_session};

/// Values of the session's option.
const STYLES: [&str; 2] = ["plain", "fancy"];

/// The skill of a session with a client that takes skills.
pub(super) const SKILL: &str = "tidy";

impl Agent {
    pub(super) fn new_session(&self, params: &Value) -> RpcAnswer {
        let Some(cwd) = params["cwd"].as_str().filter(|cwd| cwd.starts_with('/')) else { return Err(invalid("cwd")) };
        let id = self.id("session");
        let session = Session {
            cwd: cwd.to_owned(),
            active: true,
            history: Vec::new(),
            stop: None,
            running: watch::Sender::new(false),
            style: STYLES[0].to_owned(),
            keys: HashMap::new(),
            background: Vec::new(),
            stoppable: None,
        };
        lock(&self.sessions).insert(id.clone(), session);
        let mut result = self.offered(STYLES[0]);
        result["sessionId"] = json!(id);
        Ok(result)
    }

    /// Options and commands of a session.
    fn offered(&self, style: &str) -> Value {
        let name = if self.breaks.has("V2-25/b") { "say hello" } else { "hello" };
        let command = json!({ "type": "command", "name": name, "description": "Says hello" });
        let mut commands = json!([command]);
        if (self.skills.load(Ordering::Relaxed) || self.breaks.has("V2-34"))
            && let Some(commands) = commands.as_array_mut()
        {
            commands.push(json!({ "type": "skill", "name": SKILL, "description": "Tidies up" }));
        }
        json!({ "configOptions": self.options(style), "availableCommands": commands })
    }

    fn options(&self, style: &str) -> Value {
        let current = if self.breaks.has("V2-25") { "loud" } else { style };
        let values = STYLES.map(|value| json!({ "value": value, "name": value }));
        json!([
            { "type": "select", "configId": "style", "name": "Style", "currentValue": current, "options": values },
            { "type": "boolean", "configId": "brief", "name": "Brief", "currentValue": false },
        ])
    }

    pub(super) fn set_option(&self, params: &Value) -> RpcAnswer {
        let mut sessions = lock(&self.sessions);
        let id = params["sessionId"].as_str().unwrap_or_default();
        let Some(session) = sessions.get_mut(id).filter(|session| session.active) else { return Err(no_session(id)) };
        if params["configId"] == "brief" && params["type"] == "boolean" && params["value"] == false {
            return Ok(json!({ "configOptions": self.options(&session.style) }));
        }
        let value = params["value"].as_str().unwrap_or_default();
        let known = params["configId"] == "style" && params["type"] == "id" && STYLES.contains(&value);
        if !known && self.breaks.has("V2-24/c") {
            return Ok(json!({ "configOptions": self.options(&session.style) }));
        }
        if !known && !self.breaks.has("V2-24/d") {
            return Err(invalid("there is no such option or value"));
        }
        session.style = if known { value } else { STYLES[1] }.to_owned();
        let options = json!({ "configOptions": self.options(&session.style) });
        if known { Ok(options) } else { Err(invalid("there is no such option or value")) }
    }

    pub(super) fn list(&self, params: &Value) -> Value {
        let sessions = lock(&self.sessions);
        let all = params["cwd"].is_null() || self.breaks.has("LIST-04");
        let fits = |session: &Session| all || params["cwd"] == session.cwd;
        let of = |(id, session): (&String, &Session)| json!({ "sessionId": id, "cwd": session.cwd });
        let listed: Vec<Value> = sessions.iter().filter(|(_, session)| fits(session)).map(of).collect();
        let nothing = self.breaks.has("LIST-08") && listed.is_empty();
        json!({ "sessions": if nothing { Value::Null } else { json!(listed) } })
    }

    pub(super) async fn close(&self, params: &Value) -> RpcAnswer {
        let id = params["sessionId"].as_str().unwrap_or_default();
        let mut running = {
            let mut sessions = lock(&self.sessions);
            let Some(session) = sessions.get_mut(id) else { return Err(no_session(id)) };
            session.active = false;
            if self.breaks.has("V2-27/a") && session.stop.is_some() {
                return Ok(json!({}));
            }
            if let Some(stop) = session.stop.take() {
                // The turn may have ended.
                let _ = stop.send(());
            }
            session.running.subscribe()
        };
        // What it ends with has been sent then.
        let _ = running.wait_for(|running| !running).await;
        let ended = lock(&self.sessions).get_mut(id).map(|session| std::mem::take(&mut session.background));
        for (_, command) in ended.unwrap_or_default().iter().filter(|_| !self.breaks.has("V2-27")) {
            command.abort();
        }
        Ok(json!({}))
    }

    pub(super) async fn resume(&self, params: &Value) -> std::io::Result<RpcAnswer> {
        let id = params["sessionId"].as_str().unwrap_or_default();
        let from = &params["replayFrom"];
        if !from.is_null() && from["type"] != "start" && !self.breaks.has("V2-31") {
            return Ok(Err(invalid("replayFrom")));
        }
        let style = {
            let mut sessions = lock(&self.sessions);
            let Some(session) = sessions.get_mut(id) else { return Ok(Err(no_session(id))) };
            session.active = true;
            session.style.clone()
        };
        let replayed = !from.is_null() || self.breaks.has("V2-18");
        if replayed && !self.breaks.has("V2-18/a") {
            self.replay(params).await?;
        }
        if !from.is_null() && !self.breaks.has("V2-30") {
            self.update(id, json!({ "sessionUpdate": "replay_complete" })).await?;
        }
        if !self.breaks.has("V2-19") {
            self.state(id, json!({ "state": "idle" })).await?;
        }
        Ok(Ok(self.offered(&style)))
    }

    /// Tells again what was said in a session.
    pub(super) async fn replay(&self, params: &Value) -> std::io::Result<()> {
        let id = params["sessionId"].as_str().unwrap_or_default();
        let history = lock(&self.sessions).get(id).map(|session| session.history.clone());
        for mut update in history.unwrap_or_default() {
            if self.breaks.has("V2-18/b") && update["sessionUpdate"] == "user_message" {
                update["messageId"] = json!(self.id("again"));
            }
            self.update(id, update).await?;
        }
        Ok(())
    }

    /// Tells of an update that is replayed later.
    pub(super) async fn say(&self, session: &str, update: Value) -> std::io::Result<()> {
        if let Some(session) = lock(&self.sessions).get_mut(session) {
            session.history.push(update.clone());
        }
        self.update(session, update).await
    }

    /// Tells of a state, with the work in the background.
    pub(super) async fn state(&self, session: &str, mut state: Value) -> std::io::Result<()> {
        let terminals: Vec<Value> = {
            let sessions = lock(&self.sessions);
            let open = sessions.get(session).map(|session| session.background.as_slice()).unwrap_or_default();
            open.iter().map(|(id, _)| json!({ "type": "terminal", "terminalId": id })).collect()
        };
        state["sessionUpdate"] = json!("state_update");
        let silent = self.breaks.has("V2-26") && state["state"] == "idle";
        if !silent {
            state["background"] = json!(terminals);
        }
        self.update(session, state).await
    }

    /// Returns whether a session can be prompted.
    pub(super) fn is_active(&self, session: &str) -> bool {
        lock(&self.sessions).get(session).is_some_and(|session| session.active)
    }
}
