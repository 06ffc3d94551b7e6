//! Screen of one client for one session.

use std::sync::Arc;

use acp_types::record::body::Extension;
use acp_types::record::{Kind, Origin, Record, Seq};
use acp_types::{Raw, RawBuf, SessionId};

use super::children::{announcements, child_in, without_references};
use super::client_capabilities::ClientCapabilities;
use super::frames;
use super::notice::{as_thought, is_notice};
use super::replay::Coalescer;
use super::session_terminals::SessionTerminals;
use super::terminals::VisibleUpdate;
use crate::session::{HOST_TERMINAL, State};
use crate::shared::BIG;
use crate::view::history::Replay;
use crate::view::lanes::LaneFilter;
use crate::view::sink::Sink;

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

/// Output of commands from before a client's history begins.
#[derive(Debug)]
pub(crate) struct Earlier {
    sight: Sight,
    terminals: SessionTerminals,
}

impl Earlier {
    pub(super) fn new(sight: Sight) -> Self {
        Self { sight, terminals: SessionTerminals::default() }
    }

    pub(crate) fn hear(&mut self, record: &Record, lanes: &LaneFilter, state: &State) {
        let Self { sight, terminals } = self;
        if !lanes.shows(&record.lane) {
            return;
        }
        let child_in = |params: &RawBuf| {
            let session = params.as_raw().member("sessionId").and_then(Raw::as_string)?;
            state.children().get(&SessionId::from(&*session)).map(|child| child.id().clone())
        };
        if record.kind != Kind::Update {
            return terminals.control(record, child_in);
        }
        let child = if state.children().ever() { child_in(&record.body) } else { None };
        terminals.update(record, child.as_ref(), |terminal| sight.has_terminal(state, &record.lane, terminal));
    }
}

/// Form in which updates are shown.
#[derive(Debug)]
enum Showing {
    /// As they come. A client knows what it has just said itself.
    Live,
    /// Each record of history as an update of its own.
    Each,
    /// Adjacent chunks of history as one.
    Joined { coalescer: Coalescer, joined: Vec<RawBuf> },
}

/// One client's view of one session.
#[derive(Debug)]
pub(crate) struct Screen {
    session: SessionId,
    sight: Sight,
    terminals: SessionTerminals,
    showing: Showing,
    /// Updates of history that were shown.
    replayed: u64,
}

impl Screen {
    pub(super) fn new(session: SessionId, sight: Sight, earlier: Earlier, replay: Replay) -> Self {
        let showing = match replay {
            Replay::Nothing => Showing::Live,
            Replay::Each => Showing::Each,
            Replay::Joined => Showing::Joined { coalescer: Coalescer::default(), joined: Vec::new() },
        };
        Self { session, sight, terminals: earlier.terminals, showing, replayed: 0 }
    }

    pub(crate) fn forget_earlier(&mut self) {
        self.terminals.forget_unshown();
    }

    /// Announces the children of which the client cannot have heard, since its history begins behind `cursor`.
    pub(crate) fn begin(&mut self, state: &State, cursor: Seq, out: &mut impl Sink) {
        if self.sight.capabilities.subagents {
            for params in announcements(&self.session, state, cursor) {
                frames::update(out, params.as_raw());
            }
        }
    }

