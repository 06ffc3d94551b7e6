//! Files, commands and questions, through the client where it has them.

use std::path::Path;

use serde_json::{Value, json};

use super::course::{TurnCourse, TurnStep};
use super::state::Agent;
use crate::mock::answers::{RpcAnswer, error, lock};
use crate::prompts;

/// Colors that the user may like.
const COLORS: [&str; 2] = ["red", "blue"];

fn gone<E>(_: E) -> Value {
    error(-32603, "the client is gone")
}

impl Agent {
    /// Returns whether the client has this.
    pub(super) fn client_has(&self, path: &[&str]) -> bool {
        let client = lock(&self.client);
        let value = path.iter().fold(&*client, |value, name| &value[*name]);
        !value.is_null() && value != &Value::Bool(false)
    }

    /// Does what the sentence asks for, if it is about one of these.
    pub(super) async fn service(&self, session: &str, text: &str) -> Option<TurnStep> {
        Some(match text {
            text if text.contains(prompts::READ) => self.read_file(session, false).await,
            text if text.contains(prompts::READ_BESIDE) => self.read_file(session, true).await,
            text if text.contains(prompts::WRITE) => self.write_file(session).await,
            text if text.contains(prompts::TERMINAL) => self.command(session).await,
            text if text.contains(prompts::QUESTION) => self.question(session).await,
            text if text.contains(prompts::MCP) => self.call_server(session).await,
            _ => return None,
        })
    }

    /// A request to the client; one that is gone is an error.
    async fn request_of(&self, method: &str, params: Value) -> RpcAnswer {
        self.ask(method, params).await.map_err(gone)?.ok_or_else(|| gone(())).and_then(|outcome| outcome)
    }

    /// Reports a call, and gives out its id.
    async fn begin(&self, session: &str, kind: &str, path: Option<&str>) -> Result<String, Value> {
        let id = if self.breaks.has("TOOL-03") { kind.to_owned() } else { Self::id(kind) };
        let mut call =
            json!({ "sessionUpdate": "tool_call", "toolCallId": id, "title": kind, "kind": kind, "status": "pending" });
        if let Some(path) = path {
            let relative = self.breaks.has("RPC-11") || self.breaks.has("TOOL-12");
            let line = u64::from(!self.breaks.has("RPC-12"));
            call["locations"] = json!([{ "path": if relative { prompts::INPUT } else { path }, "line": line }]);
        }
        for (id, member, value) in [
            ("TOOL-02", "title", Value::Null),
            ("TOOL-04", "kind", json!("juggle")),
            ("TOOL-05", "status", json!("waiting")),
        ] {
            if self.breaks.has(id) {
                call[member] = value;
            }
        }
        if !self.breaks.has("TOOL-01") {
            self.say(session, call).await?;
        }
        Ok(id)
    }

    async fn end(&self, session: &str, id: &str, good: bool, content: Value) -> Result<(), Value> {
        let status = if good { "completed" } else { "failed" };
        let mut update =
            json!({ "sessionUpdate": "tool_call_update", "toolCallId": id, "status": status, "content": content });
        if self.breaks.has("TOOL-06") {
            update["toolCallId"] = json!("ghost");
        }
        if self.breaks.has("TOOL-09") {
            update["content"] = json!([{ "type": "picture" }]);
        }
        if self.breaks.has("TOOL-08") {
            let nameless = json!({ "sessionUpdate": "tool_call_update", "status": "in_progress" });
            self.say(session, nameless).await?;
        }
        if self.breaks.has("TOOL-01") || (self.breaks.has("PROMPT-18") && id.starts_with("execute")) {
            return Ok(());
        }
        self.say(session, update).await?;
        if self.breaks.has("TOOL-07") {
            let again = json!({ "sessionUpdate": "tool_call_update", "toolCallId": id, "status": "in_progress" });
            self.say(session, again).await?;
        }
        Ok(())
    }

