//! One connection's state machine: what this side says, and the phases of the connection.

mod incoming;

use std::collections::VecDeque;

use acp_types::method::v1;
use acp_types::{ErrorObjectOwned, FrameError, Raw, RawError, RequestId, frame};
use bytes::Bytes;

use super::pending::{Outgoing, Unanswered, Unfinished};
use super::{CloseReason, Event, Limits, Refusal, RequestKey, RespondError, ResponseError, SendError};

/// Asks the peer to give up on a request (ACP, "Cancellation").
const CANCEL_REQUEST: &str = v1::CancelRequest::NAME;

/// Phase of a connection: who may still send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// The peer sends nothing more, but may still read our answers.
    InputEnded,
    Closed,
}

/// One side of a JSON-RPC connection, agent or client.
///
/// Frames and events pile up until they are taken: whoever drives it takes both after every call.
#[derive(Debug)]
pub struct Connection {
    limits: Limits,
    noisy: bool,
    phase: Phase,
    /// Messages of the peer so far.
    received: u64,
    outgoing: Outgoing,
    unanswered: Unanswered,
    events: VecDeque<Event>,
    frames: VecDeque<Bytes>,
    frame_bytes: usize,
}

impl Connection {
    /// An open connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::resume(limits, Unfinished::default())
    }

    /// An open connection that goes on where an earlier one with the same peer was cut off.
    #[must_use]
    pub fn resume(limits: Limits, unfinished: Unfinished) -> Self {
        let mut connection = Self {
            limits,
            noisy: false,
            phase: Phase::Open,
            received: 0,
            outgoing: Outgoing::default(),
            unanswered: Unanswered::default(),
            events: VecDeque::new(),
            frames: VecDeque::new(),
            frame_bytes: 0,
        };
        unfinished.expected.into_iter().for_each(|key| connection.outgoing.insert(key));
        unfinished.owed.into_iter().for_each(|id| connection.unanswered.insert(id));
        connection
    }

    /// The peer is a program whose messages come out of its stdout, where other things may come out too: banners, lines
    /// of a log, an echo. Such a line is [`Rejection::Noise`](super::Rejection::Noise). The peer is told of no line but of requests, by their
    /// ids: a program that prints something for every line that it gets would never stop.
    pub fn tolerate_noise(&mut self) {
        self.noisy = true;
    }

    /// Takes one message of the peer, without its line end. What JSON-RPC calls invalid is answered where it allows
    /// an answer, and reported. After the end of input everything is ignored.
    pub fn receive(&mut self, line: Bytes) {
        if self.phase != Phase::Open {
            return;
        }
        self.received += 1;
        self.message(&line);
    }

    /// Takes notice of a message that the transport could not deliver.
    pub fn refuse(&mut self, refusal: Refusal) {
        if self.phase != Phase::Open {
            return;
        }
        self.received += 1;
        match refusal {
            Refusal::TooLarge { bytes, limit, head, end } => {
                self.reject(FrameError::too_large(&head, bytes, limit).or_id_at_end(&end), &head);
            }
        }
    }

    /// Sends a request. Its outcome comes as [`Event::Response`], exactly once, whatever happens.
    ///
    /// # Errors
    /// When nothing was sent; then no outcome comes either.
    pub fn request(&mut self, key: RequestKey, method: &str, params: Option<Raw<'_>>) -> Result<(), SendError> {
        if self.phase != Phase::Open {
            return Err(SendError::Closed);
        }
        if self.outgoing.contains(key) {
            return Err(SendError::KeyInUse(key));
        }
        if self.outgoing.len() >= self.limits.max_outgoing {
            return Err(SendError::TooMany { limit: self.limits.max_outgoing });
        }
        self.outgoing.insert(key);
        self.push_frame(frame::request(&RequestId::from(key.0), method, params));
        Ok(())
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// When the connection is closed.
    pub fn notify(&mut self, method: &str, params: Option<Raw<'_>>) -> Result<(), SendError> {
        self.forward(Bytes::from(frame::notification(method, params)))
    }

    /// Sends a frame that somebody else made, as it is. It must not be a request, whose answer nobody would know.
    ///
    /// # Errors
    /// When the connection is closed.
    pub fn forward(&mut self, frame: Bytes) -> Result<(), SendError> {
        if self.phase == Phase::Closed {
            return Err(SendError::Closed);
        }
        self.frame_bytes += frame.len();
        self.frames.push_back(frame);
        Ok(())
    }

    /// Answers a request of the peer.
    ///
    /// # Errors
    /// When no request with this id is open: it has its answer, or never was.
    pub fn respond(&mut self, id: &RequestId, outcome: Result<Raw<'_>, &ErrorObjectOwned>) -> Result<(), RespondError> {
        self.settle(id)?;
        self.push_frame(frame::response(id, outcome));
        Ok(())
    }

    /// Answers a request of the peer; an error is passed on as some other peer sent it.
    ///
    /// # Errors
    /// As for [`Connection::respond`].
    pub fn respond_raw(&mut self, id: &RequestId, outcome: Result<Raw<'_>, &RawError>) -> Result<(), RespondError> {
        self.settle(id)?;
        self.push_frame(frame::raw_response(id, outcome.map_err(RawError::as_raw)));
        Ok(())
    }

    /// Asks the peer to give up on a request of ours. The outcome still comes. Sent at most once, and only while the
    /// request is open; returns whether it was.
    pub fn cancel_request(&mut self, key: RequestKey) -> bool {
        let first = self.phase == Phase::Open && self.outgoing.cancel(key);
        if first {
            let params = format!("{{\"requestId\":{}}}", key.0);
            self.push_frame(frame::notification(CANCEL_REQUEST, Some(Raw::trusted(&params))));
        }
        first
    }

    /// Ends the input: the peer has stopped sending. Our open requests fail; its own can still be answered.
    pub fn end_input(&mut self, reason: CloseReason) {
        if self.phase != Phase::Open {
            return;
        }
        self.phase = Phase::InputEnded;
        for key in self.outgoing.drain() {
            self.events.push_back(Event::Response { key, outcome: Err(ResponseError::Closed), ordinal: None });
        }
        self.events.push_back(Event::Closed(reason));
    }

    /// Closes both directions, except for frames that wait to be written. Every open request of ours
    /// fails; [`Event::Closed`] comes unless it came before.
    pub fn close(&mut self, reason: CloseReason) {
        self.end_input(reason);
        self.phase = Phase::Closed;
        self.unanswered.clear();
    }

    /// The next event, oldest first.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next frame to write, oldest first.
    pub fn next_frame(&mut self) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.frame_bytes -= frame.len();
        Some(frame)
    }

    /// Returns whether there are events to take.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Moves all events to `events`, oldest first.
    pub fn take_events(&mut self, events: &mut Vec<Event>) {
        events.extend(self.events.drain(..));
    }

    /// Moves all frames to write to `frames`, oldest first.
    pub fn take_frames(&mut self, frames: &mut VecDeque<Bytes>) {
        if frames.is_empty() {
            std::mem::swap(frames, &mut self.frames);
        } else {
            frames.append(&mut self.frames);
        }
        self.frame_bytes = 0;
    }

    /// Bytes of the frames that wait to be written.
    #[must_use]
    pub fn outgoing_bytes(&self) -> usize {
        self.frame_bytes
    }

    /// Requests of ours that wait for an answer.
    #[must_use]
    pub fn open_requests(&self) -> usize {
        self.outgoing.len()
    }

    /// Requests of the peer that wait for our answer.
    #[must_use]
    pub fn unanswered_requests(&self) -> usize {
        self.unanswered.len()
    }

    /// Returns whether the peer may still send.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    fn settle(&mut self, id: &RequestId) -> Result<(), RespondError> {
        if self.phase == Phase::Closed {
            return Err(RespondError::Closed);
        }
        if self.unanswered.remove(id) { Ok(()) } else { Err(RespondError::Unknown { id: id.clone() }) }
    }

    fn push_frame(&mut self, frame: String) {
        self.frame_bytes += frame.len();
        self.frames.push_back(Bytes::from(frame));
    }
}
