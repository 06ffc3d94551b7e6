//! The server's end of streamable HTTP. It refuses what the text refuses, and writes down how each request came.

mod state;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::names::{CONNECTION_ID, COOKIE};
use crate::core::http::{CONNECTION, SESSION};
use crate::core::link::handle::Http;
use crate::core::link::http::{NOTES, Notes, PIPE, StreamOwner, lock};
use crate::core::link::open::Link;
use state::Routes;

/// The largest body, in bytes.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// Requests at once; the next wait to be accepted.
const MAX_CLIENTS: usize = 256;
/// Limit for the scenario's answer to `initialize`.
const ANSWER: Duration = Duration::from_secs(600);

struct Server {
    /// To the scenario; `None` when the client has left.
    output: tokio::sync::Mutex<Option<DuplexStream>>,
    routes: Mutex<Routes>,
    notes: Notes,
}

/// Waits for a client's first request.
pub(super) async fn wait(listener: TcpListener, gone: impl Future<Output = ()> + Send + 'static) -> io::Result<Link> {
    let (first, _) = listener.accept().await?;
    let (noted, notes) = mpsc::channel(NOTES);
    let noted = Notes(noted);
    noted.push("transport", json!("http"));
    let (source, output) = tokio::io::duplex(PIPE);
    let (input, sink) = tokio::io::duplex(PIPE);
    let server = Arc::new(Server {
        output: tokio::sync::Mutex::new(Some(output)),
        routes: Mutex::new(Routes::default()),
        notes: noted,
    });
    let router = Router::new().route("/acp", axum::routing::any(handle)).with_state(Arc::clone(&server));
    let ended = CancellationToken::new();
    let guard = ended.clone().drop_guard();
    let task = tokio::spawn(async move {
        let mut lines = BufReader::new(input).lines();
        let outward = async {
            while let Ok(Some(line)) = lines.next_line().await {
                lock(&server.routes).route(line);
            }
            lock(&server.routes).end();
        };
        tokio::select! {
            () = outward => {}
            () = accept(listener, first, router, gone, &server) => {}
            () = ended.cancelled() => {}
        }
    });
    let mut link = Link::over(source, sink);
    link.http = Some(Http::of(notes, task, guard));
    Ok(link)
}

/// Serves a client until it is gone. Its connections end with it, once all is read that it has sent.
async fn accept(
    listener: TcpListener,
    first: TcpStream,
    router: Router,
    gone: impl Future<Output = ()> + Send,
    server: &Server,
) {
    let http = auto::Builder::new(TokioExecutor::new());
    let mut clients = JoinSet::new();
    let mut next = Some(first);
    let mut gone = std::pin::pin!(gone);
    loop {
        while clients.try_join_next().is_some() {}
        if clients.len() >= MAX_CLIENTS {
            let _ = clients.join_next().await;
        }
        let stream = match next.take() {
            Some(stream) => stream,
            None => tokio::select! {
                biased;
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(_) => break,
                },
                () = &mut gone => break,
            },
        };
        let (http, service) = (http.clone(), TowerToHyperService::new(router.clone()));
        clients.spawn(async move {
            // A client that leaves in the middle has said what it had to say.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
    while clients.join_next().await.is_some() {}
    server.leave().await;
    // What the scenario still says goes nowhere.
    std::future::pending().await
}

async fn handle(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let version = format!("{:?}", head.version);
    let Ok(body) = to_bytes(body, MAX_BODY).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let text = String::from_utf8_lossy(&body).into_owned();
    let message = acp_server::types::json::from_str::<Value>(&text).unwrap_or_default();
    let scope = lock(&server.routes).scope(&message);
    let named = |name: &str| head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    server.notes.push(
        "client/request",
        json!({
            "method": head.method.as_str(), "rpc": message["method"], "version": version, "scope": scope,
            "type": named("content-type"), "accept": named("accept"), "cookie": named("cookie"),
            "connection": named(CONNECTION), "session": named(SESSION), "protocol": named("acp-protocol-version"),
        }),
    );
    match head.method {
        Method::POST if message["method"] == "initialize" => server.initialize(text, &message["id"]).await,
        Method::POST => server.post(&head.headers, text, message, scope).await,
        Method::GET => server.get(&head.headers),
        Method::DELETE => server.delete(&head.headers).await,
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

/// Checks that the connection is named; else the status of the answer.
fn connected(headers: &HeaderMap) -> Result<(), StatusCode> {
    match headers.get(CONNECTION) {
        None => Err(StatusCode::BAD_REQUEST),
        Some(id) if id == CONNECTION_ID => Ok(()),
        Some(_) => Err(StatusCode::NOT_FOUND),
    }
}

impl Server {
    /// Gives a line to the scenario; false if nobody takes it any more.
    async fn give(&self, text: String) -> bool {
        let line = format!("{}\n", text.replace('\n', " "));
        match &mut *self.output.lock().await {
            Some(output) => output.write_all(line.as_bytes()).await.is_ok(),
            None => false,
        }
    }

    async fn initialize(&self, text: String, id: &Value) -> Response {
        let answer = lock(&self.routes).wait_for(id);
        if !self.give(text).await {
            return StatusCode::NOT_FOUND.into_response();
        }
        match tokio::time::timeout(ANSWER, answer).await {
            Ok(Ok(answer)) => {
                let headers = [
                    ("content-type", "application/json"),
                    (CONNECTION, CONNECTION_ID),
                    (header::SET_COOKIE.as_str(), COOKIE),
                ];
                (headers, answer).into_response()
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    async fn post(&self, headers: &HeaderMap, text: String, message: Value, scope: Option<String>) -> Response {
        if let Err(status) = connected(headers) {
            return status.into_response();
        }
        // What lacks its session or its type is noted, and goes on all the same, so that more can be seen.
        let session = headers.get(SESSION).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
        lock(&self.routes).asked(&message, session.or(scope));
        if !self.give(text).await {
            return StatusCode::NOT_FOUND.into_response();
        }
        StatusCode::ACCEPTED.into_response()
    }

    fn get(&self, headers: &HeaderMap) -> Response {
        if headers.contains_key(header::UPGRADE) {
            return StatusCode::NOT_IMPLEMENTED.into_response();
        }
        if let Err(status) = connected(headers) {
            return status.into_response();
        }
        let session = headers.get(SESSION).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
        let Some(messages) = lock(&self.routes).listen(session.map_or(StreamOwner::Connection, StreamOwner::Session))
        else {
            return StatusCode::CONFLICT.into_response();
        };
        let events = stream::unfold(messages, |mut messages| async move {
            let message = messages.recv().await?;
            Some((Ok::<_, std::convert::Infallible>(format!("data: {message}\n\n")), messages))
        });
        ([("content-type", "text/event-stream")], Body::from_stream(events)).into_response()
    }

    async fn delete(&self, headers: &HeaderMap) -> Response {
        if let Err(status) = connected(headers) {
            return status.into_response();
        }
        self.leave().await;
        StatusCode::ACCEPTED.into_response()
    }

    /// The client has left.
    async fn leave(&self) {
        lock(&self.routes).end();
        if let Some(mut output) = self.output.lock().await.take() {
            // Nobody may read any more.
            let _ = output.shutdown().await;
        }
    }
}
