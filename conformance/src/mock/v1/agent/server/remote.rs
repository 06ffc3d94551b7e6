//! MCP servers that are reached over HTTP.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use serde_json::{Value, json};

use crate::core::http::{Ask, Listener, exchange, get, listen, post};

/// Until a server has answered.
const LIMIT: Duration = Duration::from_secs(30);

/// A server that was connected to.
pub(in super::super) struct Remote {
    url: String,
    headers: Vec<(String, String)>,
    /// Where answers come, if not in the answer to their POST.
    stream: Option<Listener>,
}

impl Remote {
    pub(super) async fn start(entry: &Value, with_headers: bool) -> std::io::Result<Self> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let headers = entry["headers"].as_array().into_iter().flatten().filter(|_| with_headers);
        let headers = headers.map(|pair| (text(&pair["name"]), text(&pair["value"]))).collect();
        let mut server = Self { url: text(&entry["url"]), headers, stream: None };
        if entry["type"] == "sse" {
            let listening = listen(&server.url, &server.with_headers(get(&[])), LIMIT).await?;
            let mut stream = listening.1.ok_or_else(|| Error::other("the server gives no stream"))?;
            let endpoint = next(&mut stream).await?;
            let origin = server.url.find("/sse").map_or(server.url.as_str(), |end| &server.url[..end]);
            server.url = format!("{origin}{endpoint}");
            server.stream = Some(stream);
        }
        server.ask("initialize", json!({ "protocolVersion": "2025-06-18", "capabilities": {} })).await?;
        Ok(server)
    }

    pub(super) async fn ask(&mut self, method: &str, params: Value) -> std::io::Result<Value> {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let posted = exchange(&self.url, &self.with_headers(post(&message, &[])), LIMIT).await?;
        let text = match &mut self.stream {
            Some(stream) => next(stream).await?,
            None => posted.body,
        };
        let answer: Value = acp_server::types::json::from_str(&text)?;
        Ok(answer["result"].clone())
    }

    fn with_headers<'a>(&'a self, mut ask: Ask<'a>) -> Ask<'a> {
        ask.headers.extend(self.headers.iter().map(|(name, value)| (name.as_str(), value.clone())));
        ask
    }
}

async fn next(stream: &mut Listener) -> std::io::Result<String> {
    let event = tokio::time::timeout(LIMIT, stream.events.recv()).await;
    event.ok().flatten().ok_or_else(|| ErrorKind::TimedOut.into())
}
