//! Handles of the WebSocket or the HTTP connection behind a link.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_util::sync::DropGuard;

/// Until a server has answered our closing, or our DELETE.
const LEAVE: Duration = Duration::from_millis(300);

/// Handle of a WebSocket.
pub(crate) struct Socket {
    frames: mpsc::Sender<Message>,
    /// Notes of things seen beside the messages.
    pub(crate) notes: mpsc::Receiver<(&'static str, Value)>,
    task: JoinHandle<()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Socket {
    /// The handle of a socket that `task` serves.
    pub(super) fn new(
        frames: mpsc::Sender<Message>,
        notes: mpsc::Receiver<(&'static str, Value)>,
        task: JoinHandle<()>,
    ) -> Self {
        Self { frames, notes, task }
    }

    /// Sends this message in text frames of `size` bytes. False if the socket is gone.
    pub(crate) async fn fragments(&self, text: &str, size: usize) -> bool {
        let pieces = text.as_bytes().chunks(size.max(1));
        let last = pieces.len().saturating_sub(1);
        for (place, piece) in pieces.enumerate() {
            let kind = if place == 0 { Data::Text } else { Data::Continue };
            let frame = Frame::message(Bytes::copy_from_slice(piece), OpCode::Data(kind), place == last);
            if self.frames.send(Message::Frame(frame)).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Sends a binary frame. False if the socket is gone.
    pub(crate) async fn binary(&self, bytes: &[u8]) -> bool {
        self.frames.send(Message::Binary(Bytes::copy_from_slice(bytes))).await.is_ok()
    }

    /// Waits until the server has answered our closing, not for long. What it writes meanwhile is lost.
    pub(crate) async fn end(&mut self) {
        // A server that does not answer is cut off.
        let _ = tokio::time::timeout(LEAVE, &mut self.task).await;
    }
}

/// Handle of streamable HTTP.
pub(crate) struct Http {
    /// Notes of things seen beside the messages.
    pub(crate) notes: mpsc::Receiver<(&'static str, Value)>,
    task: JoinHandle<()>,
    /// Ends the streams.
    _streams: DropGuard,
}

impl Drop for Http {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Http {
    /// The handle of a task that serves a link. It ends with the guard.
    pub(super) fn of(notes: mpsc::Receiver<(&'static str, Value)>, task: JoinHandle<()>, guard: DropGuard) -> Self {
        Self { notes, task, _streams: guard }
    }

    /// Waits until the server has answered our leaving, not for long. What it writes meanwhile is lost.
    pub(crate) async fn end(&mut self) {
        // A server that does not answer is left all the same.
        let _ = tokio::time::timeout(LEAVE, &mut self.task).await;
    }
}
