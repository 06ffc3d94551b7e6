//! One connection's state machine.

use std::borrow::Cow;
use std::collections::VecDeque;

use acp_types::error::error;
use acp_types::frame::{self, Notification, Request, Response};
use acp_types::method::v1;
use acp_types::{ErrorCode, ErrorObjectOwned, Frame, FrameError, FrameErrorKind, Id, Raw, RawBuf, RawError, RequestId};
use bytes::Bytes;

use super::event::{Call, Name};
use super::pending::{Outgoing, Unanswered, Unfinished};
use super::{
    CloseReason, Event, Incoming, IncomingNotification, Limits, Payload, Refusal, Rejection, RequestKey, RespondError,
    ResponseError, SendError,
};

/// Asks the peer to give up on a request (ACP, "Cancellation").
const CANCEL_REQUEST: &str = v1::CancelRequest::NAME;
/// Kept of a line that is noise, in bytes.
const NOISE: usize = 512;
/// Begins the names of notifications that a peer may ignore without a word.
const OPTIONAL: &str = "$/";

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
    /// of a log, an echo. Such a line is [`Rejection::Noise`]. The peer is told of no line but of requests, by their
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
        match Frame::parse(&line, &self.limits.frame) {
            Ok(Frame::Notification(notification)) => self.notification(&line, notification),
            Ok(Frame::Request(request)) => self.incoming(&line, request),
            Ok(Frame::Response(response)) => self.response(&line, &response),
            Err(error) => self.reject(error, &line),
        }
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

    /// The peer has stopped sending. Our open requests fail; its own can still be answered.
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

    /// Nothing goes in either direction any more, except frames that wait to be written. Every open request of ours
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

    fn notification(&mut self, line: &Bytes, notification: Notification<'_>) {
        if notification.method == CANCEL_REQUEST {
            self.peer_cancelled(notification.params);
        } else if !notification.method.starts_with(OPTIONAL) {
            let call = self.call(line, notification.method, notification.params);
            self.events.push_back(Event::Notification(IncomingNotification { call }));
        }
    }

    /// A cancellation of something that is not open is late, which is nobody's fault, or nonsense.
    fn peer_cancelled(&mut self, params: Option<Raw<'_>>) {
        let id = params.and_then(|params| params.member("requestId")).map(RequestId::try_from);
        if let Some(Ok(id)) = id
            && self.unanswered.cancel(&id)
        {
            self.events.push_back(Event::Cancelled { id, ordinal: self.received });
        }
    }

    fn incoming(&mut self, line: &Bytes, request: Request<'_>) {
        let id = request.id.to_owned();
        if self.unanswered.contains(&id) {
            // Under that id all the same: whoever keeps one table of what it asked has the second request in it.
            let message = format!(
                "a request with the id {id} still waits for its answer, so this one is not served: send it with another id"
            );
            let answer = error(ErrorCode::INVALID_REQUEST, message, None);
            self.push_frame(frame::response(&id, Err(&answer)));
            self.events.push_back(Event::Rejected { reason: Rejection::DuplicateId { id } });
            return;
        }
        let limit = self.limits.max_incoming;
        if self.unanswered.len() >= limit {
            let message = format!("{limit} requests wait for an answer already: wait for one of them");
            let answer = error(ErrorCode::INVALID_REQUEST, message, None);
            self.push_frame(frame::response(&id, Err(&answer)));
            self.events.push_back(Event::Rejected { reason: Rejection::TooManyRequests { id, limit } });
            return;
        }
        self.unanswered.insert(id.clone());
        let call = self.call(line, request.method, request.params);
        self.events.push_back(Event::Request(Incoming { id, call }));
    }

    fn response(&mut self, line: &Bytes, response: &Response<'_>) {
        let Some(key) = self.answered(response.id) else {
            let error = response.outcome.err().and_then(|raw| RawError::new(RawBuf::from(raw)).ok());
            self.events.push_back(Event::Stray { id: response.id.to_owned(), error });
            return;
        };
        let outcome = match response.outcome {
            Ok(result) => Ok(Payload { line: line.clone(), range: result.range_in(line) }),
            Err(raw) => Err(peer_error(raw)),
        };
        self.events.push_back(Event::Response { key, outcome, ordinal: Some(self.received) });
    }

    fn reject(&mut self, error: FrameError, line: &Bytes) {
        if error.is_response_like() {
            let key = self.answered_badly(&error);
            if key.is_none() && self.noisy && !error.is_message_like() {
                return self.noise(line);
            }
            // An answer to nothing needs no answer, whatever is wrong with it.
            if !self.noisy && (key.is_some() || error.id().is_none()) {
                self.tell(&error);
            }
            if let Some(key) = key {
                let outcome = Err(ResponseError::Invalid(error.clone()));
                self.events.push_back(Event::Response { key, outcome, ordinal: Some(self.received) });
            }
        } else if self.noisy && !error.is_message_like() {
            return self.noise(line);
        } else if error.wants_answer() && (!self.noisy || error.is_request_like()) {
            // An id that is open belongs to another request: its answer must stay the only one.
            let id = error.id().filter(|id| !self.unanswered.contains(id)).map_or(Id::NULL, RequestId::as_id);
            if !id.is_null() || !self.noisy {
                let answer = frame::response(id, Err(&error.answer()));
                self.push_frame(answer);
            }
        }
        self.events.push_back(Event::Rejected { reason: Rejection::Frame(error) });
    }

    /// The request of ours that an answer which cannot be read belongs to.
    fn answered_badly(&mut self, error: &FrameError) -> Option<RequestKey> {
        if let Some(id) = error.id() {
            return self.answered(id.as_id());
        }
        // An answer so long that its id was not kept: with one request open it is that one's.
        let too_large = matches!(error.kind(), FrameErrorKind::TooLarge { .. });
        let key = self.outgoing.only().filter(|_| too_large)?;
        self.outgoing.remove(key).then_some(key)
    }

    /// Tells the peer of an answer that cannot be read. The id is null, since there is no request to answer to.
    fn tell(&mut self, unread: &FrameError) {
        let answer = unread.answer();
        let message = match unread.id() {
            Some(id) => format!("the answer to request {id} cannot be read: {}", answer.message()),
            None => format!("an answer cannot be read: {}", answer.message()),
        };
        self.push_frame(frame::response(Id::NULL, Err(&error(answer.code().into(), message, None))));
    }

    fn noise(&mut self, line: &Bytes) {
        let head = Bytes::copy_from_slice(&line[..line.len().min(NOISE)]);
        self.events.push_back(Event::Rejected { reason: Rejection::Noise { head } });
    }

    fn call(&self, line: &Bytes, method: Cow<'_, str>, params: Option<Raw<'_>>) -> Call {
        let method = match method {
            Cow::Borrowed(name) => Name::Span(Raw::trusted(name).range_in(line)),
            Cow::Owned(name) => Name::Text(name.into()),
        };
        let params = params.map(|params| params.range_in(line));
        Call { line: line.clone(), method, params, ordinal: self.received }
    }

    /// Closes the request of ours that an answer with this id belongs to.
    fn answered(&mut self, id: Id<'_>) -> Option<RequestKey> {
        let key = RequestKey(id.as_u64()?);
        self.outgoing.remove(key).then_some(key)
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

/// A frame's error was found to be an error object when it was parsed; should that ever not hold, the peer is at fault
/// all the same.
fn peer_error(raw: Raw<'_>) -> ResponseError {
    let received = RawError::new(RawBuf::from(raw));
    ResponseError::Peer(
        received.unwrap_or_else(|invalid| RawError::from(&error(ErrorCode::INTERNAL_ERROR, invalid.to_string(), None))),
    )
}
