//! Contract of a version of ACP: what the gateway needs of it. A folder such as `v1` implements it.

use std::fmt::Debug;
use std::sync::Arc;

use acp_server::proto::{Incoming, IncomingNotification, Payload, ResponseError};
use acp_types::record::{Record, Seq};
use acp_types::{RawBuf, RawError, SessionId};
use bytes::{Bytes, BytesMut};

use super::error::RequestError;
use super::history::Replay;
use super::lanes::LaneFilter;
use super::news::News;
use super::request::{About, ClientAnswer, Notification, Request};
use super::response::Response;
use crate::session::State;

/// Test whether the client is attached to a session.
pub(crate) type IsAttached<'a> = &'a dyn Fn(&SessionId) -> bool;

/// Protocol of one client, and what the client said of itself.
pub(crate) trait View: Debug + Send + Sync {
    /// Takes in that the client has said hello, with these params.
    fn greeted(&mut self, initialize: RawBuf);

    /// Description that the client gave of itself, as others are shown it.
    fn client_info(&self) -> Option<RawBuf>;

    /// Subject of a request, for whoever decides whether the client may have it.
    fn about(&self, request: &Incoming, attached: IsAttached<'_>) -> About;

    /// Reads a request.
    ///
    /// # Errors
    /// When it cannot be read, or needs a session that the client is not attached to.
    fn request(&self, request: &Incoming, attached: IsAttached<'_>) -> Result<Request, RequestError>;

    /// Reads a notification; `None` for one that asks for nothing, which the program's own log then says.
    fn notification(&self, notification: &IncomingNotification, attached: IsAttached<'_>) -> Option<Notification>;

    /// Reads the answer to what an agent asked.
    fn answer(&self, outcome: Result<Payload, ResponseError>) -> ClientAnswer;

    /// Returns whether the client can be asked that.
    fn can_be_asked(&self, method: &str) -> bool;

    /// Returns whether the client understands child sessions, and what they ask.
    fn understands_children(&self) -> bool;

    /// Params of a request of an agent as the client understands them.
    fn asking(&self, params: RawBuf) -> RawBuf;

    /// Result or error of an answer.
    fn respond(&self, response: Response<'_>) -> Result<RawBuf, RawError>;

    /// Error of an answer.
    fn refuse(&self, why: &RequestError) -> RawError;

    /// Method and params of the notification that tells something; `None` for what cannot be written as JSON.
    fn tell(&self, session: &SessionId, news: &News<'_>) -> Option<(&'static str, RawBuf)>;

    /// Screen that shows the client a session, from now on.
    fn screen(&self, session: SessionId) -> Box<dyn Screen>;
}

/// View of one session for one client: its records as frames.
pub(crate) trait Screen: Debug + Send + Sync {
    /// Takes in a record from before the client's history, in order. `state` is as of the log's end.
    fn hear(&mut self, record: &Record, lanes: &LaneFilter, state: &State);

    /// Begins the client's history in this form. `resumes`: it goes on from a cursor, and may have missed what was told
    /// before it.
    fn begin(&mut self, replay: Replay, resumes: bool);

    /// Tells the client what it is to know before its history, which begins behind `cursor`. `state` is as of then, or
    /// later; the client sees these lanes.
    fn introduce(&mut self, state: &State, lanes: &LaneFilter, cursor: Seq, out: &mut dyn Sink);

    /// Makes room for the frames of records that come now.
    fn expect(&self, records: &[Arc<Record>], out: &mut dyn Sink);

    /// Shows an update. `state` is as of its place, or later.
    fn update(&mut self, record: &Arc<Record>, state: &State, out: &mut dyn Sink);

    /// Shows a notification of an agent that is no update. `state` is as of its place, or later.
    fn extension(&mut self, record: &Record, state: &State, out: &mut dyn Sink);

    /// Takes in a control record, before the client is told what comes of it. `seen`: it is of a lane that it sees.
    fn control(&mut self, record: &Record, seen: bool, out: &mut dyn Sink);

    /// Shows what waits to be shown together with more: something else comes in its place.
    fn flush(&mut self, out: &mut dyn Sink);

    /// Shows what the records up to `cursor` come to: no more follow at once.
    fn settle(&mut self, cursor: Seq, out: &mut dyn Sink);

    /// Ends the client's history, all of which up to `cursor` has been shown; the number of its updates.
    fn end_history(&mut self, cursor: Seq, out: &mut dyn Sink) -> u64;
}

/// Taker of the frames of notifications, in order.
pub(crate) trait Sink {
    /// Buffer that frames are cut from, many to one allocation.
    fn buffer(&mut self) -> &mut BytesMut;

    /// Takes the next frame.
    fn frame(&mut self, frame: Bytes);
}