    /// Returns whether the client can be shown what has these params: it is about the session itself, or the client
    /// understands child sessions.
    pub(crate) fn can_show(&self, params: Raw<'_>, state: &State) -> bool {
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

    pub(crate) fn expect(&self, records: &[Arc<Record>], out: &mut impl Sink) {
        if self.joins() {
            return;
        }
        // What is big has a frame of its own.
        let is_cut = |record: &&Arc<Record>| record.kind == Kind::Update && record.body.as_str().len() < BIG;
        let updates = records.iter().filter(is_cut);
        let (count, bytes) =
            updates.fold((0, 0), |(count, bytes), record| (count + 1, bytes + record.body.as_str().len()));
        frames::reserve(out, count, bytes);
    }

    pub(crate) fn update(&mut self, record: &Arc<Record>, state: &State, out: &mut impl Sink) {
        let sight = &self.sight;
        let plain = self.without_references(record);
        let record = plain.as_ref().unwrap_or(record);
        let body = record.body.as_raw();
        let child = child_in(&self.session, body, state);
        let understands = sight.capabilities.subagents || child.is_none();
        let shown = if understands && sight.capabilities.takes(body) {
            let has_terminal = |terminal: &str| sight.has_terminal(state, &record.lane, terminal);
            self.terminals.update(record, child.as_ref(), has_terminal)
        } else if record.origin == Origin::Host && is_notice(body) {
            // An agent's is not for a client that did not ask for such; the bridge says only what all must know.
            as_thought(body).map_or(VisibleUpdate::Later, VisibleUpdate::Instead)
        } else {
            return;
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
            Showing::Live => frames::update(out, record.body.as_raw()),
            Showing::Each => {
                self.replayed += 1;
                frames::update(out, record.body.as_raw());
            }
            Showing::Joined { .. } if is_notice(record.body.as_raw()) => {}
            Showing::Joined { coalescer, joined } => {
                coalescer.push(record, joined);
                self.replayed += show_all(joined, out);
            }
        }
    }

    pub(crate) fn extension(&mut self, record: &Record, state: &State, out: &mut impl Sink) {
        self.flush(out);
        match record.decode::<Extension>() {
            Ok(Extension { params: Some(params), .. }) if !self.can_show(params.as_raw(), state) => {}
            Ok(Extension { method, params }) => frames::notify(out, &method, params.as_ref().map(RawBuf::as_raw)),
            Err(error) => tracing::warn!(session = %self.session, seq = record.seq, %error, "an extension is damaged"),
        }
    }

    pub(crate) fn control(&mut self, record: &Record, seen: bool, out: &mut impl Sink) {
        if matches!(record.kind, Kind::TurnEnded | Kind::PermissionRequested) {
            // What comes of it is to be seen with all that was before.
            self.flush_terminals(record.seq, out);
        }
        if seen {
            let named = |params: &RawBuf| {
                params.as_raw().member("sessionId").and_then(Raw::as_string).map(|id| SessionId::from(&*id))
            };
            self.terminals.control(record, |params| named(params).filter(|id| *id != self.session));
        }
    }

    pub(crate) fn flush(&mut self, out: &mut impl Sink) {
        if let Showing::Joined { coalescer, joined } = &mut self.showing {
            coalescer.flush(joined);
            self.replayed += show_all(joined, out);
        }
    }

    pub(crate) fn settle(&mut self, cursor: Seq, out: &mut impl Sink) {
        if !self.joins() {
            self.flush_terminals(cursor, out);
        }
    }

    pub(crate) fn end_history(&mut self, cursor: Seq, out: &mut impl Sink) -> u64 {
        self.flush_terminals(cursor, out);
        self.flush(out);
        self.showing = Showing::Live;
        self.replayed
    }

    /// Tells what commands have printed since, to a client that cannot show their terminals.
    fn flush_terminals(&mut self, cursor: Seq, out: &mut impl Sink) {
        if !self.terminals.is_behind() {
            return;
        }
        self.flush(out);
        for params in self.terminals.flush(&self.session, cursor) {
            self.replayed += u64::from(!matches!(self.showing, Showing::Live));
            frames::update(out, params.as_raw());
        }
    }

    fn joins(&self) -> bool {
        matches!(self.showing, Showing::Joined { .. })
    }
}

/// Shows updates that are complete; how many there were.
fn show_all(joined: &mut Vec<RawBuf>, out: &mut impl Sink) -> u64 {
    let mut shown = 0;
    for params in joined.drain(..) {
        shown += 1;
        frames::update(out, params.as_raw());
    }
    shown
}

/// Returns whether a record is an update of the message of this id.
pub(crate) fn is_of_message(record: &Record, message: &str) -> bool {
    let id = || record.body.as_raw().path(&["update", "messageId"]).and_then(Raw::as_string);
    record.kind == Kind::Update && id().is_some_and(|id| id == message)
}
