//! JSON Schema of everything that stands in a session log.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::meta::UpdateMeta;
use crate::record::{Kind, Record, body};

/// One document: the schema of a record, and under `$defs` the body of each kind that has a type of its own, by the
/// kind's name in the log. `x-bodies` says for every known kind what its body is.
#[must_use]
pub fn records() -> Value {
    let mut generator = SchemaGenerator::default();
    let mut bodies = Map::new();
    for kind in Kind::KNOWN {
        bodies.insert(kind.as_str().to_owned(), body_of(kind, &mut generator));
    }
    generator.subschema_for::<UpdateMeta<'_>>();
    let mut root = generator.into_root_schema_for::<Record>().to_value();
    if let Value::Object(members) = &mut root {
        members.insert("title".to_owned(), json!("Session-log record"));
        members.insert("x-bodies".to_owned(), Value::Object(bodies));
    }
    root
}

fn body_of(kind: &Kind, generator: &mut SchemaGenerator) -> Value {
    match kind {
        Kind::SessionCreated => typed::<body::SessionCreated>(generator),
        Kind::SessionUpdated => typed::<body::SessionUpdated>(generator),
        Kind::AgentStarted => typed::<body::AgentStarted>(generator),
        Kind::AgentExited => typed::<body::AgentExited>(generator),
        Kind::ChoicesRestored => typed::<body::ChoicesRestored>(generator),
        Kind::PromptQueued => typed::<body::PromptQueued>(generator),
        Kind::PromptEdited => typed::<body::PromptEdited>(generator),
        Kind::PromptMoved => typed::<body::PromptMoved>(generator),
        Kind::PromptSteered => typed::<body::PromptSteered>(generator),
        Kind::TurnStarted => typed::<body::TurnStarted>(generator),
        Kind::Update => wire("params of `session/update`; `sessionId` is the session's, or that of a child session"),
        Kind::PermissionRequested => {
            wire("params of `session/request_permission`; `sessionId` is the session's, or that of a child session")
        }
        Kind::PermissionResolved | Kind::Response => typed::<body::Resolved>(generator),
        Kind::Request => typed::<body::Requested>(generator),
        Kind::CancelRequested => typed::<body::CancelRequested>(generator),
        Kind::TurnEnded => typed::<body::Outcome>(generator),
        Kind::Extension => typed::<body::Extension>(generator),
        Kind::SessionClosed => typed::<body::SessionClosed>(generator),
        Kind::SessionDisarmed => typed::<body::SessionDisarmed>(generator),
        Kind::SessionTrusted => typed::<body::SessionTrusted>(generator),
        Kind::LaneJoined => typed::<body::LaneJoined>(generator),
        Kind::LaneLeft => typed::<body::LaneLeft>(generator),
        Kind::ChildUpdated => typed::<body::ChildUpdated>(generator),
        Kind::ChildCancelRequested => typed::<body::ChildCancelRequested>(generator),
        Kind::Other(_) => wire("not defined yet"),
    }
}

fn typed<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

fn wire(what: &str) -> Value {
    json!({ "description": what })
}
