//! Extra steps of the client, where the agent has them: it logs in, looks at sessions, sets things, cancels and closes.

use std::future::pending;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::state::Client;
use crate::mock::answers::{RpcAnswer, lock};

impl Client {
    /// Logs in, and asks for sessions that it may know from before.
    pub(super) async fn looks_around(&self, claimed: &Value, logins: &Value) -> std::io::Result<()> {
        if let Some(login) = logins.as_array().and_then(|logins| logins.first()) {
            let id = if self.breaks.has("AUTH-05") { json!("another") } else { login["id"].clone() };
            self.ask(self.id(5), "authenticate", json!({ "methodId": id })).await?;
        }
        let of = |name: &str| claimed["sessionCapabilities"][name].is_object();
        let known = json!({ "sessionId": "mock-earlier", "cwd": self.directory, "mcpServers": [] });
        if claimed["loadSession"] == true || self.breaks.has("LOAD-01") {
            let mut params = known.clone();
            if self.breaks.has("LOAD-02") {
                params["mcpServers"] = Value::Null;
            }
            self.ask(self.id(9), "session/load", params).await?;
        }
        if of("resume") || self.breaks.has("RESUME-01") {
            let mut params = known.clone();
            if self.breaks.has("RESUME-02") {
                params["cwd"] = Value::Null;
            }
            self.ask(self.id(10), "session/resume", params).await?;
        }
        if of("delete") || self.breaks.has("DELETE-01") {
            self.ask(self.id(11), "session/delete", json!({ "sessionId": "mock-earlier" })).await?;
        }
        if claimed["auth"]["logout"].is_object() || self.breaks.has("AUTH-10") || self.breaks.has("INIT-13") {
            self.ask(self.id(8), "logout", json!({})).await?;
        }
        Ok(())
    }

    /// Asks for a list of sessions and does not wait.
    pub(super) async fn lists(&self, claimed: &Value) -> std::io::Result<Option<oneshot::Receiver<RpcAnswer>>> {
        let listed = claimed["sessionCapabilities"].get("list");
        let null = self.breaks.has("INIT-17") && listed.is_some_and(Value::is_null);
        if null || listed.is_some_and(Value::is_object) || self.breaks.has("LIST-01") {
            let cwd = if self.breaks.has("LIST-05") { json!("here") } else { json!(self.directory) };
            return self.start(self.id(7), "session/list", json!({ "cwd": cwd })).await.map(Some);
        }
        Ok(None)
    }

    /// Sets the last mode, and the last value of the first select.
    pub(super) async fn sets(&self, session: &str, made: &Value) -> std::io::Result<()> {
        if let Some(mode) = made["modes"]["availableModes"].as_array().and_then(|modes| modes.last()) {
            let mode = if self.breaks.has("MODE-07") { json!("nowhere") } else { mode["id"].clone() };
            self.ask(self.id(12), "session/set_mode", json!({ "sessionId": session, "modeId": mode })).await?;
        }
        let options = made["configOptions"].as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(option) = options.iter().find(|option| option["type"] == "select") {
            let last = option["options"].as_array().and_then(|values| values.last()).map(|last| last["value"].clone());
            let value = if self.breaks.has("CONFIG-14") { Some(json!("nothing")) } else { last };
            let params = json!({ "sessionId": session, "configId": option["id"], "value": value });
            self.ask(self.id(13), "session/set_config_option", params).await?;
        }
        Ok(())
    }

    /// Closes its session.
    pub(super) async fn closes(&self, session: &str, claimed: &Value) -> std::io::Result<()> {
        let can = claimed["sessionCapabilities"]["close"].is_object();
        if !can && !self.breaks.has("CLOSE-01") {
            return Ok(());
        }
        let named = if self.breaks.has("CLOSE-02") { json!({}) } else { json!({ "sessionId": session }) };
        self.ask(self.id(14), "session/close", named).await.map(drop)
    }

    /// Takes interrupts by its user for a cancel, until it ends.
    pub(super) async fn interrupts(&self) -> std::io::Result<()> {
        loop {
            tokio::signal::ctrl_c().await?;
            let session = lock(&self.session).clone();
            let Some(session) = session else { pending().await };
            let mut message =
                json!({ "jsonrpc": "2.0", "method": "session/cancel", "params": { "sessionId": session } });
            if self.breaks.has("CANCEL-02") {
                message["id"] = self.id(15);
            }
            self.send(&message).await?;
            self.interrupted.notify_one();
        }
    }
}
