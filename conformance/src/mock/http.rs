//! The mock agent behind streamable HTTP.

mod connection;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::breaks::Breaks;
use super::socket;
use super::v1::agent::Store;
use crate::core::http::{CONNECTION, SESSION};
use connection::{Connection, StreamOwner};

/// Ids of the checks that the server can be made to fail, each with the others that are about the same thing.
pub(in crate::mock) const BREAKS: &[(&str, &[&str])] = &[
    ("HTTP-01", &[]),
    ("HTTP-03", &[]),
    ("HTTP-04", &[]),
    ("HTTP-05", &[]),
    ("HTTP-06", &["HTTP-05", "HTTP-25"]),
    ("HTTP-07", &[]),
    ("HTTP-08", &[]),
    ("HTTP-09", &[]),
    ("HTTP-11", &[]),
    ("HTTP-12", &[]),
    ("HTTP-13", &[]),
    ("HTTP-14", &["HTTP-17"]),
    ("HTTP-15", &[]),
    ("HTTP-16", &[]),
    ("HTTP-17", &[]),
    ("HTTP-18", &[]),
    ("HTTP-19", &[]),
    ("HTTP-20", &[]),
    ("HTTP-25", &[]),
    ("HTTP-26", &[]),
];
/// The largest body, in bytes.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// Connections at once; one more is refused.
const MAX_CONNECTIONS: usize = 256;
/// Clients that are served at once; the next wait to be accepted.
const MAX_CLIENTS: usize = 1024;

struct Server {
    breaks: Breaks,
    store: Store,
    made: AtomicU64,
    connections: Mutex<HashMap<String, Arc<Connection>>>,
}

/// Serves clients on this port at `/acp`, over HTTP and WebSocket, until the future is dropped.
///
/// # Errors
/// When the port cannot be listened to any more.
pub async fn serve_http(listener: TcpListener, breaks: Breaks, store: Store) -> std::io::Result<()> {
    let http = auto::Builder::new(TokioExecutor::new());
    let old = breaks.has("HTTP-09");
    let server = Server { breaks, store, made: AtomicU64::new(0), connections: Mutex::default() };
    let router = Router::new().route("/acp", axum::routing::any(handle)).with_state(Arc::new(server));
    let mut clients = JoinSet::new();
    loop {
        while clients.try_join_next().is_some() {}
        if clients.len() >= MAX_CLIENTS {
            let _ = clients.join_next().await;
        }
        let (stream, _) = listener.accept().await?;
        let (http, service) = (http.clone(), TowerToHyperService::new(router.clone()));
        clients.spawn(async move {
            // A client that leaves in the middle is none of the server's business.
            let _ = match old {
                true => http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.map_err(drop),
                false => http.serve_connection_with_upgrades(TokioIo::new(stream), service).await.map_err(drop),
            };
        });
    }
}

