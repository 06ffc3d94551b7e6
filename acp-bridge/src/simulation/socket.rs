//! The connection of a client to a gateway: messages in both directions, and it can be cut.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use acp_server::codec::Input;
use acp_server::proto::CloseReason;
use acp_server::transport::{FrameReader, FrameWriter, Reading, Transport, TransportError};
use acp_types::record::Seq;
use bytes::Bytes;
use tokio::sync::Notify;

use super::disk::Disk;

/// Messages that a client has not read; the gateway's writer waits then.
const ROOM: usize = 6;

/// Message that was written, with the head that the log had then.
pub(super) type Written = (Seq, Bytes);

/// One end of it. Dropping the client's end cuts it.
#[derive(Debug, Clone)]
struct Shared(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    disk: Arc<Disk>,
    state: Mutex<State>,
    /// Tells that there is something to read for the gateway.
    sent: Notify,
    /// Tells that there is room for what the gateway writes.
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    to_gateway: VecDeque<Bytes>,
    to_client: VecDeque<Written>,
    cut: bool,
    /// The gateway's reader has found that out. Its writer does only after that, so that each run takes the same way.
    noticed: bool,
    closed: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("one thread")
    }
}

/// The client's end.
#[derive(Debug)]
pub(super) struct ClientEnd(Shared);

/// The gateway's end.
#[derive(Debug)]
pub(super) struct GatewayEnd(Shared);

/// A connection.
pub(super) fn pair(disk: Arc<Disk>) -> (ClientEnd, GatewayEnd) {
    let inner = Inner { disk, state: Mutex::default(), sent: Notify::new(), room: Notify::new() };
    let shared = Shared(Arc::new(inner));
    (ClientEnd(shared.clone()), GatewayEnd(shared))
}

impl ClientEnd {
    pub(super) fn send(&self, message: String) {
        self.0.state().to_gateway.push_back(message.into());
        self.0.0.sent.notify_one();
    }

    /// The next messages, so many at most.
    pub(super) fn read(&self, most: usize) -> Vec<Written> {
        let mut state = self.0.state();
        let most = most.min(state.to_client.len());
        let read = state.to_client.drain(..most).collect();
        drop(state);
        self.0.0.room.notify_one();
        read
    }

    /// Returns whether nothing is on the way.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.0.state();
        state.to_gateway.is_empty() && state.to_client.is_empty()
    }

    /// The gateway has ended it, and everything is read.
    pub(super) fn is_over(&self) -> bool {
        let state = self.0.state();
        state.closed && state.to_client.is_empty()
    }
}

impl Drop for ClientEnd {
    fn drop(&mut self) {
        self.0.state().cut = true;
        self.0.0.sent.notify_one();
    }
}

impl Transport for GatewayEnd {
    type Reader = SocketReader;
    type Writer = SocketWriter;

    fn split(self, _limit: usize) -> (SocketReader, SocketWriter) {
        (SocketReader(self.0.clone()), SocketWriter(self.0))
    }
}

/// The gateway's receiving half.
#[derive(Debug)]
pub(super) struct SocketReader(Shared);

impl FrameReader for SocketReader {
    async fn read(&mut self, inputs: &mut Vec<Input>) -> Result<Reading, TransportError> {
        loop {
            {
                let mut state = self.0.state();
                if !state.to_gateway.is_empty() {
                    inputs.extend(state.to_gateway.drain(..).map(Input::Frame));
                    return Ok(Reading::Open);
                }
                if state.cut {
                    state.noticed = true;
                    drop(state);
                    self.0.0.room.notify_one();
                    return Ok(Reading::Ended(CloseReason::Peer));
                }
            }
            self.0.0.sent.notified().await;
        }
    }
}

/// The gateway's sending half.
#[derive(Debug)]
pub(super) struct SocketWriter(Shared);

impl FrameWriter for SocketWriter {
    async fn write(&mut self, frames: &mut VecDeque<Bytes>) -> Result<(), TransportError> {
        while !frames.is_empty() {
            {
                let mut state = self.0.state();
                if state.noticed {
                    return Err(TransportError::Gone);
                }
                let room = ROOM.saturating_sub(state.to_client.len()).min(frames.len());
                if room > 0 {
                    let head = self.0.0.disk.head();
                    state.to_client.extend(frames.drain(..room).map(|frame| (head, frame)));
                    continue;
                }
            }
            self.0.0.room.notified().await;
        }
        Ok(())
    }

    async fn close(&mut self, _: &CloseReason) -> Result<(), TransportError> {
        self.0.state().closed = true;
        Ok(())
    }
}
