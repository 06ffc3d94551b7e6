//! Two ends in one process, without bytes in between.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{FrameReader, FrameWriter, Noise, Reading, Transport, TransportError};
use crate::codec::{Input, ndjson};
use crate::proto::CloseReason;

/// One end of a pair.
#[derive(Debug)]
pub struct Memory {
    incoming: mpsc::Receiver<Bytes>,
    outgoing: mpsc::Sender<Bytes>,
    noise: Option<Noise>,
}

impl Memory {
    /// Marks this end's input as the stdout of a program elsewhere, which may hold other things than messages.
    #[must_use]
    pub fn noisy(mut self, noise: Noise) -> Self {
        self.noise = Some(noise);
        self
    }
}

/// Two connected ends. Each direction holds `capacity` messages, at least one; a writer waits for room.
#[must_use]
pub fn pair(capacity: usize) -> (Memory, Memory) {
    let (left, from_left) = mpsc::channel(capacity.max(1));
    let (right, from_right) = mpsc::channel(capacity.max(1));
    let end = |incoming, outgoing| Memory { incoming, outgoing, noise: None };
    (end(from_right, left), end(from_left, right))
}

impl Transport for Memory {
    type Reader = MemoryReader;
    type Writer = MemoryWriter;

    fn split(self, limit: usize) -> (MemoryReader, MemoryWriter) {
        let reader = MemoryReader { incoming: self.incoming, batch: Vec::new(), limit, noise: self.noise };
        (reader, MemoryWriter { outgoing: Some(self.outgoing) })
    }
}

/// Receiving half of a [`Memory`].
#[derive(Debug)]
pub struct MemoryReader {
    incoming: mpsc::Receiver<Bytes>,
    batch: Vec<Bytes>,
    limit: usize,
    noise: Option<Noise>,
}

impl FrameReader for MemoryReader {
    async fn read(&mut self, inputs: &mut Vec<Input>) -> Result<Reading, TransportError> {
        if self.incoming.recv_many(&mut self.batch, 256).await == 0 {
            return Ok(Reading::Ended(CloseReason::Peer));
        }
        let limit = self.limit;
        inputs.extend(self.batch.drain(..).map(|frame| {
            if frame.len() > limit { Input::Refused(ndjson::too_large(&frame, limit)) } else { Input::Frame(frame) }
        }));
        Ok(Reading::Open)
    }

    fn is_noisy(&self) -> bool {
        self.noise.is_some()
    }

    fn noise(&mut self, head: &[u8]) {
        if let Some(noise) = &self.noise {
            noise.hear(head);
        }
    }
}

/// Sending half of a [`Memory`].
#[derive(Debug)]
pub struct MemoryWriter {
    outgoing: Option<mpsc::Sender<Bytes>>,
}

impl FrameWriter for MemoryWriter {
    async fn write(&mut self, frames: &mut VecDeque<Bytes>) -> Result<(), TransportError> {
        let outgoing = self.outgoing.as_ref().ok_or(TransportError::Gone)?;
        while !frames.is_empty() {
            let permit = outgoing.reserve().await.map_err(|_| TransportError::Gone)?;
            if let Some(frame) = frames.pop_front() {
                permit.send(frame);
            }
        }
        Ok(())
    }

    async fn close(&mut self, _: &CloseReason) -> Result<(), TransportError> {
        self.outgoing = None;
        Ok(())
    }
}
