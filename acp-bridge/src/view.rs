//! A client's protocol: what its messages ask for, and how it is shown what a log says. Pure.
//!
//! The gateway's core speaks records and commands: who is attached, where each client is, what waits for an answer. A
//! view turns messages of one version of ACP into [`Request`]s and [`Notification`]s, and records, [`News`],
//! [`Response`]s and [`RequestError`]s into frames. A second version is a module beside `v1` and a variant of each enum
//! here; nothing in the gateway changes.
//!
//! | File | Is |
//! |---|---|
//! | `request` | what clients ask for |
//! | `response`, `news`, `error` | what they are told: answers, notifications, refusals |
//! | `history`, `lanes`, `member`, `role` | what these have in common |
//! | `sink` | where frames go |
//! | `door` | JSON-RPC's error objects, for every version and for the session API |
//! | `v1` | version 1 of ACP |

pub(crate) mod door;
mod error;
mod history;
mod lanes;
mod member;
mod news;
mod request;
mod response;
mod role;
mod sink;
pub(crate) mod v1;

use std::sync::Arc;

use acp_server::proto::{Incoming, IncomingNotification, Payload, ResponseError};
use acp_types::record::{Record, Seq};
use acp_types::{Raw, RawBuf, RawError, SessionId};

pub(crate) use self::error::RequestError;
pub(crate) use self::history::{Begin, HistoryPolicy, Replay};
pub(crate) use self::lanes::{LaneFilter, lanes_of};
pub(crate) use self::member::{Member, Roster};
pub(crate) use self::news::{News, QueueChange};
pub(crate) use self::request::{About, Attach, ClientAnswer, EntryKind, Notification, Request};
pub(crate) use self::response::{Attached, Response};
pub(crate) use self::role::Role;
pub(crate) use self::sink::Sink;
use crate::session::State;

/// Test whether the client is attached to a session.
pub(crate) type IsAttached<'a> = &'a dyn Fn(&SessionId) -> bool;

/// The protocol of one client, and what the client said of itself.
#[derive(Debug)]
pub(crate) enum View {
    V1(v1::Client),
}

impl View {
    /// Of a client that has not said hello. `client` names its connection in logs.
    pub(crate) fn new(client: Arc<str>) -> Self {
        Self::V1(v1::Client::new(client))
    }

    /// The client has said hello, with these params.
    pub(crate) fn greeted(&mut self, initialize: RawBuf) {
        match self {
            Self::V1(client) => client.greeted(initialize),
        }
    }

    /// The client's own description of itself, as others are shown it.
    pub(crate) fn client_info(&self) -> Option<RawBuf> {
        match self {
            Self::V1(client) => client.info(),
        }
    }