async fn handle(State(server): State<Arc<Server>>, request: Request) -> Response {
    let foreign = request.headers().contains_key(header::ORIGIN);
    if foreign && !server.breaks.has("HTTP-26") {
        return StatusCode::FORBIDDEN.into_response();
    }
    match *request.method() {
        Method::POST if server.breaks.has("HTTP-03") => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        Method::POST => server.post(request).await,
        Method::GET if request.headers().contains_key(header::UPGRADE) => server.upgrade(request),
        Method::GET => server.get(request.headers()),
        Method::DELETE => server.delete(request.headers()),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn named<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

impl Server {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that the headers name, or what is wrong with them.
    fn connection(&self, headers: &HeaderMap, check: &str) -> Result<Arc<Connection>, StatusCode> {
        let id = named(headers, CONNECTION).ok_or(StatusCode::BAD_REQUEST)?;
        let unknown = if self.breaks.has(check) { StatusCode::BAD_REQUEST } else { StatusCode::NOT_FOUND };
        self.lock().get(id).cloned().ok_or(unknown)
    }

    async fn post(&self, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let json = named(&head.headers, "content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if !json && !self.breaks.has("HTTP-11") {
            return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
        }
        let Ok(body) = to_bytes(body, MAX_BODY).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
        let Ok(message) = acp_server::types::json::from_slice::<Value>(&body) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        if message.is_array() {
            let taken = self.breaks.has("HTTP-16");
            return if taken { StatusCode::ACCEPTED } else { StatusCode::NOT_IMPLEMENTED }.into_response();
        }
        if message["method"] == "initialize" {
            return self.initialize(message).await;
        }
        let connection = match self.connection(&head.headers, "HTTP-14") {
            Ok(connection) => connection,
            Err(status) => return status.into_response(),
        };
        let session = named(&head.headers, SESSION);
        let scoped = !message["params"]["sessionId"].is_null();
        if scoped && session.is_none() && !self.breaks.has("HTTP-13") {
            return StatusCode::BAD_REQUEST.into_response();
        }
        if self.breaks.has("HTTP-06") && message["method"] == "session/new" {
            return match connection.ask(message).await {
                Some(answer) => (StatusCode::OK, answer).into_response(),
                None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            };
        }
        // Its answer is the connection's, as that of `session/new` is.
        let loads = message["method"] == "session/load";
        let session = session.filter(|_| !loads);
        let place = session.map_or(StreamOwner::Connection, |session| StreamOwner::Session(session.to_owned()));
        if !connection.send(message, place).await {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        if self.breaks.has("HTTP-05") { StatusCode::OK } else { StatusCode::ACCEPTED }.into_response()
    }

    async fn initialize(&self, message: Value) -> Response {
        if self.lock().len() >= MAX_CONNECTIONS {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let id = format!("mock-connection-{}", self.made.fetch_add(1, Ordering::Relaxed) + 1);
        let store = if self.breaks.has("HTTP-20") { Store::default() } else { self.store.clone() };
        let connection = Connection::open(self.breaks.clone(), store);
        let Some(answer) = connection.ask(message).await else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        self.lock().insert(id.clone(), connection);
        let status = if self.breaks.has("HTTP-04") { StatusCode::CREATED } else { StatusCode::OK };
        (status, [("content-type", "application/json".to_owned()), (CONNECTION, id)], answer).into_response()
    }

    fn get(&self, headers: &HeaderMap) -> Response {
        let events = named(headers, "accept").is_some_and(|accept| accept.contains("text/event-stream"));
        if !events && !self.breaks.has("HTTP-12") {
            return StatusCode::NOT_ACCEPTABLE.into_response();
        }
        let connection = match self.connection(headers, "HTTP-15") {
            Ok(connection) => connection,
            Err(status) => return status.into_response(),
        };
        let place = named(headers, SESSION).map_or(StreamOwner::Connection, |id| StreamOwner::Session(id.to_owned()));
        let messages = match connection.listen(&place) {
            Ok(messages) => messages,
            Err(status) => return status.into_response(),
        };
        let events = stream::unfold(messages, |mut messages| async move {
            let message = messages.recv().await?;
            Some((Ok::<_, std::convert::Infallible>(format!("data: {message}\n\n")), messages))
        });
        let kind = if self.breaks.has("HTTP-18") { "text/plain" } else { "text/event-stream" };
        ([("content-type", kind)], Body::from_stream(events)).into_response()
    }

    fn delete(&self, headers: &HeaderMap) -> Response {
        match (self.connection(headers, ""), named(headers, CONNECTION)) {
            (Ok(_), Some(id)) => {
                if !self.breaks.has("HTTP-17") {
                    self.lock().remove(id);
                }
                StatusCode::ACCEPTED.into_response()
            }
            (Err(status), _) => status.into_response(),
            (Ok(_), None) => StatusCode::BAD_REQUEST.into_response(),
        }
    }

    fn upgrade(&self, mut request: Request) -> Response {
        let key = request.headers().get("sec-websocket-key").map(|key| derive_accept_key(key.as_bytes()));
        let Some(key) = key.filter(|_| !self.breaks.has("HTTP-01")) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let (breaks, store) = (self.breaks.clone(), self.store.clone());
        let upgraded = hyper::upgrade::on(&mut request);
        // It ends with its client, or with the program.
        tokio::spawn(async move {
            let Ok(upgraded) = upgraded.await else { return };
            let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            socket::talk(stream, breaks, store, Arc::default()).await;
        });
        let id = format!("mock-connection-{}", self.made.fetch_add(1, Ordering::Relaxed) + 1);
        let headers = [
            ("connection", "upgrade".to_owned()),
            ("upgrade", "websocket".to_owned()),
            ("sec-websocket-accept", key),
            (CONNECTION, id),
        ];
        (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
    }
}
