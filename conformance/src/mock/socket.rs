//! The mock agent as a WebSocket server.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::breaks::Breaks;
use super::v1::agent::{Store, serve};

/// Ids of the checks that the server can be made to fail, each with the others that are about the same thing.
pub(in crate::mock) const BREAKS: &[(&str, &[&str])] = &[
    ("WS-01", &[]),
    ("WS-02", &[]),
    ("WS-04", &[]),
    ("WS-04/a", &[]),
    ("WS-05", &[]),
    ("WS-06", &[]),
    ("WS-07", &[]),
    ("WS-09", &[]),
];
/// Clients that are served at once; the next wait to be accepted.
const MAX_CLIENTS: usize = 64;
/// Held in each direction, in bytes.
const PIPE: usize = 256 * 1024;

/// Serves clients on this port, each with an agent that knows the sessions of `store`, until the future is dropped.
///
/// # Errors
/// When the port cannot be listened to any more.
pub async fn serve_socket(listener: TcpListener, breaks: Breaks, store: Store) -> std::io::Result<()> {
    let made = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    loop {
        while clients.try_join_next().is_some() {}
        if clients.len() >= MAX_CLIENTS {
            let _ = clients.join_next().await;
        }
        let (stream, _) = listener.accept().await?;
        clients.spawn(client(stream, breaks.clone(), store.clone(), Arc::clone(&made)));
    }
}

async fn client(stream: TcpStream, breaks: Breaks, store: Store, made: Arc<AtomicU64>) {
    let number = if breaks.has("WS-02") { 1 } else { made.fetch_add(1, Ordering::Relaxed) + 1 };
    let named = !breaks.has("WS-01");
    let fragmented = Arc::new(AtomicBool::new(false));
    let stream = Watched { stream, fragmented: Arc::clone(&fragmented) };
    #[expect(clippy::result_large_err, reason = "the type that the handshake asks for")]
    let name = move |_: &Request, mut response: Response| {
        if let (true, Ok(id)) = (named, HeaderValue::from_str(&format!("mock-connection-{number}"))) {
            response.headers_mut().insert("acp-connection-id", id);
        }
        Ok(response)
    };
    // Whoever speaks no WebSocket is told so by the handshake.
    let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, name).await else { return };
    talk(socket, breaks, store, fragmented).await;
}

/// Serves the client of a WebSocket whose handshake is done, until it leaves.
pub(super) async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
    breaks: Breaks,
    store: Store,
    fragmented: Arc<AtomicBool>,
) {
    let (mut to, mut from) = socket.split();
    let (input, mut near_input) = tokio::io::duplex(PIPE);
    let (near_output, output) = tokio::io::duplex(PIPE);
    let agent = serve(input, output, breaks.clone(), store);
    let takes_binary = breaks.has("WS-05");
    let takes_fragments = !breaks.has("WS-04");
    let stays = breaks.has("WS-06");
    let read = async move {
        while let Some(Ok(message)) = from.next().await {
            let mut line = match message {
                Message::Text(text) if takes_fragments || !fragmented.load(Ordering::Relaxed) => {
                    text.as_bytes().to_vec()
                }
                Message::Text(_) => continue,
                Message::Binary(bytes) if takes_binary => bytes.to_vec(),
                _ => continue,
            };
            line.push(b'\n');
            if near_input.write_all(&line).await.is_err() {
                break;
            }
        }
        if stays {
            std::future::pending::<()>().await;
        }
    };
    let write = async move {
        if breaks.has("WS-04/a") {
            let _ = to.send(Message::binary("hello")).await;
        }
        let mut lines = BufReader::new(near_output).lines();
        let mut first = None;
        while let Ok(Some(line)) = lines.next_line().await {
            let Some(line) = wrong(&breaks, &mut first, line) else { continue };
            if to.send(Message::text(line)).await.is_err() {
                break;
            }
        }
        // The client may be gone.
        let _ = to.close().await;
    };
    tokio::join!(agent, read, write);
}

/// A line of the agent as it is sent: unchanged, unless the server is broken.
fn wrong(breaks: &Breaks, first: &mut Option<Value>, line: String) -> Option<String> {
    let (drops, mixes) = (breaks.has("WS-07"), breaks.has("WS-09"));
    if !drops && !mixes {
        return Some(line);
    }
    let Ok(mut message) = acp_server::types::json::from_str::<Value>(&line) else { return Some(line) };
    if message["method"] != "session/update" {
        return Some(line);
    }
    if drops {
        return None;
    }
    let session = &mut message["params"]["sessionId"];
    *session = first.get_or_insert_with(|| session.clone()).clone();
    Some(message.to_string())
}

/// A connection that sees whether its client ever sends a message in pieces, which only the WS-04 mistake needs.
struct Watched {
    stream: TcpStream,
    fragmented: Arc<AtomicBool>,
}

/// RFC 6455 section 5.2: the first byte of a text frame that is not the last of its message.
const UNFINISHED_TEXT: u8 = 0x01;

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().get(before) == Some(&UNFINISHED_TEXT) {
            self.fragmented.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
