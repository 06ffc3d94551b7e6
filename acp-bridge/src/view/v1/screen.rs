//! Screen of one client for one session: which updates it is shown, in which form, as frames.

use std::sync::Arc;

use acp_types::method::v1;
use acp_types::record::body::Extension;
use acp_types::record::{Kind, Origin, Record, Seq};
use acp_types::{Raw, RawBuf, SessionId, frame};
use bytes::{BufMut, Bytes, BytesMut};

use super::children::{announcements, child_in, without_references};
use super::client_capabilities::ClientCapabilities;
use super::notice::{as_thought, is_momentary, is_notice};
use super::plan::OnePlan;
use super::replay::Coalescer;
use super::session_terminals::SessionTerminals;
use super::terminals::VisibleUpdate;
use crate::session::{HOST_TERMINAL, State};
use crate::shared::{self, BIG};
use crate::view::contract::{self, Screen as _, Sink};
use crate::view::history::Replay;
use crate::view::lanes::LaneFilter;

const UPDATE: &str = v1::SessionUpdate::NAME;
const UPDATE_HEAD: &str = r#"{"jsonrpc":"2.0","method":"session/update","params":"#;

/// Bytes of an update's frame around its params.
const UPDATE_OVERHEAD: usize = UPDATE_HEAD.len() + 1;

/// Sight of a client: what it can see, and which words are its own.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    pub(super) client: Arc<str>,
    pub(super) capabilities: ClientCapabilities,
}

impl Sight {
    /// Returns whether the client shows a terminal itself: it made it, or the agent streams it and the client can show
    /// that. Those that the host serves and those of other clients it has no way to.
    fn has_terminal(&self, state: &State, lane: &str, terminal: &str) -> bool {
        match state.terminal_maker(lane, terminal) {
            _ if terminal.starts_with(HOST_TERMINAL) => false,
            Some(maker) => *maker == self.client,
            None => self.capabilities.terminals,
        }
    }
}

/// Form in which updates are shown.
#[derive(Debug)]
enum Showing {
    /// Live records, as they come. A client knows what it has just said itself.
    Live,
    /// History, with each record as an update of its own.
    Each,
    /// History, with adjacent chunks as one.
    Joined { coalescer: Coalescer, joined: Vec<RawBuf> },
}

/// Screen of one client for one session.
#[derive(Debug)]
pub(crate) struct Screen {
    session: SessionId,
    sight: Sight,
    terminals: SessionTerminals,
    /// Plan of a client that knows no plans by id.
    plan: OnePlan,
    showing: Showing,
    /// Updates that were shown before the end of history.
    replayed: u64,
}

impl Screen {
    pub(super) fn new(session: SessionId, sight: Sight) -> Self {
        Self {
            session,
            sight,
            terminals: SessionTerminals::default(),
            plan: OnePlan::default(),
            showing: Showing::Live,
            replayed: 0,
        }
    }

    /// Tells what commands have printed since, to a client that cannot show their terminals.
    fn flush_terminals(&mut self, cursor: Seq, out: &mut dyn Sink) {
        if !self.terminals.is_behind() {
            return;
        }
        self.flush(out);
        for params in self.terminals.flush(&self.session, cursor) {
            self.replayed += u64::from(!matches!(self.showing, Showing::Live));
            show(out, params.as_raw());
        }
    }

    /// Returns whether the client can be shown what has these params: it is about the session itself, or the client
    /// understands child sessions.
    fn can_show(&self, params: Raw<'_>, state: &State) -> bool {
        self.sight.capabilities.subagents || child_in(&self.session, params, state).is_none()
    }

    /// An update without references to sessions, if the client does not understand those that it has.
    fn without_references(&self, record: &Arc<Record>) -> Option<Arc<Record>> {
        if self.sight.capabilities.subagents {
            return None;
        }
        let body = without_references(record.body.as_raw(), "update")?;
        Some(Arc::new(Record { body, ..Record::clone(record) }))
    }

