//! One session on one connection: what its records come to for this client. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use acp_types::error::RawError;
use acp_types::meta::{CAUGHT_UP, QUEUE_CHANGED};
use acp_types::record::body::{Extension, Outcome, Resolved};
use acp_types::record::{Kind, Origin, Record, Seq, Turn};
use acp_types::{ErrorObjectOwned, RawBuf, RequestId, SessionId};

use super::outgoing::Outgoing;
use super::presence::Place;
use crate::service::follower::Batch;
use crate::session::{HOST_TERMINAL, LaneState, PendingRequest, State};
use crate::shared::BIG;
use crate::view::history::HistoryPolicy;
use crate::view::lanes::LaneFilter;
use crate::view::member::Roster;
use crate::view::refusal;
use crate::view::v1::attach::{self, Arriving};
use crate::view::v1::replay::Coalescer;
use crate::view::v1::terminals::{Shown, TerminalView};
use crate::view::v1::{offer, queue, render};

/// Names one attachment of one connection; never used twice in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct AttachmentId(pub(super) u64);

/// How a client came to the session, which decides what it is shown first.
#[derive(Debug)]
pub(super) enum Entry {
    /// `session/new`, or `session/resume` without a cursor: nothing but what comes.
    Live,
    /// `session/resume` with a cursor: every record since, each as an update of its own.
    Resume,
    /// `session/load`: history, joined; then the answer to the request.
    Load { id: RequestId, result: RawBuf },
    /// `session/attach`: history, if any is wanted; then the answer to the request.
    Attach(Arriving),
}

/// What a client sees of a session, and what it knows of that when it attaches.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// As of `head`; shared with whoever is there.
    pub(super) state: Arc<State>,
    /// Where the log ends now.
    pub(super) head: Seq,
    pub(super) lanes: LaneFilter,
    /// As of the cursor.
    pub(super) terminals: TerminalView,
}

/// What is shown before live records; over when the cursor has reached the log's end at the time of attaching.
#[derive(Debug)]
enum History {
    Over,
    Raw,
    Joined { coalescer: Coalescer, joined: Vec<RawBuf> },
}

/// What the client is told when all history has been shown.
#[derive(Debug)]
enum Arrival {
    Told,
    CaughtUp,
    Load { id: RequestId, result: RawBuf },
    Attach(Arriving),
}

/// A prompt of this connection whose turn has not ended as far as the client has been told.
#[derive(Debug)]
struct Waiting {
    turn: Turn,
    id: RequestId,
}

/// A `session/close` that is answered, and ends the attachment, once the client has everything up to `head`.
#[derive(Debug)]
struct Closing {
    id: RequestId,
    head: Seq,
}

/// One session on one connection.
#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) id: AttachmentId,
    session: SessionId,
    /// Ahead of the cursor while history is shown, then as of the cursor. All who are at one place share one.
    state: Arc<State>,
    /// Where history ends, and live records begin.
    history_end: Seq,
    /// What of it the client sees. The cursor moves over the rest.
    lanes: LaneFilter,
    cursor: Seq,
    terminals: TerminalView,
    /// Leaves the session when it is dropped.
    place: Place,
    history: History,
    arrival: Arrival,
    /// Updates of history that were shown.
    replayed: u64,
    /// The roster that the client was last told, if it attached to know it.
    told: Option<Roster>,
    /// Requests of the agent that the client knows no method for, with what it said: for when nobody else does.
    declined: BTreeMap<Seq, RawBuf>,
    /// Requests that are for another client while that is here: it has the terminal that they are about.
    withheld: BTreeSet<Seq>,
    waiting: Vec<Waiting>,
    /// Prompts sent to the host that have no turn yet.
    pub(super) unsettled: usize,
    closing: Vec<Closing>,
    /// Why the log could not be written, until it is again: for prompts that are accepted and known here only later.
    unwritable: Option<ErrorObjectOwned>,
}

