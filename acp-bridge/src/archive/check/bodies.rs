//! Bodies that each kind of record has to have.

use acp_types::RawKind;
use acp_types::record::body::{
    AgentExited, AgentStarted, CancelRequested, ChildCancelRequested, ChildUpdated, Extension, LaneJoined, LaneLeft,
    Outcome, PromptEdited, PromptMoved, PromptQueued, PromptSteered, Requested, Resolved, SessionClosed,
    SessionCreated, SessionDisarmed, SessionTrusted, SessionUpdated, TurnStarted,
};
use acp_types::record::{Kind, Record};

/// Reads a record's body as one of its kind. A kind of a later version may have any.
pub(super) fn read(record: &Record) -> serde_json::Result<()> {
    match &record.kind {
        Kind::SessionCreated => record.decode::<SessionCreated>().map(drop),
        Kind::SessionUpdated => record.decode::<SessionUpdated>().map(drop),
        Kind::SessionClosed => record.decode::<SessionClosed>().map(drop),
        Kind::SessionDisarmed => record.decode::<SessionDisarmed>().map(drop),
        Kind::SessionTrusted => record.decode::<SessionTrusted>().map(drop),
        Kind::AgentStarted => record.decode::<AgentStarted>().map(drop),
        Kind::AgentExited => record.decode::<AgentExited>().map(drop),
        Kind::PromptQueued => record.decode::<PromptQueued>().map(drop),
        Kind::PromptEdited => record.decode::<PromptEdited>().map(drop),
        Kind::PromptMoved => record.decode::<PromptMoved>().map(drop),
        Kind::PromptSteered => record.decode::<PromptSteered>().map(drop),
        Kind::TurnStarted => record.decode::<TurnStarted>().map(drop),
        Kind::PermissionResolved | Kind::Response => record.decode::<Resolved>().map(drop),
        Kind::Request => record.decode::<Requested>().map(drop),
        Kind::CancelRequested => record.decode::<CancelRequested>().map(drop),
        Kind::TurnEnded => record.decode::<Outcome>().map(drop),
        Kind::LaneJoined => record.decode::<LaneJoined>().map(drop),
        Kind::LaneLeft => record.decode::<LaneLeft>().map(drop),
        Kind::ChildUpdated => record.decode::<ChildUpdated>().map(drop),
        Kind::ChildCancelRequested => record.decode::<ChildCancelRequested>().map(drop),
        Kind::Extension => record.decode::<Extension>().map(drop),
        // Params as they go on the wire.
        Kind::Update | Kind::PermissionRequested if record.body.as_raw().kind() != RawKind::Object => {
            Err(serde::de::Error::custom("it is no object"))
        }
        _ => Ok(()),
    }
}