    /// Takes in a record that is no update.
    fn hear_control(&mut self, record: &Record) {
        let session = &self.session;
        self.terminals.control(record, |params| {
            let named = params.as_raw().member("sessionId").and_then(Raw::as_string)?;
            (named != session.as_str()).then(|| SessionId::from(&*named))
        });
    }

    fn joins(&self) -> bool {
        matches!(self.showing, Showing::Joined { .. })
    }
}

impl contract::Screen for Screen {
    fn hear(&mut self, record: &Record, lanes: &LaneFilter, state: &State) {
        if !lanes.shows(&record.lane) {
            return;
        }
        if record.kind != Kind::Update {
            return self.hear_control(record);
        }
        let child = child_in(&self.session, record.body.as_raw(), state);
        let Self { sight, terminals, .. } = self;
        terminals.update(record, child.as_ref(), |terminal| sight.has_terminal(state, &record.lane, terminal));
    }

    fn begin(&mut self, replay: Replay, resumes: bool) {
        if !resumes {
            // Only who goes on from a cursor may have missed what is told here again.
            self.terminals.forget_unshown();
        }
        self.showing = match replay {
            Replay::Nothing => Showing::Live,
            Replay::Each => Showing::Each,
            Replay::Joined => Showing::Joined { coalescer: Coalescer::default(), joined: Vec::new() },
        };
    }

    fn introduce(&mut self, state: &State, lanes: &LaneFilter, cursor: Seq, out: &mut dyn Sink) {
        if self.sight.capabilities.subagents {
            for params in announcements(&self.session, state, lanes, cursor) {
                self.replayed += u64::from(!matches!(self.showing, Showing::Live));
                show(out, params.as_raw());
            }
        }
    }

    fn expect(&self, records: &[Arc<Record>], out: &mut dyn Sink) {
        if self.joins() {
            return;
        }
        // What is big has a frame of its own.
        let is_cut = |record: &&Arc<Record>| record.kind == Kind::Update && record.body.as_str().len() < BIG;
        let updates = records.iter().filter(is_cut);
        let (count, bytes) =
            updates.fold((0, 0), |(count, bytes), record| (count + 1, bytes + record.body.as_str().len()));
        out.buffer().reserve(count * UPDATE_OVERHEAD + bytes);
    }

    fn update(&mut self, record: &Arc<Record>, state: &State, out: &mut dyn Sink) {
        let sight = &self.sight;
        let plain = self.without_references(record);
        let record = plain.as_ref().unwrap_or(record);
        let body = record.body.as_raw();
        let child = child_in(&self.session, body, state);
        let shown = if child.is_some() && !sight.capabilities.subagents {
            VisibleUpdate::Later
        } else if sight.capabilities.takes(body) {
            let has_terminal = |terminal: &str| sight.has_terminal(state, &record.lane, terminal);
            self.terminals.update(record, child.as_ref(), has_terminal)
        } else if record.origin == Origin::Host && is_notice(body) {
            // An agent's is not for a client that did not ask for such; the bridge says only what all must know.
            as_thought(body).map_or(VisibleUpdate::Later, VisibleUpdate::Instead)
        } else if child.is_some() {
            VisibleUpdate::Later
        } else {
            self.plan.update(body).map_or(VisibleUpdate::Later, VisibleUpdate::Instead)
        };
        let instead;
        let record = match shown {
            VisibleUpdate::All => record,
            VisibleUpdate::Instead(body) => {
                instead = Arc::new(Record { body, ..Record::clone(record) });
                &instead
            }
            VisibleUpdate::Later => return,
        };
        match &mut self.showing {
            Showing::Live if record.origin.client().is_some_and(|client| **client == *self.sight.client) => {}
            Showing::Live => show(out, record.body.as_raw()),
            Showing::Each => {
                self.replayed += 1;
                show(out, record.body.as_raw());
            }
            Showing::Joined { .. } if is_momentary(record.body.as_raw()) => {}
            Showing::Joined { coalescer, joined } => {
                coalescer.push(record, joined);
                self.replayed += show_all(joined, out);
            }
        }
    }

