//! The WebSocket handshake (RFC 6455 section 4.2) on a request that HTTP has read.

use acp_server::transport::ws;
use axum::http::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::gateway::driver::Context;
use crate::gateway::transport::ClientSocket;

const VERSION: &str = "13";

/// Bytes of frames that wait for a client, see `driver`: with a batch being rendered and one in the socket's own
/// buffer this keeps a client that stops reading below 1 MiB.
const OUTBOX_BYTES: usize = 384 * 1024;

/// Bytes read from a client's socket at a time, and kept for it as long as it is connected. Clients say little; of a message
/// that is bigger, the rest is read into memory of its own.
const READ_BYTES: usize = 4 * 1024;

/// Reason why a request is no handshake that can be completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoHandshake {
    NotWebSocket,
    Version,
    NoKey,
}

impl IntoResponse for NoHandshake {
    fn into_response(self) -> Response {
        match self {
            Self::NotWebSocket => {
                let headers = [(UPGRADE, "websocket"), (CONNECTION, "upgrade")];
                let body = "ACP is spoken here over WebSocket only: connect to ws://HOST:PORT/acp\n";
                (StatusCode::UPGRADE_REQUIRED, headers, body).into_response()
            }
            Self::Version => {
                let body = "only WebSocket version 13 is known here: connect with that\n";
                (StatusCode::UPGRADE_REQUIRED, [(SEC_WEBSOCKET_VERSION, VERSION)], body).into_response()
            }
            Self::NoKey => (StatusCode::BAD_REQUEST, "the handshake has no Sec-WebSocket-Key\n").into_response(),
        }
    }
}

/// Contents of the answer to a handshake.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Accept {
    /// The value of `Sec-WebSocket-Accept`.
    pub(super) key: String,
    /// Subprotocol, if any was offered.
    pub(super) protocol: Option<HeaderValue>,
}

/// Checks a handshake; returns what to answer.
pub(super) fn check(method: &Method, headers: &HeaderMap) -> Result<Accept, NoHandshake> {
    if method != Method::GET || !has_token(headers, CONNECTION, "upgrade") || !has_token(headers, UPGRADE, "websocket")
    {
        return Err(NoHandshake::NotWebSocket);
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        return Err(NoHandshake::Version);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes())).ok_or(NoHandshake::NoKey)?;
    Ok(Accept { key, protocol: protocol(headers) })
}

/// Subprotocol that is chosen: one that is named for ACP, or the first that is offered. There is one protocol at each
/// path, whatever it is called, and a browser gives up a connection for which none of those that it offered is chosen.
fn protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter().filter_map(|value| value.to_str().ok());
    let mut names = offered.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty());
    let first = names.next()?;
    let chosen = std::iter::once(first).chain(names).find(|name| name.starts_with("acp")).unwrap_or(first);
    HeaderValue::from_str(chosen).ok()
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value: &HeaderValue| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}

/// The bounds of a client's connection.
pub(super) fn bounds(context: &Context) -> acp_server::Config {
    let mut config = acp_server::Config::default();
    config.limits.frame.max_bytes = context.config.max_message;
    config.outbox_bytes = OUTBOX_BYTES;
    config.close_timeout = context.config.drain;
    config.keep_alive = Some(context.config.keep_alive);
    config
}

/// Takes up the connection with the client at the other end of an upgraded connection.
pub(super) async fn open(upgraded: Upgraded, config: acp_server::Config, context: &Context) -> acp_server::Link {
    let limit = context.config.max_message;
    let settings = Some(ws::config(limit).read_buffer_size(READ_BYTES));
    // Every connection is a TCP stream; without HTTP's wrapping around it, reads and writes are direct.
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(Parts { io, read_buf, .. }) => {
            let stream = io.into_inner();
            // Copied, so that the buffer in which HTTP read the head goes.
            let read = read_buf.to_vec();
            drop(read_buf);
            let stream = WebSocketStream::from_partially_read(stream, read, Role::Server, settings).await;
            start(ws::Socket::from_stream(stream, limit), config, context)
        }
        Err(upgraded) => {
            let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, settings).await;
            start(ws::Socket::from_stream(stream, limit), config, context)
        }
    }
}

fn start<S>(socket: ws::Socket<S>, config: acp_server::Config, context: &Context) -> acp_server::Link
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    acp_server::start(ClientSocket { socket, shutdown: context.shutdown.clone() }, config)
}
