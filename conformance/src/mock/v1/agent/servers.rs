//! MCP servers of sessions: started, and called.

use serde_json::{Value, json};

use super::course::{TurnCourse, TurnStep};
use super::server::Server;
use super::state::Agent;
use crate::mock::answers::error;

impl Agent {
    /// Starts the servers of a session. One that does not start is left out.
    pub(super) async fn connect(&self, session: &str, entries: &Value) {
        let mut servers = Vec::new();
        for entry in entries.as_array().into_iter().flatten() {
            if self.breaks.has("SESS-12") && !servers.is_empty() {
                break;
            }
            let server = Server::start(entry, &self.breaks).await;
            servers.extend(server);
        }
        if !servers.is_empty() {
            self.servers.lock().await.insert(session.to_owned(), servers);
        }
    }

    /// Calls the tool of the first server and shows what it gives back.
    pub(super) async fn call_server(&self, session: &str) -> TurnStep {
        let id = Self::id("mcp");
        let call =
            json!({ "sessionUpdate": "tool_call", "toolCallId": id, "title": "content", "status": "in_progress" });
        self.say(session, call).await?;
        let given = match self.servers.lock().await.get_mut(session).and_then(|servers| servers.first_mut()) {
            Some(server) => server.ask("tools/call", json!({ "name": "content" })).await.unwrap_or_default(),
            None => return Err(error(-32603, "there is no server")),
        };
        let mut blocks = given["content"].as_array().cloned().unwrap_or_default();
        if let (true, Some(first)) = (self.breaks.has("CONTENT-08"), blocks.first_mut()) {
            first["text"] = Value::Null;
        }
        let content: Vec<Value> =
            blocks.into_iter().map(|block| json!({ "type": "content", "content": block })).collect();
        self.say(
            session,
            json!({ "sessionUpdate": "tool_call_update", "toolCallId": id, "status": "completed", "content": content }),
        )
        .await?;
        Ok(TurnCourse::On)
    }
}
