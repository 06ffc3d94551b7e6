//! The client over a network: the same one over a link, and one by hand that can send what no link would.

use std::io::{Error, Result};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::state::Client;
use crate::core::http::{Ask, CONNECTION, Listener, SESSION, delete, exchange, get, listen, post};
use crate::core::link::{Link, http, socket};
use crate::mock::breaks::Breaks;

/// Ids of the checks that a client that connects can be made to fail, each with the others that are about the same thing.
pub(in crate::mock) const BREAKS: &[(&str, &[&str])] =
    &[("WS-03", &[]), ("HTTP-10", &[]), ("HTTP-11", &[]), ("HTTP-12", &[]), ("HTTP-13", &[]), ("HTTP-22", &[])];
/// Until anything that the client waits for has come.
const LIMIT: Duration = Duration::from_secs(30);

/// Connects to the agent at this URL and is its client until its one turn has ended.
///
/// # Errors
/// When the agent cannot be reached or spoken to.
pub async fn client_at(url: &str, breaks: Breaks) -> Result<()> {
    if BREAKS.iter().any(|(id, _)| id.starts_with("HTTP-") && breaks.has(id)) {
        return by_hand(url, &breaks).await;
    }
    let linked = if url.starts_with("ws://") { socket::connect(url).await } else { http::connect(url).await };
    let Link { source, sink, socket, http, .. } = linked.map_err(Error::other)?;
    let Some(mut sink) = sink else { return Ok(()) };
    if breaks.has("WS-03") {
        sink.write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"_mock/hello\"}\n").await?;
    }
    let client = Client::new(sink, breaks, std::env::current_dir()?, true);
    let ran = client.run(source).await;
    drop(client);
    if let Some(mut socket) = socket {
        socket.end().await;
    }
    if let Some(mut http) = http {
        http.end().await;
    }
    ran
}

/// A client of one agent over streamable HTTP.
struct ByHand<'a> {
    url: &'a str,
    breaks: &'a Breaks,
    /// Headers of each request.
    headers: Vec<(&'a str, String)>,
}

impl ByHand<'_> {
    async fn post(&self, message: &Value, session: Option<&str>) -> Result<crate::core::http::Exchange> {
        let mut ask = post(message, &[]);
        if self.breaks.has("HTTP-11") {
            ask.headers[0].1 = "text/plain".to_owned();
        }
        ask.headers.extend(self.headers.iter().cloned());
        ask.headers.extend(session.map(|id| (SESSION, id.to_owned())));
        exchange(self.url, &ask, LIMIT).await
    }

    async fn listen(&self, session: Option<&str>) -> Result<Listener> {
        let mut ask = get(&[]);
        if self.breaks.has("HTTP-12") {
            ask.headers[0].1 = "*/*".to_owned();
        }
        ask.headers.extend(self.headers.iter().cloned());
        ask.headers.extend(session.map(|id| (SESSION, id.to_owned())));
        listen(self.url, &ask, LIMIT).await?.1.ok_or_else(|| Error::other("there is no stream"))
    }
}

fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

async fn by_hand(url: &str, breaks: &Breaks) -> Result<()> {
    let mut client = ByHand { url, breaks, headers: Vec::new() };
    let hello = json!({ "protocolVersion": 1, "clientCapabilities": {} });
    let begun = client.post(&request(0, "initialize", hello), None).await?;
    let connection = begun.connection.ok_or_else(|| Error::other("the connection has no id"))?;
    client.headers.push((CONNECTION, connection.clone()));
    if !breaks.has("HTTP-10") {
        client.headers.push(("cookie", begun.cookies.join("; ")));
    }
    let mut main = client.listen(None).await?;
    let new = json!({ "cwd": std::env::current_dir()?, "mcpServers": [] });
    client.post(&request(1, "session/new", new), None).await?;
    let made = next(&mut main).await?;
    let session = made["result"]["sessionId"].as_str().unwrap_or_default().to_owned();
    let mut own = if breaks.has("HTTP-22") { None } else { Some(client.listen(Some(&session)).await?) };
    let prompt = json!({ "sessionId": session, "prompt": [{ "type": "text", "text": "hello" }] });
    let named = Some(session.as_str()).filter(|_| !breaks.has("HTTP-13"));
    client.post(&request(2, "session/prompt", prompt), named).await?;
    loop {
        let (message, session) = tokio::select! {
            message = next(&mut main) => (message?, None),
            message = next_of(&mut own) => (message?, Some(session.as_str())),
        };
        match (message.get("method"), message.get("id")) {
            (None, Some(id)) if *id == 2 => break,
            // Nothing more will come here.
            (Some(_), Some(_)) if own.is_none() => break,
            (Some(_), Some(id)) => {
                let error = json!({ "code": -32601, "message": "Method not found" });
                client.post(&json!({ "jsonrpc": "2.0", "id": id, "error": error }), session).await?;
            }
            _ => {}
        }
    }
    let mut leave: Ask<'_> = delete(&[]);
    leave.headers = client.headers;
    exchange(url, &leave, LIMIT).await.map(drop)
}

/// The next message of a stream that may not be there.
async fn next_of(stream: &mut Option<Listener>) -> Result<Value> {
    match stream {
        Some(stream) => next(stream).await,
        None => std::future::pending().await,
    }
}

async fn next(stream: &mut Listener) -> Result<Value> {
    let event = tokio::time::timeout(LIMIT, stream.events.recv()).await;
    let text = event.ok().flatten().ok_or_else(|| Error::other("the stream says nothing more"))?;
    Ok(acp_server::types::json::from_str(&text)?)
}
