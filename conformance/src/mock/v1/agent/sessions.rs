//! Sessions: made, found again, listed, closed, deleted, and their modes and options.

use serde_json::{Value, json};

use super::session::Session;
use super::state::Agent;
use crate::mock::answers::{RpcAnswer, error, invalid, lock, no_session};

/// Sessions of a page of `session/list`.
const PAGE: usize = 3;

impl Agent {
    fn state(&self, session: &Session) -> Value {
        let mut options = session.options();
        if self.breaks.has("CONFIG-02") {
            options[0]["name"] = Value::Null;
        }
        if self.breaks.has("CONFIG-03") {
            options[1]["id"] = json!("model");
        }
        if self.breaks.has("CONFIG-04") {
            options[0]["currentValue"] = json!("huge");
        }
        if self.breaks.has("CONFIG-12") {
            options[1]["category"] = json!("shape");
        }
        if self.breaks.has("CONFIG-05")
            && let Some(options) = options.as_array_mut()
        {
            options.push(json!({ "id": "think", "name": "Think", "type": "boolean", "currentValue": true }));
        }
        let mut modes = session.modes();
        if self.breaks.has("MODE-02") {
            modes["currentModeId"] = json!("nowhere");
        }
        json!({ "modes": modes, "configOptions": options })
    }

    pub(super) async fn new_session(&self, params: &Value) -> std::io::Result<RpcAnswer> {
        let Some(cwd) = params["cwd"].as_str() else {
            let lax = self.breaks.has("ERR-05");
            return Ok(if lax { Ok(json!({ "sessionId": "lax" })) } else { Err(invalid("cwd")) });
        };
        if !cwd.starts_with('/') && !self.breaks.has("SESS-23") {
            return Ok(Err(invalid("cwd is not absolute")));
        }
        let roots = match self.roots(params) {
            Ok(roots) => roots,
            Err(error) => return Ok(Err(error)),
        };
        let mut session = Session::new(cwd, roots);
        if let Err(error) = self.set_up(&mut session, params) {
            return Ok(Err(error));
        }
        let mut result = self.state(&session);
        let id = self.store.add(session, self.breaks.has("SESS-03"));
        if self.breaks.has("SESS-21") {
            lock(&self.here).clear();
        }
        lock(&self.here).insert(id.clone(), None);
        result["sessionId"] = json!(id);
        self.connect(&id, &params["mcpServers"]).await;
        let mut commands =
            json!([{ "name": "help", "description": "Says what it can do", "input": { "hint": "what" } }]);
        if self.breaks.has("CMD-02") {
            commands[0]["description"] = Value::Null;
        }
        if self.breaks.has("CMD-03") {
            commands[0]["name"] = json!("/help");
        }
        self.update(&id, json!({ "sessionUpdate": "available_commands_update", "availableCommands": commands }))
            .await?;
        Ok(Ok(result))
    }

    pub(super) fn known(&self, params: &Value) -> Result<(String, Session), Value> {
        let id = params["sessionId"].as_str().unwrap_or_default();
        let found = self.store.get(id);
        found.map(|session| (id.to_owned(), session)).ok_or_else(|| no_session(id))
    }

