//! Between a program that speaks ACP and the sockets of a link.

use std::borrow::Cow;
use std::collections::VecDeque;

use acp_server::codec::Input;
use acp_server::transport::{FrameReader, FrameWriter, Reading};
use bytes::Bytes;

use super::socket::{Exchanged, Socket};
use super::stand_in::{StandIn, stand_in};
use crate::remote_agent::protocol::{Broken, End, Frame};

/// Bytes that may wait for the program: more than a peer that keeps to its own bound can have sent.
const MAX_GIVEN: usize = 64 * 1024 * 1024;

/// One end of a link with its program and, while there is one, its socket.
#[derive(Debug)]
pub(crate) struct MessagePump<R, W> {
    end: End,
    reader: R,
    inputs: Vec<Input>,
    /// The program says no more, and whether that was told.
    ended: Option<bool>,
    writer: W,
    /// Messages on their way to the program. What comes over the link is bounded by what the peer keeps.
    given: VecDeque<Bytes>,
    /// The peer has sent more than it may keep: it is not read until the program has taken all of it.
    overrun: bool,
    /// The program takes no more.
    deaf: bool,
    socket: Option<Socket>,
    /// The peer has broken the rules, so that the socket is of no use.
    broken: bool,
    /// Frames that go before messages.
    first: VecDeque<Bytes>,
    /// The frame that goes behind all messages, on each socket again.
    last: Option<Bytes>,
    last_sent: bool,
    /// The next frame for the socket.
    ready: Option<Bytes>,
}

/// Event on a pump.
#[derive(Debug)]
pub(crate) enum PumpEvent {
    /// The program has said these messages. Each that is for the peer is to be [said](MessagePump::say).
    Said(Vec<Bytes>),
    /// The program says no more.
    Ended,
    /// Frames of the peer. Messages among them are new and in order; each that is for the program is to be
    /// [given](MessagePump::give). Acknowledgements have been seen to.
    Came(Vec<Frame>),
    /// The socket is gone.
    Lost,
}

impl<R: FrameReader, W: FrameWriter> MessagePump<R, W> {
    /// A pump without a socket.
    pub(crate) fn new(end: End, reader: R, writer: W) -> Self {
        Self {
            end,
            reader,
            inputs: Vec::new(),
            ended: None,
            writer,
            given: VecDeque::new(),
            overrun: false,
            deaf: false,
            socket: None,
            broken: false,
            first: VecDeque::new(),
            last: None,
            last_sent: false,
            ready: None,
        }
    }

    /// Its end of the link.
    pub(crate) fn end(&self) -> &End {
        &self.end
    }

    /// Takes a new socket, in the place of the one before; the peer has received so much. `first` goes before all else.
    pub(crate) fn connect(&mut self, socket: Socket, received: u64, first: Option<&Frame>) -> Result<(), Broken> {
        self.disconnect();
        self.end.connected(received)?;
        self.first.extend(first.map(Frame::encode));
        self.socket = Some(socket);
        Ok(())
    }

    /// Lets go of the socket, if there is one.
    pub(crate) fn disconnect(&mut self) -> Option<Socket> {
        self.end.disconnected();
        self.first.clear();
        self.ready = None;
        self.last_sent = false;
        self.socket.take()
    }