impl Attachment {
    /// Attaches behind `cursor`, with the state as the log has it now.
    pub(super) fn new(
        id: AttachmentId,
        session: SessionId,
        Seen { state, head, lanes, terminals }: Seen,
        cursor: Seq,
        entry: Entry,
        place: Place,
        out: &mut Outgoing,
    ) -> Self {
        let joined = || History::Joined { coalescer: Coalescer::default(), joined: Vec::new() };
        let (history, arrival) = match entry {
            Entry::Live => (History::Over, Arrival::Told),
            Entry::Resume => (History::Raw, Arrival::CaughtUp),
            Entry::Load { id, result } => (joined(), Arrival::Load { id, result }),
            Entry::Attach(arriving) if arriving.joins => (joined(), Arrival::Attach(arriving)),
            Entry::Attach(arriving) => (History::Raw, Arrival::Attach(arriving)),
        };
        let live = matches!(history, History::Over);
        let resumes = matches!(&arrival, Arrival::CaughtUp)
            || matches!(&arrival, Arrival::Attach(arriving) if arriving.policy == HistoryPolicy::Full);
        let mut attachment = Self {
            id,
            session,
            state,
            history_end: head,
            lanes,
            cursor,
            terminals,
            place,
            history,
            arrival,
            replayed: 0,
            told: None,
            declined: BTreeMap::new(),
            withheld: BTreeSet::new(),
            waiting: Vec::new(),
            unsettled: 0,
            closing: Vec::new(),
            unwritable: None,
        };
        if !resumes {
            // Only who goes on from a cursor may have missed what is told here again.
            attachment.terminals.forget_unshown();
        }
        if live {
            attachment.ask_pending(out);
        } else {
            attachment.end_history(out);
        }
        attachment
    }

    /// Takes over what waits on an earlier attachment of the same session, which is no more.
    pub(super) fn succeed(&mut self, mut earlier: Self, out: &mut Outgoing) {
        let replaced = refusal::invalid_request("a later load, resume or attach of the session took its place");
        earlier.refuse_arrival(&replaced, out);
        for (request, error) in std::mem::take(&mut earlier.declined) {
            if self.state.pending_request(request).is_some() {
                self.declined.insert(request, error);
            } else {
                self.place.settled(request);
            }
        }
        self.unsettled += earlier.unsettled;
        self.closing.append(&mut earlier.closing);
        for Waiting { turn, id } in earlier.waiting {
            self.wait(turn, id, out);
        }
    }

    /// What the log says.
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// The client's place in the session.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Seq of the last record that was shown.
    pub(super) fn cursor(&self) -> Seq {
        self.cursor
    }

    /// Prompts that wait for their turn's end.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The turn that this request waits for.
    pub(super) fn turn_of(&self, id: &RequestId) -> Option<Turn> {
        self.waiting.iter().find(|waiting| waiting.id == *id).map(|waiting| waiting.turn)
    }

    /// Answers a prompt when its turn ends, or at once when the client has seen it end.
    pub(super) fn wait(&mut self, turn: Turn, id: RequestId, out: &mut Outgoing) {
        if !matches!(self.history, History::Over) || turn > self.cursor {
            self.waiting.push(Waiting { turn, id });
            return;
        }
        match self.state.turn(turn) {
            Some(info) => match info.phase.outcome() {
                Some(outcome) => {
                    out.respond_raw(id, render::prompt_answer(turn, self.cursor, outcome, info.steered));
                }
                None => match &self.unwritable {
                    Some(error) => out.respond_raw(id, Err(RawError::from(error))),
                    None => self.waiting.push(Waiting { turn, id }),
                },
            },
            None => {
                let message = format!("turn {turn} has ended so long ago that only the log still has its outcome");
                out.respond(id, Err(refusal::internal(message)));
            }
        }
    }

    /// Shows the next records.
    pub(super) fn records(&mut self, batch: &Batch, out: &mut Outgoing) {
        let records = batch.records();
        self.unwritable = None;
        // What is big has a frame of its own.
        let is_cut = |record: &&Arc<Record>| record.kind == Kind::Update && record.body.as_str().len() < BIG;
        let updates = records.iter().filter(is_cut);
        let (count, bytes) =
            updates.fold((0, 0), |(count, bytes), record| (count + 1, bytes + record.body.as_str().len()));
        if !matches!(self.history, History::Joined { .. }) {
            out.reserve(count, bytes);
        }
        for record in records {
            self.cursor = record.seq;
            match record.kind {
                Kind::Update | Kind::Extension if !self.lanes.shows(&record.lane) => {}
                Kind::Update => self.update(record, out),
                Kind::Extension => self.extension(record, out),
                _ => self.control(record, batch, out),
            }
            if !matches!(self.history, History::Over) {
                self.end_history(out);
            }
        }
        if let Some(state) = batch.last_state()
            && state.head() >= self.state.head()
        {
            // What was folded here is not needed any more.
            self.state = Arc::clone(state);
        }
        if !matches!(self.history, History::Joined { .. }) {
            self.flush_terminals(out);
        }
    }

