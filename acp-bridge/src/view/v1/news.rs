//! Notifications that nobody asked for.

use acp_types::meta::{CAUGHT_UP, DETACHED, QUEUE_CHANGED};
use acp_types::method::v1;
use acp_types::{RawBuf, SessionId};

use super::children::announcement;
use super::error::error_object;
use super::{members, queue, turn};
use crate::view::news::News;

const UPDATE: &str = v1::SessionUpdate::NAME;

/// Method and params that tell something; `None` for what cannot be written as JSON.
pub(super) fn tell(session: &SessionId, news: &News<'_>) -> Option<(&'static str, RawBuf)> {
    Some(match *news {
        News::CaughtUp { seq } => {
            (CAUGHT_UP, RawBuf::encode(&serde_json::json!({ "sessionId": session, "seq": seq })).ok()?)
        }
        News::QueueChanged { change, turn, record, state } => {
            (QUEUE_CHANGED, queue::changed(session, change, turn, record, state)?)
        }
        News::TurnEnded { turn, outcome, record } => turn::ended(session, turn, outcome, record)?,
        News::TurnUnwritable { turn, why } => turn::unwritable(session, turn, &error_object(why))?,
        News::PermissionResolved { record, resolved, asked, by } => {
            (UPDATE, members::permission_resolved(session, record, resolved, asked, by)?)
        }
        News::Child(child) => (UPDATE, announcement(session, child)?),
        News::Came(member) => (UPDATE, members::presence(session, member, true)?),
        News::Left(member) => (UPDATE, members::presence(session, member, false)?),
        News::Detached { why } => {
            let params = serde_json::json!({ "sessionId": session, "error": error_object(why) });
            (DETACHED, RawBuf::encode(&params).ok()?)
        }
    })
}
