//! Steps of the client: it connects, makes a session, sends one prompt.

use serde_json::{Value, json};

use super::state::Client;
use crate::mock::answers::lock;

impl Client {
    pub(super) fn id(&self, number: u64) -> Value {
        if self.breaks.has("RPC-06") { json!(number as f64 + 0.5) } else { json!(number) }
    }

    pub(super) async fn steps(&self) -> std::io::Result<()> {
        self.noise().await?;
        let introduced = self.start(self.id(0), "initialize", self.introduction()).await?;
        if self.breaks.has("LIST-02") {
            self.start(self.id(6), "session/list", json!({})).await?;
        }
        let early = if self.breaks.has("SESS-01") {
            Some(self.start(self.id(1), "session/new", self.session(&Value::Null)).await?)
        } else {
            None
        };
        let Ok(Ok(agent)) = introduced.await else { return Ok(()) };
        if agent["protocolVersion"] != 1 && !self.breaks.has("INIT-10") {
            return Ok(());
        }
        let claimed = &agent["agentCapabilities"];
        if (self.breaks.has("INIT-12") && claimed["loadSession"] == true)
            || (self.breaks.has("INIT-18") && !claimed["conformanceCapability"].is_null())
        {
            return Ok(());
        }
        self.looks_around(claimed, &agent["authMethods"]).await?;
        let guess = if self.breaks.has("PROMPT-01") {
            Some(self.start(self.id(2), "session/prompt", self.prompt("conformance-session")).await?)
        } else {
            None
        };
        let listed = self.lists(claimed).await?;
        let made = match early {
            Some(early) => early.await.ok(),
            None => self.ask(self.id(1), "session/new", self.session(claimed)).await?,
        };
        let Some(Ok(made)) = made else { return Ok(()) };
        if let Some(listed) = listed {
            // Whatever it says.
            let _ = listed.await;
        }
        if self.cannot_bear(&made) {
            return Ok(());
        }
        let session = made["sessionId"].as_str().unwrap_or_default().to_owned();
        *lock(&self.session) = Some(session.clone());
        self.sets(&session, &made).await?;
        let ended = match guess {
            Some(guess) => guess.await.ok(),
            None => self.ask(self.id(2), "session/prompt", self.prompt(&session)).await?,
        };
        match ended {
            Some(Err(error)) if error["code"] == 4711 && self.breaks.has("ERR-02") => self.hang().await,
            Some(Ok(result)) if result["stopReason"] == "max_tokens" && self.breaks.has("PROMPT-20/a") => {
                self.hang().await
            }
            _ => {}
        }
        self.closes(&session, claimed).await
    }

    /// Holds its connection and says nothing any more.
    async fn hang(&self) {
        let _held = self.output.hold().await;
        std::future::pending::<()>().await;
    }

    /// Writes what no client may write.
    async fn noise(&self) -> std::io::Result<()> {
        let note = json!({ "jsonrpc": "2.0", "method": "_mock/note" });
        if self.breaks.has("INIT-01") {
            self.send(&note).await?;
        }
        let lines: [(&str, Vec<u8>); 5] = [
            ("RPC-01", b"{\"id\":9,\"done\":true}\n".to_vec()),
            ("TRANSPORT-stdio-01", b"\xff\xfe\n".to_vec()),
            ("TRANSPORT-stdio-02", format!("{note} {note}\n").into_bytes()),
            ("TRANSPORT-stdio-04", b"mock client is ready\n".to_vec()),
            ("TRANSPORT-stdio-07", b"[]\n".to_vec()),
        ];
        for (id, line) in lines {
            if self.breaks.has(id) {
                self.raw(&line).await?;
            }
        }
        Ok(())
    }

    fn introduction(&self) -> Value {
        let served = !self.breaks.has("FS-09");
        let mut params = json!({
            "protocolVersion": if self.breaks.has("INIT-02") { 7 } else { 1 },
            "clientCapabilities": {
                "fs": { "readTextFile": served, "writeTextFile": true },
                "terminal": true,
                "elicitation": { "form": {} },
                "plan": {},
                "subagents": {},
                "session": { "cursors": {}, "promptSuggestions": {} },
            },
            "clientInfo": { "name": "mock-client", "version": env!("CARGO_PKG_VERSION") },
        });
        if self.breaks.has("INIT-03") {
            params["clientInfo"] = Value::Null;
        }
        params
    }

    fn session(&self, claimed: &Value) -> Value {
        let mut command = "/bin/true";
        if self.breaks.has("SESS-14") {
            command = "true";
        }
        let mut servers = json!([{ "name": "mock", "command": command, "args": [], "env": [] }]);
        if self.breaks.has("SESS-13") {
            servers[0] = json!({ "type": "http", "name": "mock", "url": "https://example.invalid/", "headers": [] });
        }
        let mut params = json!({ "cwd": self.directory, "mcpServers": servers });
        if self.breaks.has("SESS-02") {
            params["mcpServers"] = Value::Null;
        }
        if self.breaks.has("SESS-04") {
            params["cwd"] = json!("here");
        }
        if claimed["sessionCapabilities"]["additionalDirectories"].is_object() || self.breaks.has("SESS-16") {
            let directory = if self.breaks.has("SESS-17") { json!("there") } else { json!(self.directory) };
            params["additionalDirectories"] = json!([directory]);
        }
        if claimed["sessionCapabilities"]["systemPrompt"].is_object() || self.breaks.has("SYSTEM-04") {
            params["systemPrompt"] = json!({ "mode": "append", "content": [{ "type": "text", "text": "Be brief." }] });
        }
        if claimed["sessionCapabilities"]["options"].is_object() || self.breaks.has("OPTIONS-07") {
            params["configOptions"] = json!([{ "configId": "model", "value": "a" }]);
        }
        params
    }

    fn prompt(&self, session: &str) -> Value {
        let mut block = json!({ "type": "text", "text": "Hello." });
        if self.breaks.has("RPC-09") {
            block["text"] = Value::Null;
        }
        if self.breaks.has("PROMPT-02") {
            block = json!({ "type": "image", "mimeType": "image/png", "data": "AAAA" });
        }
        json!({ "sessionId": session, "prompt": [block] })
    }

    /// Returns whether the session holds what this client falls over.
    fn cannot_bear(&self, made: &Value) -> bool {
        let options = made["configOptions"].as_array().map(Vec::as_slice).unwrap_or_default();
        (self.breaks.has("CONFIG-11")
            && options.len() == 4
            && options.iter().any(|option| option["category"].is_null()))
            || (self.breaks.has("CONFIG-13") && options.iter().any(|option| option["type"] == "slider"))
    }
}