    /// Returns whether there is a socket.
    pub(crate) fn is_connected(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| !socket.is_lost())
    }

    /// Sends a frame on the present socket, before messages; without a socket nowhere.
    pub(crate) fn tell(&mut self, frame: &Frame) {
        if self.socket.is_some() {
            self.first.push_back(frame.encode());
        }
    }

    /// Sends a frame behind everything that is said, on each socket that comes.
    pub(crate) fn conclude(&mut self, frame: &Frame) {
        self.last = Some(frame.encode());
    }

    /// Sends a message to the peer, under the number that is returned. A socket carries text: what is none in a message
    /// is replaced, so that the peer can tell what it was.
    pub(crate) fn say(&mut self, message: &[u8]) -> u64 {
        let text = String::from_utf8_lossy(message);
        if matches!(text, Cow::Owned(_)) {
            tracing::warn!("a message is not UTF-8; what cannot be read in it is replaced");
        }
        self.end.push(text.as_bytes())
    }

    /// Gives the program a message.
    pub(crate) fn give(&mut self, message: Bytes) {
        if self.deaf {
            return;
        }
        let counts = message.len() >= MAX_GIVEN / 64 || self.given.len() % 1024 == 1023;
        self.given.push_back(message);
        if counts && self.given.iter().map(Bytes::len).sum::<usize>() > MAX_GIVEN {
            self.overrun = true;
        }
    }

    /// Returns whether the program has taken everything that it was given.
    pub(crate) fn is_idle(&self) -> bool {
        self.given.is_empty()
    }

    /// Marks what the peer has said up to this number as safe.
    pub(crate) fn settle(&mut self, number: u64) {
        self.end.settle(number);
    }

    /// Waits for something to happen. Cancel-safe.
    pub(crate) async fn next(&mut self) -> PumpEvent {
        let mut frames = Vec::new();
        loop {
            if std::mem::take(&mut self.broken) {
                return self.lost();
            }
            if self.ended == Some(false) {
                self.ended = Some(true);
                return PumpEvent::Ended;
            }
            self.prepare();
            let reads = self.ended.is_none() && self.end.has_room();
            let writes = !self.given.is_empty();
            tokio::select! {
                written = self.writer.write(&mut self.given), if writes => {
                    if let Err(error) = written {
                        // Its end follows, and with it errors for what waits for its answers.
                        tracing::debug!(%error, "the program takes no more");
                        self.deaf = true;
                        self.given.clear();
                    }
                    self.overrun = false;
                    // Whoever waits for it to be idle looks again.
                    return PumpEvent::Came(Vec::new());
                }
                exchanged = exchange(&mut self.socket, &mut frames, &mut self.ready, !self.overrun) => match exchanged {
                    Exchanged::Came => return self.came(&frames),
                    Exchanged::Sent => self.send_more(),
                    Exchanged::Lost => return self.lost(),
                },
                read = self.reader.read(&mut self.inputs), if reads => {
                    if !matches!(read, Ok(Reading::Open)) {
                        self.ended = Some(false);
                    }
                    let said = self.said();
                    if !said.is_empty() {
                        return PumpEvent::Said(said);
                    }
                }
            }
        }
    }

    /// The messages among what was read, and what stands in for those that are too long.
    fn said(&mut self) -> Vec<Bytes> {
        let mut said = Vec::with_capacity(self.inputs.len());
        for input in std::mem::take(&mut self.inputs) {
            match input {
                Input::Frame(message) => said.push(message),
                Input::Refused(reason) => {
                    tracing::warn!(%reason, "a message is not carried over the link");
                    match stand_in(&reason) {
                        StandIn::Peer(message) => said.push(message),
                        StandIn::Sender(answer) => self.give(answer),
                    }
                }
            }
        }
        said
    }

    /// Has the next frame at hand.
    fn prepare(&mut self) {
        if self.socket.is_none() || self.ready.is_some() {
            return;
        }
        self.ready = self.first.pop_front().or_else(|| self.end.next_frame());
        if self.ready.is_none() && !self.last_sent {
            self.ready.clone_from(&self.last);
            self.last_sent = self.last.is_some();
        }
    }

    /// Sends as much as there is room for.
    fn send_more(&mut self) {
        loop {
            self.prepare();
            let Some(socket) = &self.socket else { return };
            let Some(frame) = self.ready.take() else { return };
            match socket.room_now() {
                Some(room) => room.send(frame),
                None => {
                    self.ready = Some(frame);
                    return;
                }
            }
        }
    }

    fn lost(&mut self) -> PumpEvent {
        self.disconnect();
        PumpEvent::Lost
    }

    fn came(&mut self, frames: &[Bytes]) -> PumpEvent {
        let mut came = Vec::with_capacity(frames.len());
        for frame in frames {
            match self.understand(frame) {
                Ok(Some(frame)) => came.push(frame),
                Ok(None) => {}
                Err(reason) => {
                    // What came before it holds. A peer that says such things gets another socket, no more.
                    tracing::warn!(reason, "the peer of a link breaks its rules: its socket is closed");
                    self.broken = true;
                    break;
                }
            }
        }
        PumpEvent::Came(came)
    }

    /// Reads a frame; returns what is left for the owner of the pump.
    fn understand(&mut self, frame: &Bytes) -> Result<Option<Frame>, String> {
        let frame = Frame::parse(frame).map_err(|error| error.to_string())?;
        match frame {
            Frame::Message { number, .. } => {
                let new = self.end.take(number).map_err(|broken| broken.to_string())?;
                Ok(new.then_some(frame))
            }
            Frame::Ack(number) => {
                self.end.acknowledge(number).map_err(|broken| broken.to_string())?;
                Ok(None)
            }
            Frame::Beat => Ok(None),
            other => Ok(Some(other)),
        }
    }
}

/// Takes frames from the socket, or sends the one that is ready; for ever if there is no socket. Cancel-safe.
async fn exchange(
    socket: &mut Option<Socket>,
    frames: &mut Vec<Bytes>,
    ready: &mut Option<Bytes>,
    listens: bool,
) -> Exchanged {
    match socket {
        Some(socket) => socket.exchange(frames, ready, listens).await,
        None => std::future::pending().await,
    }
}