    pub(super) fn path(&self, session: &str, name: &str) -> String {
        let session = self.store.get(session);
        let cwd = match &session {
            Some(session) if self.breaks.has("SESS-06") && name == prompts::NOTE => {
                session.roots.first().unwrap_or(&session.cwd).clone()
            }
            Some(session) => session.cwd.clone(),
            None => String::new(),
        };
        Path::new(&cwd).join(name).display().to_string()
    }

    async fn read_file(&self, session: &str, beside: bool) -> TurnStep {
        let path = self.input(session, beside);
        let id = self.begin(session, "read", Some(&path)).await?;
        let text = if !self.is_below_a_root(session, &path) {
            None
        } else if self.client_has(&["fs", "readTextFile"]) || self.breaks.has("FS-01") {
            let path = if self.breaks.has("FS-02") { prompts::INPUT } else { &path };
            let params = json!({ "sessionId": session, "path": path, "line": 1 });
            let read = self.request_of("fs/read_text_file", params).await;
            if read.is_err() && self.breaks.has("FS-10") {
                std::future::pending::<()>().await;
            }
            read.ok().and_then(|read| read["content"].as_str().map(str::to_owned))
        } else {
            std::fs::read_to_string(&path).ok()
        };
        let content =
            json!([{ "type": "content", "content": { "type": "text", "text": text.as_deref().unwrap_or("no") } }]);
        self.end(session, &id, text.is_some(), content).await?;
        let said = if self.breaks.has("PROMPT-14") { None } else { text };
        self.chunk(session, &Self::id("message"), said.as_deref().unwrap_or("I cannot say.")).await?;
        Ok(TurnCourse::On)
    }

    async fn write_file(&self, session: &str) -> TurnStep {
        let path = self.path(session, prompts::NOTE);
        let id = self.begin(session, "edit", Some(&path)).await?;
        if self.client_has(&["fs", "writeTextFile"]) {
            let params = json!({ "sessionId": session, "path": path, "content": "noted\n" });
            let wrote = self.request_of("fs/write_text_file", params).await?;
            if wrote.is_null() && self.breaks.has("FS-08") {
                return Err(error(-32603, "an answer that is none"));
            }
        } else {
            std::fs::write(&path, "noted\n").map_err(|failure| error(-32603, &failure.to_string()))?;
        }
        let mut diff = json!({ "type": "diff", "path": path, "oldText": null, "newText": "noted\n" });
        if self.breaks.has("TOOL-10") {
            diff["newText"] = Value::Null;
        }
        self.end(session, &id, true, json!([diff])).await?;
        Ok(TurnCourse::On)
    }

    async fn command(&self, session: &str) -> TurnStep {
        let id = self.begin(session, "execute", None).await?;
        if !self.client_has(&["terminal"]) && !self.breaks.has("TERM-01") {
            self.strays(session).await?;
            let content = json!([{ "type": "content", "content": { "type": "text", "text": "conformance-echo\n" } }]);
            self.end(session, &id, true, content).await?;
            return Ok(TurnCourse::On);
        }
        let first = self.terminal(session).await?;
        let shown = if self.breaks.has("TOOL-11") { json!("nonesuch") } else { first.clone() };
        let content = json!([{ "type": "terminal", "terminalId": shown }]);
        let update = json!({ "sessionUpdate": "tool_call_update", "toolCallId": id, "content": content });
        self.say(session, update).await?;
        let of = |terminal: &Value| json!({ "sessionId": session, "terminalId": terminal });
        for method in ["terminal/wait_for_exit", "terminal/output", "terminal/release"] {
            if method != "terminal/release" || !self.breaks.has("TERM-06") {
                // What it answers changes nothing here.
                let _ = self.request_of(method, of(&first)).await;
            }
        }
        if self.breaks.has("TERM-17") {
            let _ = self.request_of("terminal/output", of(&first)).await;
        }
        let second = self.terminal(session).await?;
        let _ = self.request_of("terminal/kill", of(&second)).await;
        if !self.breaks.has("TERM-13") {
            let _ = self.request_of("terminal/release", of(&second)).await;
        }
        self.end(session, &id, true, content).await?;
        Ok(TurnCourse::On)
    }

