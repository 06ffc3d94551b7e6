//! What clients are told when prompts that wait change.

use acp_types::meta::{META_KEY, UpdateMeta};
use acp_types::record::body::{PromptSteered, Steer};
use acp_types::record::{Kind, Record, Turn};
use acp_types::{RawBuf, SessionId};
use serde::Serialize;

use crate::session::{State, TurnPhase};

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

/// Whether the turn that a record is about waits; asked before the record is taken in.
pub(crate) fn waits(state: &State, record: &Record) -> bool {
    let turn = record.turn.and_then(|turn| state.turn(turn));
    turn.is_some_and(|info| info.phase == TurnPhase::Queued)
}

/// The params, if the record changes what waits. `state` has it in, `waited` is what [`waits`] said before.
pub(crate) fn changed(session: &SessionId, state: &State, record: &Record, waited: bool) -> Option<RawBuf> {
    let change = match record.kind {
        Kind::PromptQueued => "queued",
        Kind::PromptEdited => "edited",
        Kind::PromptMoved => "moved",
        Kind::PromptSteered => match record.decode::<PromptSteered>().ok()?.steer {
            Steer::Offered => "offered",
            Steer::Injected => "steered",
            _ => "queued",
        },
        Kind::TurnStarted => "started",
        Kind::TurnEnded if waited => "ended",
        _ => return None,
    };
    let turn = if record.kind == Kind::PromptQueued { record.seq } else { record.turn? };
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
