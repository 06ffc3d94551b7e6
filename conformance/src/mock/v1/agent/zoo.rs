//! Every kind of update that a client may see.

use serde_json::{Value, json};

use super::state::Agent;
use crate::mock::answers::error;

/// A picture of one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

impl Agent {
    pub(super) async fn tell(&self, session: &str, update: Value) -> Result<(), Value> {
        self.update(session, update).await.map_err(|_| error(-32603, "the client is gone"))
    }

    /// Updates that come with an answer; more of them for a client that has terminals, which stand for everything, and for
    /// one that has notices and compactions.
    pub(super) async fn zoo(&self, session: &str) -> Result<(), Value> {
        let mut usage = json!({
            "sessionUpdate": "usage_update", "used": 10, "size": 1000, "cost": { "amount": 0.5, "currency": "USD" },
            "_meta": { "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
        });
        for (id, member, value) in [
            ("PROMPT-10", "used", json!("many")),
            ("EXT-01", "_meta", json!(7)),
            ("EXT-03", "_meta", json!({ "traceparent": "today" })),
            ("EXT-04", "more", json!(1)),
        ] {
            if self.breaks.has(id) {
                usage[member] = value;
            }
        }
        let named = if self.breaks.has("SESS-22") { "another" } else { session };
        self.tell(named, usage).await?;
        let mut about = json!({ "sessionUpdate": "session_info_update", "title": "A session" });
        if self.breaks.has("LIST-18") {
            about["cwd"] = json!("/");
        }
        self.tell(session, about).await?;
        if self.client_has(&["session", "notices"]) {
            self.notice(session).await?;
        }
        if self.client_has(&["terminal"]) {
            self.rest_of_it(session).await?;
        }
        if self.client_has(&["session", "compaction"]) {
            self.compaction(session).await?;
        }
        Ok(())
    }

    async fn rest_of_it(&self, session: &str) -> Result<(), Value> {
        let mut image = json!({ "type": "image", "mimeType": "image/png", "data": PNG });
        if self.breaks.has("CONTENT-06") {
            image["mimeType"] = Value::Null;
        }
        if self.breaks.has("CONTENT-07") {
            image["data"] = json!("no base64!");
        }
        let message = Self::id("image");
        self.tell(session, json!({ "sessionUpdate": "agent_message_chunk", "content": image, "messageId": message }))
            .await?;
        if self.breaks.has("PROMPT-09") {
            for id in ["one", "two", "one"] {
                self.chunk(session, id, "x").await?;
            }
        }
        if self.breaks.has("PROMPT-06") {
            let content = json!({ "type": "text", "text": "one more" });
            self.tell_later(
                session,
                &json!({ "sessionUpdate": "agent_message_chunk", "content": content, "messageId": "late" }),
            );
        }
        let method = if self.breaks.has("EXT-05") { "mock/hello" } else { "_mock/hello" };
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": {} });
        self.send(&message).await.map_err(|_| error(-32603, "the client is gone"))
    }

    async fn notice(&self, session: &str) -> Result<(), Value> {
        let title = if self.breaks.has("NOTICE-02") { "" } else { "Look out" };
        self.tell(session, json!({ "sessionUpdate": "notice", "severity": "warning", "title": title })).await
    }

    async fn compaction(&self, session: &str) -> Result<(), Value> {
        let id = Self::id("compaction");
        let update =
            |status: &str| json!({ "sessionUpdate": "compaction_update", "compactionId": id, "status": status });
        let content = json!({ "type": "text", "text": "It was said" });
        let chunk = json!({ "sessionUpdate": "compaction_summary_chunk", "compactionId": id, "content": content });
        self.tell(session, update("in_progress")).await?;
        self.tell(session, chunk.clone()).await?;
        if self.breaks.has("COMPACT-02") {
            let mut without = update("in_progress");
            without["status"] = Value::Null;
            self.tell(session, without).await?;
        }
        self.tell(session, update("completed")).await?;
        if self.breaks.has("COMPACT-03") {
            self.tell(session, update("failed")).await?;
        }
        if self.breaks.has("COMPACT-04") {
            self.tell(session, chunk).await?;
        }
        Ok(())
    }

    /// Updates that a client without capabilities must not be sent.
    pub(super) async fn strays(&self, session: &str) -> Result<(), Value> {
        if self.breaks.has("NOTICE-01") {
            self.notice(session).await?;
        }
        if self.breaks.has("COMPACT-01") {
            self.compaction(session).await?;
        }
        Ok(())
    }
}