    pub(super) async fn load(&self, params: &Value) -> std::io::Result<RpcAnswer> {
        let (id, session) = match self.known(params) {
            Ok(found) => found,
            Err(_) if self.breaks.has("LOAD-10") => return Ok(Ok(json!({}))),
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = self.reopen(&id, params) {
            return Ok(Err(error));
        }
        let mut said = session.said.clone();
        if self.breaks.has("NOTICE-03") && self.client_has(&["session", "notices"]) {
            said.push(json!({ "sessionUpdate": "notice", "severity": "warning", "title": "Look out" }));
        }
        if self.breaks.has("LOAD-03") {
            said.retain(|update| update["sessionUpdate"] != "user_message_chunk");
        }
        let late = if self.breaks.has("LOAD-04") { said.last().cloned() } else { None };
        let called = if self.breaks.has("LOAD-05") { "another" } else { id.as_str() };
        if self.breaks.has("SUGGEST-03") {
            said.push(Self::suggestions("Thank you."));
        }
        self.replay(called, said).await?;
        if !self.breaks.has("LOAD-08") {
            self.connect(&id, &params["mcpServers"]).await;
        }
        if !self.breaks.has("LOAD-07") {
            lock(&self.here).insert(id.clone(), None);
        }
        if let Some(late) = late {
            // Behind the answer, which is written by whoever called.
            let params = json!({ "sessionId": id, "update": late });
            let message = json!({ "jsonrpc": "2.0", "method": "session/update", "params": params });
            lock(&self.late).push(message);
        }
        Ok(Ok(self.state(&session)))
    }

    pub(super) async fn resume(&self, params: &Value) -> std::io::Result<RpcAnswer> {
        let (id, session) = match self.known(params) {
            Ok(found) => found,
            Err(_) if self.breaks.has("RESUME-07") => return Ok(Ok(json!({}))),
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = self.reopen(&id, params) {
            return Ok(Err(error));
        }
        if self.breaks.has("RESUME-03") {
            for update in session.said.clone() {
                self.update(&id, update).await?;
            }
        }
        self.connect(&id, &params["mcpServers"]).await;
        if !self.breaks.has("RESUME-04") {
            lock(&self.here).insert(id, None);
        }
        Ok(Ok(if self.breaks.has("RESUME-06") { Value::Null } else { self.state(&session) }))
    }

    pub(super) fn list(&self, params: &Value) -> RpcAnswer {
        let from = match params["cursor"].as_str() {
            None => 0,
            Some(cursor) => match cursor.strip_prefix("from-").and_then(|from| from.parse::<usize>().ok()) {
                Some(from) => from,
                None if self.breaks.has("LIST-11") => 0,
                None => return Err(invalid("cursor")),
            },
        };
        let wanted = params["cwd"].as_str().filter(|_| !self.breaks.has("LIST-04"));
        let all = self.store.with(|all| all.clone());
        let of_cwd = all.iter().filter(|(_, session)| wanted.is_none_or(|cwd| session.cwd == cwd));
        let entries: Vec<Value> = of_cwd
            .map(|(id, session)| {
                let cwd = if self.breaks.has("LIST-07") { "here" } else { session.cwd.as_str() };
                let updated = if self.breaks.has("LIST-17") { "yesterday" } else { "2026-11-25T12:00:00Z" };
                let title = session.title.as_ref().unwrap_or(id);
                let mut entry = json!({ "sessionId": id, "cwd": cwd, "title": title, "updatedAt": updated });
                if self.breaks.has("LIST-15") {
                    entry["additionalDirectories"] = json!(["/other"]);
                }
                entry
            })
            .collect();
        if self.breaks.has("LIST-14") {
            // Opens what it lists.
            for (id, session) in &all {
                session.said.iter().for_each(|update| self.tell_later(id, update));
            }
        }
        if entries.is_empty() && self.breaks.has("LIST-08") {
            return Err(error(-32002, "there are none"));
        }
        let step = if self.breaks.has("LIST-13") { 0 } else { PAGE };
        let page: Vec<&Value> = entries.iter().skip(from).take(PAGE).collect();
        let mut result = json!({ "sessions": page });
        if entries.len() > from + PAGE {
            result["nextCursor"] = json!(format!("from-{}", from + step));
        }
        if self.breaks.has("LIST-06") {
            result["sessions"] = Value::Null;
        }
        if self.breaks.has("LIST-03") && params.get("cwd").is_none() {
            return Err(invalid("cwd"));
        }
        Ok(result)
    }

    pub(super) async fn close(&self, params: &Value) -> RpcAnswer {
        let (id, _) = self.known(params)?;
        if !self.breaks.has("CLOSE-04") {
            self.servers.lock().await.remove(&id);
        }
        let running = lock(&self.here).remove(&id);
        if self.breaks.has("CLOSE-03") {
            // The turn goes on.
            lock(&self.forgotten).extend(running.flatten());
        } else if let Some(Some(stop)) = running {
            // Its turn may just have ended.
            let _ = stop.send(());
        }
        if self.breaks.has("CLOSE-07") {
            lock(&self.here).insert(id, None);
        }
        Ok(if self.breaks.has("CLOSE-05") { json!(true) } else { json!({}) })
    }

    pub(super) fn delete(&self, params: &Value) -> RpcAnswer {
        let id = params["sessionId"].as_str().unwrap_or_default();
        let known = self.store.get(id).is_some();
        if !known && self.breaks.has("DELETE-04") {
            return Err(no_session(id));
        }
        if !self.breaks.has("DELETE-03") {
            self.store.with(|all| all.remove(id));
        }
        lock(&self.here).remove(id);
        Ok(if self.breaks.has("DELETE-02") { json!(true) } else { json!({}) })
    }

    /// An update behind the next answer.
    pub(super) fn tell_later(&self, session: &str, update: &Value) {
        let params = json!({ "sessionId": session, "update": update });
        lock(&self.late).push(json!({ "jsonrpc": "2.0", "method": "session/update", "params": params }));
    }
}
