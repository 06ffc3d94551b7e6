//! System prompts, initial options, and questions about sessions.

use serde_json::{Value, json};

use super::session::{MODELS, MODES, Session};
use super::state::Agent;
use crate::mock::answers::{RpcAnswer, invalid, lock, no_session};

impl Agent {
    /// Takes what a setup request gives a session.
    pub(super) fn set_up(&self, session: &mut Session, params: &Value) -> Result<(), Value> {
        self.instruct(&params["systemPrompt"])?;
        let entries = params["configOptions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let twice = |at: usize, entry: &Value| entries[..at].iter().any(|known| known["configId"] == entry["configId"]);
        if entries.iter().enumerate().any(|(at, entry)| twice(at, entry)) && !self.breaks.has("OPTIONS-06") {
            return Err(invalid("a configId twice"));
        }
        for entry in entries {
            let value = entry["value"].as_str().unwrap_or_default();
            let place = match entry["configId"].as_str() {
                Some("model") if MODELS.contains(&value) => &mut session.model,
                Some("mode") if MODES.contains(&value) => &mut session.mode,
                _ if self.breaks.has("OPTIONS-05") => return Err(invalid("configOptions")),
                _ => continue,
            };
            if !self.breaks.has("OPTIONS-04") {
                value.clone_into(place);
            }
        }
        Ok(())
    }

    fn instruct(&self, prompt: &Value) -> Result<(), Value> {
        if prompt.is_null() {
            return Ok(());
        }
        if self.breaks.has("SYSTEM-01") {
            return Err(invalid("systemPrompt"));
        }
        if prompt["mode"] != "append" && !self.breaks.has("SYSTEM-02") {
            return Err(invalid("the mode of systemPrompt"));
        }
        let is_text = |block: &Value| block["type"] == "text";
        let good = prompt["content"].as_array().is_some_and(|blocks| !blocks.is_empty() && blocks.iter().all(is_text));
        if good || self.breaks.has("SYSTEM-03") { Ok(()) } else { Err(invalid("the content of systemPrompt")) }
    }

    pub(super) async fn options(&self, params: &Value) -> std::io::Result<RpcAnswer> {
        let known = params["sessionId"].as_str().map(|id| (id, self.store.get(id)));
        let session = match known {
            Some((id, None)) if !self.breaks.has("OPTIONS-03") => return Ok(Err(no_session(id))),
            Some((_, Some(session))) => session,
            _ => Session::new(params["cwd"].as_str().unwrap_or_default(), Vec::new()),
        };
        let mut options = session.options();
        if self.breaks.has("OPTIONS-01") {
            options = json!([options[0]]);
        }
        let result = json!({ "modes": session.modes(), "configOptions": options });
        if self.breaks.has("OPTIONS-02") {
            let id = self.store.add(session, false);
            lock(&self.here).insert(id, None);
        }
        Ok(Ok(result))
    }

    pub(super) fn set_title(&self, params: &Value) -> RpcAnswer {
        let known = self.known(params);
        if known.is_err() && self.breaks.has("TITLE-02") {
            return Ok(json!({ "title": params["title"] }));
        }
        let (id, mut session) = known?;
        let title = params["title"].as_str().unwrap_or_default().trim();
        if title.is_empty() {
            return Err(invalid("title"));
        }
        if !self.breaks.has("TITLE-01") {
            session.title = Some(title.to_owned());
        }
        self.store.with(|all| all.insert(id, session));
        Ok(json!({ "title": title }))
    }

    pub(super) async fn status(&self, params: &Value) -> std::io::Result<RpcAnswer> {
        let id = match self.known(params) {
            Ok((id, _)) => id,
            Err(_) if self.breaks.has("STATUS-01") => return Ok(Ok(json!({ "status": "saved" }))),
            Err(error) => return Ok(Err(error)),
        };
        if self.breaks.has("STATUS-03") {
            self.update(&id, json!({ "sessionUpdate": "session_info_update", "title": "Looked at" })).await?;
        }
        let open = lock(&self.here).contains_key(&id) && !self.breaks.has("STATUS-02");
        Ok(Ok(json!({ "status": if open { "open" } else { "saved" } })))
    }
}
