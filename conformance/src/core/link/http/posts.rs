//! Lines as POSTs, one after the other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, DuplexStream};
use tokio::time::timeout;

use super::event::{Event, LEAVE, Notes, StreamOwner, lock};
use super::routes::{Route, Routes};
use super::streams::Streams;
use crate::core::http::{Ask, CONNECTION, Exchange, NO_POST, SESSION, delete, exchange};

/// Time for which a POST holds up the next one. One that is not answered by then goes on beside it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Until a POST is given up.
const LONG: Duration = Duration::from_secs(600);

/// Sender of lines.
pub(super) struct Posts {
    pub(super) streams: Arc<Streams>,
    pub(super) routes: Arc<Mutex<Routes>>,
    pub(super) notes: Notes,
}

impl Posts {
    /// Sends lines until there are no more, then ends the connection.
    pub(super) async fn send(self: &Arc<Self>, input: DuplexStream) {
        let mut lines = BufReader::new(input).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let text = String::from_utf8_lossy(&line).into_owned();
            let route = lock(&self.routes).sent(&text);
            if route.initializes {
                self.initialize(text, &route).await;
            } else {
                self.post(text, route).await;
            }
        }
        if let Some(connection) = self.streams.connection.get() {
            // A server that does not answer is left all the same.
            let ask = self.streams.with_cookies(delete(&[(CONNECTION, connection)]));
            let _ = exchange(&self.streams.url, &ask, LEAVE).await;
        }
        self.streams.give(Event::Over).await;
    }

    /// Opens the connection and its stream, then gives out the answer.
    async fn initialize(&self, text: String, route: &Route) {
        let answer = self.exchange(ask(text, None, None)).await;
        if let Ok(Exchange { status, connection: Some(id), .. }) = &answer
            && *status < 300
        {
            self.notes.push("http/connected", json!(id));
            if self.streams.connection.set(id.clone()).is_ok() {
                self.streams.open(StreamOwner::Connection).await;
            }
        }
        self.first(answer, route.id.as_ref()).await;
    }

    /// Gives out the answer to what was sent when there was no connection yet: that of a server that takes no POST is the
    /// end.
    async fn first(&self, answer: std::io::Result<Exchange>, id: Option<&Value>) {
        match &answer {
            Ok(Exchange { status, connection: None, .. }) if NO_POST.contains(status) => {
                self.notes.push("http/none", json!(status));
                self.streams.give(Event::Over).await;
            }
            _ => self.answered(answer, id).await,
        }
    }

    /// Sends a line and waits until it is taken, so that lines stay in order.
    async fn post(self: &Arc<Self>, text: String, route: Route) {
        // What no header can hold is no id of a session.
        let session = route.session.filter(|id| id.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        if let Some(session) = &session {
            self.streams.open(StreamOwner::Session(session.clone())).await;
        }
        let (this, id, ended) = (Arc::clone(self), route.id, self.streams.ended());
        let posting = tokio::spawn(async move {
            let posting = async {
                let connection = this.streams.connection.get().map(String::as_str);
                let answer = this.exchange(ask(text, connection, session.as_deref())).await;
                match connection {
                    Some(_) => this.answered(answer, id.as_ref()).await,
                    None => this.first(answer, id.as_ref()).await,
                }
            };
            ended.run_until_cancelled(posting).await;
        });
        let _ = timeout(PATIENCE, posting).await;
    }

    async fn exchange(&self, ask: Ask<'_>) -> std::io::Result<Exchange> {
        let answer = exchange(&self.streams.url, &self.streams.with_cookies(ask), LONG).await?;
        self.streams.keep(&answer);
        Ok(answer)
    }

    /// Gives out what came in the body of an answer. That a request was not taken is an answer to it.
    async fn answered(&self, answer: std::io::Result<Exchange>, id: Option<&Value>) {
        let refused = match answer {
            Ok(Exchange { body, .. }) if is_message(&body) => {
                return self.streams.give(Event::Message { place: None, text: body }).await;
            }
            Ok(Exchange { status: ..300, .. }) => return,
            Ok(Exchange { status, body, .. }) => {
                let body: String = body.chars().take(200).collect();
                self.notes.push("http/refused", json!({ "status": status, "body": body }));
                json!({ "code": -32603, "message": format!("HTTP status {status}"), "data": { "body": body } })
            }
            Err(error) => {
                self.notes.push("http/failed", json!(error.to_string()));
                json!({ "code": -32603, "message": format!("no answer over HTTP: {error}") })
            }
        };
        if let Some(id) = id {
            let text = json!({ "jsonrpc": "2.0", "id": id, "error": refused }).to_string();
            self.streams.give(Event::Message { place: None, text }).await;
        }
    }
}

fn ask<'a>(body: String, connection: Option<&str>, session: Option<&str>) -> Ask<'a> {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(connection.map(|id| (CONNECTION, id.to_owned())));
    headers.extend(session.map(|id| (SESSION, id.to_owned())));
    Ask { method: "POST", headers, body, http2: false }
}

/// Returns whether a body is a JSON-RPC message.
fn is_message(body: &str) -> bool {
    acp_server::types::json::from_str::<Value>(body).is_ok_and(|message| message.get("jsonrpc").is_some())
}
