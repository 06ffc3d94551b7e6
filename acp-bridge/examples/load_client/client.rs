//! The client's side of one connection.

use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// In every chunk of the agent, and in nothing else that is read here.
const UPDATE: &[u8] = b"agent_message_chunk";

/// Whether a message is a chunk of the agent; much faster than parsing it.
pub(crate) fn is_chunk(text: &[u8]) -> bool {
    text.windows(UPDATE.len()).any(|window| window == UPDATE)
}

/// One connection, initialized.
pub(crate) struct Client {
    socket: Socket,
    next_id: u64,
    /// Updates that came before the answer to a request.
    early: u64,
}

impl Client {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        let (socket, _) = tokio_tungstenite::connect_async(url).await?;
        let mut client = Self { socket, next_id: 0, early: 0 };
        client.call("initialize", json!({ "protocolVersion": 1, "clientCapabilities": {} })).await?;
        Ok(client)
    }

    pub(crate) async fn request(&mut self, method: &str, params: Value) -> anyhow::Result<u64> {
        self.next_id += 1;
        let text = json!({ "jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params }).to_string();
        self.socket.send(Message::text(text)).await?;
        Ok(self.next_id)
    }

    pub(crate) async fn notify(&mut self, method: &str, params: Value) -> anyhow::Result<()> {
        let text = json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string();
        Ok(self.socket.send(Message::text(text)).await?)
    }

    pub(crate) async fn call(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        let id = self.request(method, params).await?;
        loop {
            let text = self.read().await?;
            if is_chunk(&text) {
                self.early += 1;
                continue;
            }
            let message: Value = serde_json::from_slice(&text)?;
            if message["id"] == id && message["method"].is_null() {
                if !message["error"].is_null() {
                    bail!("{method}: {}", message["error"]);
                }
                return Ok(message["result"].clone());
            }
        }
    }

    pub(crate) async fn new_session(&mut self) -> anyhow::Result<String> {
        let made = self.call("session/new", json!({ "cwd": "/", "mcpServers": [] })).await?;
        Ok(made["sessionId"].as_str().context("a session id")?.to_owned())
    }

    pub(crate) async fn resume(&mut self, session: &str, after: Option<u64>) -> anyhow::Result<()> {
        let mut params = json!({ "sessionId": session, "cwd": "/", "mcpServers": [] });
        if let Some(after) = after {
            params["_meta"] = json!({ "acp-bridge": { "after": after } });
        }
        self.call("session/resume", params).await?;
        Ok(())
    }

    /// Sends a prompt; the id of the request.
    pub(crate) async fn prompt(&mut self, session: &str, text: &str) -> anyhow::Result<u64> {
        let prompt = json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] });
        self.request("session/prompt", prompt).await
    }

    /// Reads until so many chunks of the agent have come.
    pub(crate) async fn read_updates(&mut self, updates: u64) -> anyhow::Result<()> {
        let mut read = std::mem::take(&mut self.early);
        while read < updates {
            if is_chunk(&self.read().await?) {
                read += 1;
            }
        }
        Ok(())
    }

    pub(crate) async fn read(&mut self) -> anyhow::Result<Bytes> {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(60), self.socket.next()).await;
            match message.context("nothing came for a minute")?.context("the connection ended")?? {
                Message::Text(text) => return Ok(text.into()),
                Message::Close(_) => bail!("the server closed the connection"),
                _ => {}
            }
        }
    }
}
