//! The MCP server over HTTP, inside the tester: streamable HTTP at `/http`, and HTTP with server-sent events, as it was
//! before, at `/sse`.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Requests that are remembered, the first.
const MAX_SEEN: usize = 1024;
/// Streams that are open; one more is refused.
const MAX_STREAMS: usize = 64;
/// Answers that wait to be read on a stream; more are lost.
const WAITING: usize = 64;

/// A server on a loopback port. It ends when this is dropped.
pub(crate) struct Remote {
    address: std::net::SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Shared {
    /// The header that is remembered of every request.
    header: String,
    state: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    seen: Vec<Value>,
    streams: HashMap<u64, mpsc::Sender<String>>,
    made: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see(&self, event: &str, headers: &HeaderMap) {
        let value = headers.get(&self.header).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let mut state = self.lock();
        if state.seen.len() < MAX_SEEN {
            state.seen.push(json!({ "event": event, "header": value }));
        }
    }
}

impl Remote {
    /// One that remembers what this header of each request said.
    pub(crate) async fn start(header: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { header: header.to_owned(), state: Mutex::default() });
        let router = Router::new()
            .route("/http", post(streamable))
            .route("/sse", get(events))
            .route("/messages/{stream}", post(message))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // A port that fails shows as a server that is not reached.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, shared, task })
    }

    /// Where it is reached by this transport: `http` or `sse`.
    pub(crate) fn url(&self, transport: &str) -> String {
        format!("http://{}/{transport}", self.address)
    }

    /// The requests so far: what each was, and the header.
    pub(crate) fn seen(&self) -> Vec<Value> {
        self.shared.lock().seen.clone()
    }
}

/// The answer to a message, if it is a request.
fn answer(message: &Value) -> Option<Value> {
    let id = message.get("id")?;
    let method = message["method"].as_str()?;
    let mut answer = json!({ "jsonrpc": "2.0", "id": id });
    match super::answers::result(method, &message["params"]) {
        Some(result) => answer["result"] = result,
        None => answer["error"] = json!({ "code": -32601, "message": "Method not found" }),
    }
    Some(answer)
}

async fn streamable(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    let Ok(message) = acp_server::types::json::from_str::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    shared.see(message["method"].as_str().unwrap_or_default(), &headers);
    match answer(&message) {
        Some(answer) => ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response(),
        None => StatusCode::ACCEPTED.into_response(),
    }
}

async fn events(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    shared.see("GET", &headers);
    let (sender, messages) = mpsc::channel(WAITING);
    let stream = {
        let mut state = shared.lock();
        state.streams.retain(|_, stream| !stream.is_closed());
        if state.streams.len() >= MAX_STREAMS {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        state.made += 1;
        let stream = state.made;
        // The channel is new and has room.
        let _ = sender.try_send(format!("event: endpoint\ndata: /messages/{stream}\n\n"));
        state.streams.insert(stream, sender);
        stream
    };
    tracing::debug!(stream, "a client listens");
    let events = stream::unfold(messages, |mut messages| async move {
        let event = messages.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(event), messages))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

async fn message(
    State(shared): State<Arc<Shared>>,
    Path(stream): Path<u64>,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    let Ok(message) = acp_server::types::json::from_str::<Value>(&body) else { return StatusCode::BAD_REQUEST };
    shared.see(message["method"].as_str().unwrap_or_default(), &headers);
    let Some(sender) = shared.lock().streams.get(&stream).cloned() else { return StatusCode::NOT_FOUND };
    if let Some(answer) = answer(&message) {
        // A client that does not read its stream gets no answers.
        let _ = sender.try_send(format!("event: message\ndata: {answer}\n\n"));
    }
    StatusCode::ACCEPTED
}
