//! A WebSocket as a link: each text frame is a line.

use std::time::Duration;

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{self, Message};

use super::handle::Socket;
use super::open::Link;

/// The longest message that is taken, in bytes. A longer one breaks the connection, which is recorded.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;
/// Held in each direction, in bytes. A scenario that does not read stops the socket behind it.
const PIPE: usize = 64 * 1024;
/// Things seen that wait to be recorded; more are dropped.
pub(super) const NOTES: usize = 1024;
/// Frames that wait to be sent as they are.
const FRAMES: usize = 64;
/// Until a server has answered the upgrade.
const UPGRADE: Duration = Duration::from_secs(30);

/// A server that could not be reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No connection, or no upgrade to a WebSocket.
    #[error("{0}")]
    Refused(Box<tungstenite::Error>),
    /// The connection or its upgrade was not answered.
    #[error("no answer within {} s", UPGRADE.as_secs())]
    Silent,
    /// Nobody listens there.
    #[error("{0}")]
    Unreachable(std::io::Error),
}

/// Connects to a `ws://` URL.
pub(crate) async fn connect(url: &str) -> Result<Link, ConnectError> {
    let connecting = tokio_tungstenite::connect_async_with_config(url, Some(config()), true);
    let (stream, response) = tokio::time::timeout(UPGRADE, connecting)
        .await
        .map_err(|_| ConnectError::Silent)?
        .map_err(|error| ConnectError::Refused(Box::new(error)))?;
    let (noted, notes) = mpsc::channel(NOTES);
    let id = response.headers().get("acp-connection-id").map(|id| String::from_utf8_lossy(id.as_bytes()));
    note(&noted, "transport", json!("websocket"));
    note(&noted, "ws/upgraded", json!({ "status": response.status().as_u16(), "connectionId": id }));
    Ok(talk(stream, noted, notes))
}

/// Limits of the size of messages.
pub(super) fn config() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE))
}

/// The link that a WebSocket is, at either end.
pub(super) fn talk<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: WebSocketStream<S>,
    noted: mpsc::Sender<(&'static str, Value)>,
    notes: mpsc::Receiver<(&'static str, Value)>,
) -> Link {
    let (frames, outgoing) = mpsc::channel(FRAMES);
    let (source, output) = tokio::io::duplex(PIPE);
    let (input, sink) = tokio::io::duplex(PIPE);
    let (to, from) = stream.split();
    let task = tokio::spawn(async move {
        tokio::join!(send(input, outgoing, to), receive(from, output, noted));
    });
    let mut link = Link::over(source, sink);
    link.socket = Some(Socket::new(frames, notes, task));
    link
}

/// Writes a note. One that is dropped at the limit is only missing in the transcript.
pub(super) fn note(notes: &mpsc::Sender<(&'static str, Value)>, label: &'static str, data: Value) {
    drop(notes.try_send((label, data)));
}

/// Lines as text frames, whatever bytes they are, and frames as they are; a close frame at the end of the lines.
async fn send(input: DuplexStream, mut frames: mpsc::Receiver<Message>, mut to: impl Sink<Message> + Unpin) {
    let mut lines = BufReader::new(input).split(b'\n');
    loop {
        let message = tokio::select! {
            line = lines.next_segment() => match line {
                Ok(Some(line)) => Message::Frame(Frame::message(line, OpCode::Data(Data::Text), true)),
                Ok(None) | Err(_) => break,
            },
            Some(frame) = frames.recv() => frame,
        };
        if to.send(message).await.is_err() {
            break;
        }
    }
    // The server may be gone.
    let _ = to.close().await;
}

/// Text frames as lines. A line break in one can only stand between members of its JSON, or it is no JSON: as white space
/// it means the same.
async fn receive(
    mut from: impl Stream<Item = Result<Message, tungstenite::Error>> + Unpin,
    mut output: DuplexStream,
    notes: mpsc::Sender<(&'static str, Value)>,
) {
    while let Some(message) = from.next().await {
        match message {
            Ok(Message::Text(text)) => {
                let mut line = text.as_bytes().to_vec();
                if serde_json::from_slice::<&serde_json::value::RawValue>(&line).is_ok() {
                    line.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
                }
                line.push(b'\n');
                if output.write_all(&line).await.is_err() {
                    return;
                }
            }
            Ok(Message::Binary(bytes)) => note(&notes, "ws/binary", json!({ "bytes": bytes.len() })),
            Ok(Message::Close(frame)) => {
                let frame =
                    frame.map(|frame| json!({ "code": u16::from(frame.code), "reason": frame.reason.as_str() }));
                note(&notes, "ws/closed", json!(frame));
            }
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Err(error) => {
                note(&notes, "ws/broken", json!(error.to_string()));
                break;
            }
        }
    }
    // Nobody may read any more.
    let _ = output.shutdown().await;
}