    /// Takes a control record into the state. Whoever is far behind folds by itself.
    fn fold(&mut self, record: &Record, batch: &Batch) {
        // While history is shown the state is ahead.
        if record.seq <= self.state.head().max(self.history_end) {
            return;
        }
        if let Some(state) = batch.state_behind(record.seq) {
            self.state = Arc::clone(state);
        } else if let Err(error) = Arc::make_mut(&mut self.state).apply(record) {
            tracing::error!(session = %self.session, %error, "the session's log is damaged");
        }
    }

    fn update(&mut self, record: &Arc<Record>, out: &mut Outgoing) {
        let sees = |terminal: &str| sees_terminal(&self.state, record, terminal, out);
        let body = record.body.as_raw();
        let shown = if out.offer.takes(body) {
            self.terminals.update(record, sees)
        } else if record.origin == Origin::Host && offer::is_notice(body) {
            // An agent's is not for a client that did not ask for such; the bridge says only what all must know.
            offer::as_thought(body).map_or(Shown::Later, Shown::Instead)
        } else {
            return;
        };
        let instead;
        let record = match shown {
            Shown::All => record,
            Shown::Instead(body) => {
                instead = Arc::new(Record { body, ..Record::clone(record) });
                &instead
            }
            Shown::Later => return,
        };
        match &mut self.history {
            // A client knows what it has just said itself.
            History::Over if record.origin.client().is_some_and(|client| **client == *out.client) => {}
            History::Over => out.update(record.body.as_raw()),
            History::Raw => {
                self.replayed += 1;
                out.update(record.body.as_raw());
            }
            History::Joined { .. } if offer::is_notice(record.body.as_raw()) => {}
            History::Joined { coalescer, joined } => {
                coalescer.push(record, joined);
                for params in joined.drain(..) {
                    self.replayed += 1;
                    out.update(params.as_raw());
                }
            }
        }
    }

    /// Shows what has been joined so far, before something else is shown.
    fn flush(&mut self, out: &mut Outgoing) {
        if let History::Joined { coalescer, joined } = &mut self.history {
            coalescer.flush(joined);
            for params in joined.drain(..) {
                self.replayed += 1;
                out.update(params.as_raw());
            }
        }
    }

    /// Tells what commands have printed since, to a client that cannot show their terminals.
    fn flush_terminals(&mut self, out: &mut Outgoing) {
        if !self.terminals.is_behind() {
            return;
        }
        self.flush(out);
        for params in self.terminals.flush(&self.session, self.cursor) {
            self.replayed += u64::from(!matches!(self.history, History::Over));
            out.update(params.as_raw());
        }
    }

    fn extension(&mut self, record: &Record, out: &mut Outgoing) {
        self.flush(out);
        match record.decode::<Extension>() {
            Ok(Extension { method, params }) => out.notify(&method, params.as_ref().map(RawBuf::as_raw)),
            Err(error) => tracing::warn!(session = %self.session, seq = record.seq, %error, "an extension is damaged"),
        }
    }

    fn control(&mut self, record: &Record, batch: &Batch, out: &mut Outgoing) {
        if matches!(record.kind, Kind::TurnEnded | Kind::PermissionRequested) {
            // What comes of it is to be seen with all that was before.
            self.flush_terminals(out);
        }
        if self.lanes.shows(&record.lane) {
            self.terminals.control(record);
        }
        if record.kind == Kind::PermissionResolved {
            self.tell_resolved(record, out);
        }
        let waited = queue::waits(&self.state, record);
        self.fold(record, batch);
        if matches!(self.history, History::Over)
            && let Some(params) = queue::changed(&self.session, &self.state, record, waited)
        {
            out.notify(QUEUE_CHANGED, Some(params.as_raw()));
        }
        match record.kind {
            Kind::TurnEnded => self.turn_ended(record, out),
            Kind::PermissionRequested | Kind::Request if self.is_asked() => {
                self.ask(record.seq, out);
            }
            Kind::PermissionResolved | Kind::Response => {
                if let Ok(Resolved { request, .. }) = record.decode() {
                    out.resolved(&self.session, request);
                    self.withheld.remove(&request);
                    if self.declined.remove(&request).is_some() {
                        self.place.settled(request);
                    }
                }
            }
            _ => {}
        }
    }