    fn extension(&mut self, record: &Record, state: &State, out: &mut dyn Sink) {
        self.flush(out);
        match record.decode::<Extension>() {
            Ok(Extension { params: Some(params), .. }) if !self.can_show(params.as_raw(), state) => {}
            Ok(Extension { method, params }) => {
                out.frame(Bytes::from(frame::notification(&method, params.as_ref().map(RawBuf::as_raw))));
            }
            Err(error) => tracing::warn!(session = %self.session, seq = record.seq, %error, "an extension is damaged"),
        }
    }

    fn control(&mut self, record: &Record, seen: bool, out: &mut dyn Sink) {
        if matches!(record.kind, Kind::TurnEnded | Kind::PermissionRequested) {
            // What comes of it is to be seen with all that was before.
            self.flush_terminals(record.seq, out);
        }
        if seen {
            self.hear_control(record);
        }
    }

    fn flush(&mut self, out: &mut dyn Sink) {
        if let Showing::Joined { coalescer, joined } = &mut self.showing {
            coalescer.flush(joined);
            self.replayed += show_all(joined, out);
        }
    }

    fn settle(&mut self, cursor: Seq, out: &mut dyn Sink) {
        if !self.joins() {
            self.flush_terminals(cursor, out);
        }
    }

    fn end_history(&mut self, cursor: Seq, out: &mut dyn Sink) -> u64 {
        self.flush_terminals(cursor, out);
        self.flush(out);
        self.showing = Showing::Live;
        self.replayed
    }
}

/// Shows updates that are complete; how many there were.
fn show_all(joined: &mut Vec<RawBuf>, out: &mut dyn Sink) -> u64 {
    let mut shown = 0;
    for params in joined.drain(..) {
        shown += 1;
        show(out, params.as_raw());
    }
    shown
}

/// Shows an update with these params.
fn show(out: &mut dyn Sink, params: Raw<'_>) {
    let frame = cut(out.buffer(), params);
    out.frame(frame);
}

/// Frame of an update, cut from `buffer`. The params go on the wire as they stand in the log.
fn cut(buffer: &mut BytesMut, params: Raw<'_>) -> Bytes {
    let text = params.as_str().as_bytes();
    if text.contains(&b'\n') {
        // Rare: a client's own content, written on several lines. Line-based readers could not take it.
        return Bytes::from(frame::notification(UPDATE, Some(params)));
    }
    if text.len() >= BIG {
        // Clients that do not read it hold one frame together.
        return shared::frame(UPDATE_HEAD.as_bytes(), text, b"}");
    }
    buffer.reserve(UPDATE_OVERHEAD + text.len());
    buffer.put_slice(UPDATE_HEAD.as_bytes());
    buffer.put_slice(text);
    buffer.put_u8(b'}');
    buffer.split().freeze()
}

/// Returns whether a record is an update of the message of this id.
pub(crate) fn is_of_message(record: &Record, message: &str) -> bool {
    let id = || record.body.as_raw().path(&["update", "messageId"]).and_then(Raw::as_string);
    record.kind == Kind::Update && id().is_some_and(|id| id == message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_share_one_buffer_and_keep_their_bytes() {
        let mut buffer = BytesMut::with_capacity(4096);
        for params in [r#"{"sessionId":"s","n":1e2}"#, "{ \"sessionId\" : \"s\"\n}"] {
            let frame = cut(&mut buffer, Raw::parse(params).unwrap());
            let expected = frame::notification(UPDATE, Some(Raw::parse(params).unwrap()));
            assert_eq!(frame, expected.as_bytes());
        }
    }
}
