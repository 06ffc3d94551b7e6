//! Frames of a WebSocket besides a message in one text frame.

use serde_json::json;

use super::{Probe, Stop};
use crate::core::history::What;

impl Probe {
    /// Sends a line as one message in text frames of `size` bytes.
    ///
    /// # Errors
    /// When the subject is gone or is not reached over WebSocket.
    pub async fn fragments(&mut self, label: &str, line: &str, size: usize) -> Result<(), Stop> {
        self.recorder.sent(Some(label), line.as_bytes());
        let socket = self.wire.as_ref().and_then(|wire| wire.socket()).ok_or(Stop::Gone)?;
        if socket.fragments(line, size).await { Ok(()) } else { Err(Stop::Gone) }
    }

    /// Sends a line in a binary frame. The transcript has it as a note: it is no message.
    ///
    /// # Errors
    /// When the subject is gone or is not reached over WebSocket.
    pub async fn binary(&mut self, label: &str, line: &str) -> Result<(), Stop> {
        self.recorder.push(What::Note { label: label.to_owned(), data: json!({ "binary frame": line }) });
        let socket = self.wire.as_ref().and_then(|wire| wire.socket()).ok_or(Stop::Gone)?;
        if socket.binary(line.as_bytes()).await { Ok(()) } else { Err(Stop::Gone) }
    }
}