    fn turn_ended(&mut self, record: &Record, out: &mut Outgoing) {
        let (Some(turn), Ok(outcome)) = (record.turn, record.decode::<Outcome>()) else {
            tracing::error!(session = %self.session, seq = record.seq, "the end of a turn is damaged");
            return;
        };
        self.flush(out);
        let ours = self.state.turn(turn).and_then(|info| info.client.as_deref()).is_some_and(|by| *by == *out.client);
        let steered = self.state.turn(turn).and_then(|info| info.steered);
        let answered = self.answer(turn, out, |id, out| {
            out.respond_raw(id, render::prompt_answer(turn, record.seq, &outcome, steered));
        });
        if !answered
            && !ours
            && self.lanes.shows(&record.lane)
            && let Some((method, params)) = render::turn_ended(&self.session, turn, &outcome, record)
        {
            out.notify(method, Some(params.as_raw()));
        }
    }

    /// Answers every prompt that waits for a turn; whether there was one.
    fn answer(&mut self, turn: Turn, out: &mut Outgoing, mut answer: impl FnMut(RequestId, &mut Outgoing)) -> bool {
        let before = self.waiting.len();
        for waiting in self.waiting.extract_if(.., |waiting| waiting.turn == turn) {
            answer(waiting.id, out);
        }
        self.waiting.len() < before
    }

    /// Whether the client is asked what the agent asks now (P8): every controller is, once it has seen what was before.
    fn is_asked(&self) -> bool {
        self.place.role.is_controller() && matches!(self.history, History::Over)
    }

    /// Whether the client sees what the request belongs to: its lane, or a turn of its own.
    fn sees(&self, request: &PendingRequest) -> bool {
        self.lanes.shows(&request.lane) || self.waiting.iter().any(|waiting| Some(waiting.turn) == request.turn)
    }

    /// A controller that comes is asked everything that waits for an answer (P8), whatever history it wants.
    fn ask_pending(&mut self, out: &mut Outgoing) {
        if !self.is_asked() {
            return;
        }
        let pending: Vec<Seq> = self.state.pending().map(|(seq, _)| seq).collect();
        for request in pending {
            self.ask(request, out);
        }
    }

    /// Asks the client what it is to be asked.
    fn ask(&mut self, seq: Seq, out: &mut Outgoing) {
        let Some(request) = self.state.pending_request(seq).filter(|request| self.sees(request)) else { return };
        let owner = self.state.terminal_owner(request).filter(|owner| ***owner != *out.client);
        if owner.is_some_and(|owner| self.place.member(owner).is_some()) {
            self.withheld.insert(seq);
            self.place.watch();
            return;
        }
        out.ask(&self.session, seq, &request.method, request.params.as_ref());
    }

    /// Asks what was for somebody who has gone.
    pub(super) fn ask_withheld(&mut self, out: &mut Outgoing) {
        for request in std::mem::take(&mut self.withheld) {
            self.ask(request, out);
        }
    }

    /// The client has no method of that name. That is no answer while somebody else may have one; whether it is now.
    pub(super) fn declines(&mut self, request: Seq, error: &RawBuf) -> bool {
        self.declined.insert(request, error.clone());
        self.place.decline(request)
    }

    /// What the client has declined and nobody who is still here can answer.
    pub(super) fn declined_by_all(&self) -> impl Iterator<Item = (Seq, &RawBuf)> {
        let declined = self.declined.iter().map(|(&request, error)| (request, error));
        declined.filter(|(request, _)| self.place.is_declined_by_all(*request))
    }

    /// Tells the client who has come and gone since it was told last.
    pub(super) fn tell_presence(&mut self, out: &mut Outgoing) {
        let Some(told) = &self.told else { return };
        let now = self.place.roster();
        let (gone, come) = self.place.changes(told, &now);
        let gone = gone.iter().filter_map(|member| attach::presence(&self.session, member, false));
        let come = come.iter().filter_map(|member| attach::presence(&self.session, member, true));
        for params in gone.chain(come) {
            out.update(params.as_raw());
        }
        self.told = Some(now);
    }

    /// Tells a client that attached to know it how a permission request was answered. Before the state is told: it still
    /// knows the request.
    fn tell_resolved(&self, record: &Record, out: &mut Outgoing) {
        if self.told.is_none() {
            return;
        }
        let Ok(resolved) = record.decode::<Resolved>() else { return };
        let asked = self.state.pending_request(resolved.request).filter(|request| self.sees(request));
        let Some(asked) = asked else { return };
        let by = record.origin.client().and_then(|client| self.place.member(client));
        if let Some(params) = attach::permission_resolved(&self.session, record, &resolved, asked, by.as_deref()) {
            out.update(params.as_raw());
        }
    }

