//! Messages of the peer: what each does to the tables of open requests, and what becomes of one that is no message.

use std::borrow::Cow;

use acp_types::error::error;
use acp_types::frame::{self, Notification, Request, Response};
use acp_types::{ErrorCode, Frame, FrameError, FrameErrorKind, Id, Raw, RawBuf, RawError, RequestId};
use bytes::Bytes;

use super::{CANCEL_REQUEST, Connection};
use crate::proto::message::{Call, Name};
use crate::proto::{Event, Incoming, IncomingNotification, Payload, Rejection, RequestKey, ResponseError};

/// Kept of a line that is noise, in bytes.
const NOISE: usize = 512;
/// Begins the names of notifications that a peer may ignore without a word.
const OPTIONAL: &str = "$/";

impl Connection {
    pub(super) fn message(&mut self, line: &Bytes) {
        match Frame::parse(line, &self.limits.frame) {
            Ok(Frame::Notification(notification)) => self.notification(line, notification),
            Ok(Frame::Request(request)) => self.incoming(line, request),
            Ok(Frame::Response(response)) => self.response(line, &response),
            Err(error) => self.reject(error, line),
        }
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

    pub(super) fn reject(&mut self, error: FrameError, line: &Bytes) {
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
}

/// A frame's error was found to be an error object when it was parsed; should that ever not hold, the peer is at fault
/// all the same.
fn peer_error(raw: Raw<'_>) -> ResponseError {
    let received = RawError::new(RawBuf::from(raw));
    ResponseError::Peer(
        received.unwrap_or_else(|invalid| RawError::from(&error(ErrorCode::INTERNAL_ERROR, invalid.to_string(), None))),
    )
}
