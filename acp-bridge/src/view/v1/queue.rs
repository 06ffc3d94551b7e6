//! News for clients when prompts that wait change.

use acp_types::meta::{META_KEY, UpdateMeta};
use acp_types::record::{Record, Turn};
use acp_types::{RawBuf, SessionId};
use serde::Serialize;

use crate::session::State;
use crate::view::news::QueueChange;

/// Params of `_acp-bridge/queue_changed`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct QueueChanged<'a> {
    session_id: &'a SessionId,
    change: &'static str,
    turn: Turn,
    lane: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    queue: Vec<Turn>,
    #[serde(rename = "_meta")]
    meta: serde_json::Value,
}

/// Params of the news. `state` has the record in it.
pub(super) fn changed(
    session: &SessionId,
    change: QueueChange,
    turn: Turn,
    record: &Record,
    state: &State,
) -> Option<RawBuf> {
    let change = match change {
        QueueChange::Queued => "queued",
        QueueChange::Edited => "edited",
        QueueChange::Moved => "moved",
        QueueChange::Offered => "offered",
        QueueChange::Steered => "steered",
        QueueChange::Started => "started",
        QueueChange::Ended => "ended",
    };
    let meta = UpdateMeta { seq: record.seq, at: record.at, turn: Some(turn), lane: (&*record.lane).into() };
    let changed = QueueChanged {
        session_id: session,
        change,
        turn,
        lane: &record.lane,
        client: record.origin.client().map(|client| &**client),
        queue: state.lane(&record.lane).map(|lane| lane.queue().collect()).unwrap_or_default(),
        meta: serde_json::json!({ META_KEY: meta }),
    };
    RawBuf::encode(&changed).ok()
}
