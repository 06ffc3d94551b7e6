//! Parts of an import that would have effects, and have none.

use acp_types::record::body::SessionDisarmed;
use acp_types::record::{Kind, Origin, Record};
use acp_types::{Raw, RawBuf};

use crate::log::SessionInfo;
use crate::session::{self, FingerprintKey, State};

const REASON: &str = "the session was imported";

/// Lines that are kept, and bytes of what an export says in one.
const MAX_LINES: usize = 64;
const MAX_TEXT: usize = 200;

/// A session that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// It.
    pub session: SessionInfo,
    /// Its newest record, which disarms it.
    pub record: Record,
    /// Parts that would have had an effect and have none: a line for each, with names as they stand in the export.
    pub disarmed: Vec<String>,
}

/// Kinds of records that may have definitions of MCP servers, if an earlier version or another writer has made them.
pub(super) const WITH_DEFINITIONS: [Kind; 2] = [Kind::SessionCreated, Kind::AgentStarted];

/// Leaves out of a record what its version would not have written: definitions of MCP servers.
pub(super) fn strip(record: &mut Record) {
    if let Some(clean) = stripped(record) {
        record.body = clean;
    }
}

/// Returns whether a record has definitions of MCP servers.
pub(super) fn has_definitions(record: &Record) -> bool {
    stripped(record).is_some()
}

/// Its body without them; `None` when it has none.
fn stripped(record: &Record) -> Option<RawBuf> {
    // Fingerprints of another host's servers are compared with nothing here.
    let strip = || session::without_definitions(record.body.as_raw(), &FingerprintKey::default());
    WITH_DEFINITIONS.contains(&record.kind).then(strip).flatten()
}

/// The record that disarms a session, behind all others.
pub(super) fn record(info: &SessionInfo, now: u64, disarmed: &[String]) -> Record {
    let body = SessionDisarmed { reason: REASON.to_owned(), disarmed: disarmed.to_vec() };
    Record {
        seq: info.head + 1,
        at: now,
        epoch: info.epoch,
        lane: Record::MAIN_LANE.into(),
        origin: Origin::Host,
        kind: Kind::SessionDisarmed,
        turn: None,
        position: None,
        body: RawBuf::encode(&body).unwrap_or_default(),
    }
}

/// Parts of a session that would have an effect where it was written.
pub(super) fn disarmed(state: &State) -> Vec<String> {
    let mut lines = Vec::new();
    let created = state.created();
    let params = created.map_or(Raw::EMPTY_OBJECT, |created| created.params.as_raw());
    let named = |server: Raw<'_>| {
        let [name, transport] = server.pick(["name", "transport"]).map(|value| value.and_then(Raw::as_string));
        format!("MCP server {} ({})", quoted(&name.unwrap_or_default()), transport.as_deref().unwrap_or("other"))
    };
    lines.extend(params.member("mcpServers").into_iter().flat_map(Raw::elements).map(named));
    let directories = params.member("additionalDirectories").into_iter().flat_map(Raw::elements);
    lines.extend(directories.map(|path| format!("directory {}", quoted(&path.as_string().unwrap_or_default()))));
    if let Some(policy) = state.unattended() {
        lines.push(format!("policy for times without a controller: {policy}"));
    }
    for lane in state.lanes() {
        if let Some(agent) = lane.source().name() {
            lines.push(format!("lane {} with the agent {}", quoted(lane.name()), quoted(agent)));
        }
        if let Some(mode) = lane.mode() {
            lines.push(format!("mode {} of {}", quoted(mode), quoted(lane.name())));
        }
        let open = lane.queue().chain(lane.running()).chain(lane.steered());
        lines.extend(open.map(|turn| format!("turn {turn}, which was not over: {}", prompt(state, turn))));
    }
    if lines.len() > MAX_LINES {
        let more = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(format!("and {more} more"));
    }
    lines
}

/// The beginning of a turn's text.
fn prompt(state: &State, turn: acp_types::record::Turn) -> String {
    let params: Option<&RawBuf> = state.turn(turn).and_then(|info| info.params.as_ref());
    let blocks = params.and_then(|params| params.as_raw().member("prompt")).into_iter().flat_map(Raw::elements);
    let text = blocks.filter_map(|block| block.member("text")).find_map(Raw::as_string);
    text.map_or_else(|| "it has no text".to_owned(), |text| quoted(&text))
}

/// Text of somebody else, on one line, bounded, with nothing that a terminal would obey.
fn quoted(text: &str) -> String {
    let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= MAX_TEXT);
    match end {
        Some(end) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