    /// Subject of a request, for whoever decides whether the client may have it.
    pub(crate) fn about(&self, request: &Incoming, attached: IsAttached<'_>) -> About {
        match self {
            Self::V1(_) => v1::Client::about(request, attached),
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// When it cannot be read, or needs a session that the client is not attached to.
    pub(crate) fn request(&self, request: &Incoming, attached: IsAttached<'_>) -> Result<Request, RequestError> {
        match self {
            Self::V1(client) => client.request(request, attached),
        }
    }

    /// Reads a notification; `None` for one that asks for nothing, which the program's own log then says.
    pub(crate) fn notification(
        &self,
        notification: &IncomingNotification,
        attached: IsAttached<'_>,
    ) -> Option<Notification> {
        match self {
            Self::V1(client) => client.notification(notification, attached),
        }
    }

    /// Reads the answer to what an agent asked.
    pub(crate) fn answer(&self, outcome: Result<Payload, ResponseError>) -> ClientAnswer {
        match self {
            Self::V1(_) => v1::answer_of(outcome),
        }
    }

    /// Params of a request of an agent as the client understands them.
    pub(crate) fn asking(&self, params: RawBuf) -> RawBuf {
        match self {
            Self::V1(client) => client.asking(params),
        }
    }

    /// Returns whether the client can be asked that.
    pub(crate) fn can_be_asked(&self, method: &str) -> bool {
        match self {
            Self::V1(client) => client.can_be_asked(method),
        }
    }

    /// Result or error of an answer.
    pub(crate) fn respond(&self, response: Response<'_>) -> Result<RawBuf, RawError> {
        match self {
            Self::V1(_) => v1::respond(response),
        }
    }

    /// The error of an answer.
    pub(crate) fn refuse(&self, why: &RequestError) -> RawError {
        match self {
            Self::V1(_) => v1::refuse(why),
        }
    }

    /// Method and params of the notification that tells something; `None` for what cannot be written as JSON.
    pub(crate) fn tell(&self, session: &SessionId, news: &News<'_>) -> Option<(&'static str, RawBuf)> {
        match self {
            Self::V1(_) => v1::tell(session, news),
        }
    }

    /// Record of what the client is to have heard of a session before its history begins; empty so far.
    pub(crate) fn earlier(&self) -> Earlier {
        match self {
            Self::V1(client) => Earlier::V1(client.earlier()),
        }
    }

    /// A screen that shows the client a session.
    pub(crate) fn screen(&self, session: SessionId, earlier: Earlier, replay: Replay) -> Screen {
        match (self, earlier) {
            (Self::V1(client), Earlier::V1(earlier)) => Screen::V1(client.screen(session, earlier, replay)),
        }
    }
}

/// Records before a client's history that matter for what it is shown.
#[derive(Debug)]
pub(crate) enum Earlier {
    V1(v1::Earlier),
}

impl Earlier {
    /// Records before a client's history in which it is looked for.
    pub(crate) const LOOK_BACK: u64 = v1::LOOK_BACK;

    /// Returns whether a record may matter to any client whose history begins behind it.
    pub(crate) fn may_matter(record: &Record) -> bool {
        v1::may_matter_later(record)
    }

    /// Takes in the next record. `state` is as of the log's end.
    pub(crate) fn hear(&mut self, record: &Record, lanes: &LaneFilter, state: &State) {
        match self {
            Self::V1(earlier) => earlier.hear(record, lanes, state),
        }
    }
}

/// View of one session for one client.
#[derive(Debug)]
pub(crate) enum Screen {
    V1(v1::Screen),
}

impl Screen {
    /// Counts what stood before the client's history as told.
    pub(crate) fn forget_earlier(&mut self) {
        match self {
            Self::V1(screen) => screen.forget_earlier(),
        }
    }

    /// Makes room for the frames of records that come now.
    pub(crate) fn expect(&self, records: &[Arc<Record>], out: &mut impl Sink) {
        match self {
            Self::V1(screen) => screen.expect(records, out),
        }
    }

    /// Shows an update. `state` is as of its place, or later.
    pub(crate) fn update(&mut self, record: &Arc<Record>, state: &State, out: &mut impl Sink) {
        match self {
            Self::V1(screen) => screen.update(record, state, out),
        }
    }

    /// Shows a notification of an agent that is no update.
    pub(crate) fn extension(&mut self, record: &Record, state: &State, out: &mut impl Sink) {
        match self {
            Self::V1(screen) => screen.extension(record, state, out),
        }
    }

    /// Tells the client what it is to know before its history, which begins behind `cursor`. `state` is as of then, or later.
    pub(crate) fn begin(&mut self, state: &State, cursor: Seq, out: &mut impl Sink) {
        match self {
            Self::V1(screen) => screen.begin(state, cursor, out),
        }
    }

    /// Returns whether the client understands what has these params.
    pub(crate) fn can_show(&self, params: Raw<'_>, state: &State) -> bool {
        match self {
            Self::V1(screen) => screen.can_show(params, state),
        }
    }

    /// Takes in a control record, before the client is told what comes of it. `seen`: it is of a lane that it sees.
    pub(crate) fn control(&mut self, record: &Record, seen: bool, out: &mut impl Sink) {
        match self {
            Self::V1(screen) => screen.control(record, seen, out),
        }
    }

    /// Shows what waits to be shown together with more: something else comes in its place.
    pub(crate) fn flush(&mut self, out: &mut impl Sink) {
        match self {
            Self::V1(screen) => screen.flush(out),
        }
    }

    /// Shows what the records up to `cursor` come to: no more follow at once.
    pub(crate) fn settle(&mut self, cursor: Seq, out: &mut impl Sink) {
        match self {
            Self::V1(screen) => screen.settle(cursor, out),
        }
    }

    /// All history up to `cursor` has been shown; the number of its updates.
    pub(crate) fn end_history(&mut self, cursor: Seq, out: &mut impl Sink) -> u64 {
        match self {
            Self::V1(screen) => screen.end_history(cursor, out),
        }
    }
}

/// Returns whether a record is an update of the message of this id.
pub(crate) fn is_of_message(record: &Record, message: &str) -> bool {
    v1::is_of_message(record, message)
}