    /// Goes over to live records if all history has been shown.
    fn end_history(&mut self, out: &mut Outgoing) {
        if self.cursor < self.history_end {
            return;
        }
        self.flush_terminals(out);
        self.flush(out);
        self.history = History::Over;
        match std::mem::replace(&mut self.arrival, Arrival::Told) {
            Arrival::Told => {}
            Arrival::CaughtUp => {
                let params = serde_json::json!({ "sessionId": self.session, "seq": self.cursor });
                if let Ok(params) = RawBuf::encode(&params) {
                    out.notify(CAUGHT_UP, Some(params.as_raw()));
                }
            }
            Arrival::Load { id, result } => out.respond(id, Ok(result)),
            Arrival::Attach(arriving) => {
                // What the answer does not say yet, updates will.
                let roster = self.place.roster();
                let me = (&*self.place.client, self.place.role);
                let answer = attach::answer(&self.session, me, &roster, &arriving, self.replayed, self.cursor);
                out.respond(arriving.id, answer);
                self.told = Some(roster);
            }
        }
        self.ask_pending(out);
        // Turns that ended before the cursor the client came with.
        for Waiting { turn, id } in std::mem::take(&mut self.waiting) {
            self.wait(turn, id, out);
        }
    }

    /// The log cannot be written: what runs will not end well, and everybody is told (P2).
    pub(super) fn unwritable(&mut self, reason: &str, out: &mut Outgoing) {
        let error = refusal::internal(format!(
            "the session log cannot be written: {reason}; what the agent did since is lost, prompt again when it can"
        ));
        let seen = self.state.lanes().filter(|lane| self.lanes.shows(lane.name()));
        let running = seen.filter_map(LaneState::running);
        let not_ours: Vec<Turn> =
            running.filter(|turn| self.waiting.iter().all(|waiting| waiting.turn != *turn)).collect();
        self.fail_waiting(&error, out);
        for turn in not_ours {
            if let Some((method, params)) = render::turn_unwritable(&self.session, turn, &error) {
                out.notify(method, Some(params.as_raw()));
            }
        }
        self.unwritable = Some(error);
    }

    /// The session can be followed no longer: it was deleted, or its log cannot be read.
    pub(super) fn end(mut self, error: &ErrorObjectOwned, out: &mut Outgoing) {
        self.refuse_arrival(error, out);
        self.fail_waiting(error, out);
        self.gone(out);
    }

    /// The client detaches: what runs goes on without it.
    pub(super) fn detach(mut self, out: &mut Outgoing) {
        self.refuse_arrival(&refusal::invalid_request("the client detached from the session meanwhile"), out);
        for Waiting { turn, id } in std::mem::take(&mut self.waiting) {
            out.respond(id, Err(refusal::detached_from_turn(&self.session, turn)));
        }
        self.gone(out);
    }

    fn gone(self, out: &mut Outgoing) {
        for Closing { id, .. } in self.closing {
            out.respond(id, Ok(acp_types::Raw::EMPTY_OBJECT.to_owned()));
        }
        out.drop_session(&self.session);
    }

    /// Answers a load or an attach whose history will not be shown to its end.
    fn refuse_arrival(&mut self, error: &ErrorObjectOwned, out: &mut Outgoing) {
        self.history = History::Over;
        match std::mem::replace(&mut self.arrival, Arrival::Told) {
            Arrival::Load { id, .. } | Arrival::Attach(Arriving { id, .. }) => out.respond(id, Err(error.clone())),
            Arrival::Told | Arrival::CaughtUp => {}
        }
    }

    fn fail_waiting(&mut self, error: &ErrorObjectOwned, out: &mut Outgoing) {
        for waiting in self.waiting.drain(..) {
            out.respond_raw(waiting.id, Err(RawError::from(error)));
        }
    }

    /// Ends the attachment, and answers `id`, when everything up to `head` has been shown.
    pub(super) fn close(&mut self, id: RequestId, head: Seq) {
        self.closing.push(Closing { id, head });
    }

    /// Whether a close that was asked for is complete.
    pub(super) fn is_closed(&self) -> bool {
        self.unsettled == 0 && self.closing.iter().any(|closing| closing.head <= self.cursor)
    }
}

/// Whether the client shows a terminal, which a record names, itself: it made it, or the agent streams it and the client
/// can show that. Those that the host serves and those of other clients it has no way to.
fn sees_terminal(state: &State, record: &Record, terminal: &str, out: &Outgoing) -> bool {
    match state.terminal_maker(&record.lane, terminal) {
        _ if terminal.starts_with(HOST_TERMINAL) => false,
        Some(maker) => **maker == *out.client,
        None => out.offer.terminals,
    }
}