    async fn terminal(&self, session: &str) -> Result<Value, Value> {
        let cwd = self.store.get(session).map(|session| session.cwd).unwrap_or_default();
        let mut env = json!([{ "name": "CONFORMANCE", "value": "yes" }]);
        if self.breaks.has("TERM-02") {
            env = json!({ "CONFORMANCE": "yes" });
        }
        let params = json!({
            "sessionId": session, "command": "echo", "args": ["conformance-echo"], "cwd": cwd, "env": env,
        });
        let made = self.request_of("terminal/create", params).await;
        Ok(made.map(|made| made["terminalId"].clone()).unwrap_or_default())
    }

    async fn question(&self, session: &str) -> TurnStep {
        let form = self.client_has(&["elicitation", "form"]);
        let mut told = "Thank you.".to_owned();
        if !form && self.breaks.has("ELICIT-02") {
            return Err(error(-32603, "I have to ask and cannot"));
        }
        if form || self.breaks.has("INIT-13") || self.breaks.has("ELICIT-01") {
            let mut field = json!({ "type": "string", "title": "Color", "enum": COLORS });
            if self.breaks.has("ELICIT-05") {
                field = json!({ "type": "object", "properties": {} });
            }
            if self.breaks.has("ELICIT-21") {
                field["title"] = json!("Color, see https://example.com");
            }
            let mut params = json!({
                "sessionId": session, "mode": "form", "message": "Which color do you like?",
                "requestedSchema": { "type": "object", "properties": { "color": field } },
            });
            if self.breaks.has("ELICIT-03") {
                params["message"] = Value::Null;
            }
            let answer = self.request_of("elicitation/create", params).await;
            let taken = answer.as_ref().is_ok_and(|answer| answer["action"] == "accept");
            if !taken && self.breaks.has("ELICIT-15") {
                return Err(error(-32603, "no answer"));
            }
            told = self.chosen(&answer.unwrap_or_default())?;
        }
        if self.client_has(&["elicitation", "url"]) {
            self.url(session).await?;
        }
        self.chunk(session, &Self::id("message"), &told).await?;
        Ok(TurnCourse::On)
    }

    /// The answer to the question, as the model is told.
    fn chosen(&self, answer: &Value) -> Result<String, Value> {
        if answer["action"] == "accept"
            && answer.get("content").is_some_and(Value::is_null)
            && self.breaks.has("ELICIT-14/a")
        {
            return Err(error(-32603, "an answer that is none"));
        }
        let counts = answer["action"] == "accept" || self.breaks.has("ELICIT-14");
        let color = answer["content"]["color"].as_str().filter(|_| counts);
        Ok(match color {
            Some(color) if COLORS.contains(&color) || self.breaks.has("ELICIT-07") => format!("You like {color}."),
            Some(_) => "That is no color.".to_owned(),
            None => "Thank you.".to_owned(),
        })
    }

    async fn url(&self, session: &str) -> Result<(), Value> {
        let id = Self::id("elicitation");
        let credentials = self.breaks.has("ELICIT-20");
        let url = if credentials { "https://me:secret@example.com/" } else { "https://example.com/" };
        let params = json!({
            "sessionId": session, "mode": "url", "message": "Look here", "elicitationId": id, "url": url,
        });
        if self.breaks.has("ELICIT-16") {
            // Both at once, so that no answer can come between.
            let ask = |id: u64| json!({ "jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": params });
            let both = format!("{}\n{}\n", ask(900_001), ask(900_002));
            self.raw(both.as_bytes()).await.map_err(gone)?;
        } else {
            // Whatever the user says.
            let _ = self.request_of("elicitation/create", params).await;
        }
        let done = if self.breaks.has("ELICIT-17") { "another" } else { id.as_str() };
        let message =
            json!({ "jsonrpc": "2.0", "method": "elicitation/complete", "params": { "elicitationId": done } });
        self.send(&message).await.map_err(gone)
    }
}
