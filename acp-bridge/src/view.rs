//! A client's protocol: what its messages ask for, and how it is shown what a log says. Pure.
//!
//! The gateway's core speaks records and commands: who is attached, where each client is, what waits for an answer. A
//! view turns messages of one version of ACP into [`Request`]s and [`Notification`]s, and records, [`News`],
//! [`Response`]s and [`RequestError`]s into frames. A second version is a folder beside `v1` that keeps the same contract;
//! nothing in the gateway changes.
//!
//! | File | Is |
//! |---|---|
//! | `contract` | what the gateway needs of a version: [`View`], [`Screen`] |
//! | `request` | what clients ask for |
//! | `response`, `news`, `error` | what they are told: answers, notifications, refusals |
//! | `history`, `lanes`, `member`, `role` | what these have in common |
//! | `door` | JSON-RPC's error objects, for every version and for the session API |
//! | `v1` | version 1 of ACP |

mod contract;
pub(crate) mod door;
mod error;
mod history;
mod lanes;
mod member;
mod news;
mod request;
mod response;
mod role;
pub(crate) mod v1;

use std::sync::Arc;

use acp_types::record::Record;

pub(crate) use self::contract::{Screen, Sink, View};
pub(crate) use self::error::RequestError;
pub(crate) use self::history::{Begin, HistoryPolicy, Replay};
pub(crate) use self::lanes::{LaneFilter, lanes_of};
pub(crate) use self::member::{Member, Roster};
pub(crate) use self::news::{News, QueueChange};
pub(crate) use self::request::{About, Attach, ClientAnswer, EntryKind, Notification, Request};
pub(crate) use self::response::{Attached, Response};
pub(crate) use self::role::Role;

/// Records before a client's history in which what matters for what it is shown is looked for.
pub(crate) const LOOK_BACK: u64 = v1::LOOK_BACK;

/// View for a client that has not said hello. `client` names its connection in logs.
pub(crate) fn of(client: Arc<str>) -> Box<dyn View> {
    Box::new(v1::Client::new(client))
}

/// Returns whether a record may matter to any client whose history begins behind it.
pub(crate) fn may_matter_later(record: &Record) -> bool {
    v1::may_matter_later(record)
}

/// Returns whether a record is an update of the message of this id.
pub(crate) fn is_of_message(record: &Record, message: &str) -> bool {
    v1::is_of_message(record, message)
}
