//! One session on one connection: where the client is in its log, and what the records come to for it. Pure.
//!
//! | File | Is |
//! |---|---|
//! | `history` | what is shown before live records, and what the client is told at its end |
//! | `questions` | requests of agents that the client was not asked, or could not answer |
//! | `roster` | who else is there, as far as the client has been told |
//! | `queue` | what a record changes of the prompts that wait |
//! | `closing` | closes that end the attachment |

mod closing;
mod history;
mod questions;
mod queue;
mod roster;

use std::sync::Arc;

use acp_types::record::body::{Outcome, Resolved};
use acp_types::record::{Kind, Record, Seq, Turn};
use acp_types::{Raw, RawBuf, RequestId, SessionId};

use self::closing::PendingCloses;
use self::history::{Arrival, History};
pub(super) use self::history::{Arriving, Entry};
use self::questions::Questions;
use self::queue::Waited;
use self::roster::RosterNews;
use super::outgoing::Outgoing;
use super::presence::Membership;
use super::prompts::PendingPrompts;
use crate::service::follower::Batch;
use crate::session::{LaneState, PendingRequest, State};
use crate::view::{Attached, LaneFilter, News, RequestError, Response, Screen};

/// Names one attachment of one connection; never used twice in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct AttachmentId(pub(super) u64);

/// A session's log as it was when a client came.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// As of `head`; shared with whoever is there.
    pub(super) state: Arc<State>,
    /// End of the log.
    pub(super) head: Seq,
}

/// Lens through which the records of one session go on their way to one client.
#[derive(Debug)]
pub(super) struct Lens {
    pub(super) screen: Screen,
    /// Lanes of the session that the client sees. The cursor moves over the rest.
    pub(super) lanes: LaneFilter,
}

/// One session on one connection.
#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) id: AttachmentId,
    /// Leaves the session when it is dropped.
    membership: Membership,
    /// Ahead of the cursor while history is shown, then as of the cursor. All who are at one place share one.
    state: Arc<State>,
    cursor: Seq,
    lens: Lens,
    history: History,
    questions: Questions,
    roster: RosterNews,
    closing: PendingCloses,
    /// Reason why the log could not be written, until it is again: for prompts that are accepted and known here only
    /// later.
    unwritable: Option<RequestError>,
}

impl Attachment {
    /// Attaches behind `cursor`, with the log as it is now.
    pub(super) fn new(
        id: AttachmentId,
        membership: Membership,
        seen: Seen,
        cursor: Seq,
        lens: Lens,
        history: Entry,
    ) -> Self {
        let resumes = history.resumes();
        let mut attachment = Self {
            id,
            membership,
            state: seen.state,
            cursor,
            lens,
            history: History::new(history, seen.head),
            questions: Questions::default(),
            roster: RosterNews::default(),
            closing: PendingCloses::default(),
            unwritable: None,
        };
        if !resumes {
            // Only who goes on from a cursor may have missed what is told here again.
            attachment.lens.screen.forget_earlier();
        }
        attachment
    }

    /// Tells what the client is to know before anything else, and asks what waits for an answer, if there is no history to
    /// be shown before.
    pub(super) fn begin(&mut self, prompts: &mut PendingPrompts, out: &mut Outgoing) {
        self.lens.screen.begin(&self.state, self.cursor, out);
        if self.history.is_over() {
            self.ask_pending(prompts, out);
        } else {
            self.end_history(prompts, out);
        }
    }

    /// Takes over what waits on an earlier attachment of the same session, which is no more.
    pub(super) fn succeed(&mut self, mut earlier: Self, prompts: &mut PendingPrompts, out: &mut Outgoing) {
        earlier.refuse_arrival(&RequestError::Replaced, out);
        self.questions.inherit(earlier.questions, &self.state, &self.membership);
        self.closing.inherit(earlier.closing);
        self.wait_again(prompts, out);
    }

    /// State of the session by its log.
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// The client's membership of the session.
    pub(super) fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Seq of the last record that was shown.
    pub(super) fn cursor(&self) -> Seq {
        self.cursor
    }

    fn session(&self) -> &SessionId {
        self.membership.session()
    }

    /// Answers a prompt when its turn ends, or at once when the client has seen it end.
    pub(super) fn wait(&self, turn: Turn, id: RequestId, prompts: &mut PendingPrompts, out: &mut Outgoing) {
        if !self.history.is_over() || turn > self.cursor {
            return prompts.wait(id, self.session().clone(), turn);
        }
        let Some(info) = self.state.turn(turn) else {
            return out.refuse(id, &RequestError::TurnForgotten { turn });
        };
        match (info.phase.outcome(), &self.unwritable) {
            (Some(outcome), _) => {
                out.respond(id, Response::Turn { turn, seq: self.cursor, outcome, steered: info.steered });
            }
            (None, Some(why)) => out.refuse(id, why),
            (None, None) => prompts.wait(id, self.session().clone(), turn),
        }
    }

    /// Looks again at every prompt that waits: some of their turns may have ended before the cursor.
    fn wait_again(&self, prompts: &mut PendingPrompts, out: &mut Outgoing) {
        for (turn, id) in prompts.take_all(self.session()) {
            self.wait(turn, id, prompts, out);
        }
    }

    /// Shows the next records.
    pub(super) fn records(&mut self, batch: &Batch, prompts: &mut PendingPrompts, out: &mut Outgoing) {
        let records = batch.records();
        self.unwritable = None;
        self.lens.screen.expect(records, out);
        for record in records {
            self.cursor = record.seq;
            match record.kind {
                Kind::Update | Kind::Extension if !self.lens.lanes.shows(&record.lane) => {}
                Kind::Update => self.lens.screen.update(record, &self.state, out),
                Kind::Extension => self.lens.screen.extension(record, &self.state, out),
                _ => self.control(record, batch, prompts, out),
            }
            if !self.history.is_over() {
                self.end_history(prompts, out);
            }
        }
        if let Some(state) = batch.last_state()
            && state.head() >= self.state.head()
        {
            // What was folded here is not needed any more.
            self.state = Arc::clone(state);
        }
        self.lens.screen.settle(self.cursor, out);
    }

    /// Takes a control record into the state. Whoever is far behind folds by itself.
    fn fold(&mut self, record: &Record, batch: &Batch) {
        // While history is shown the state is ahead.
        if record.seq <= self.state.head().max(self.history.end()) {
            return;
        }
        if let Some(state) = batch.state_behind(record.seq) {
            self.state = Arc::clone(state);
        } else if let Err(error) = Arc::make_mut(&mut self.state).apply(record) {
            tracing::error!(session = %self.session(), %error, "the session's log is damaged");
        }
    }

    fn control(&mut self, record: &Record, batch: &Batch, prompts: &mut PendingPrompts, out: &mut Outgoing) {
        let seen = self.lens.lanes.shows(&record.lane);
        self.lens.screen.control(record, seen, out);
        if record.kind == Kind::PermissionResolved {
            self.tell_resolved(record, prompts, out);
        }
        let waited = Waited::before(&self.state, record);
        self.fold(record, batch);
        if self.history.is_over()
            && let Some((change, turn)) = waited.change(record)
        {
            out.tell(self.session(), &News::QueueChanged { change, turn, record, state: &self.state });
        }
        match record.kind {
            Kind::TurnEnded => self.turn_ended(record, prompts, out),
            Kind::PermissionRequested | Kind::Request if self.is_asked() => self.ask(record.seq, prompts, out),
            Kind::PermissionResolved | Kind::Response => {
                if let Ok(Resolved { request, .. }) = record.decode() {
                    self.questions.resolved(request, &self.membership, out);
                }
            }
            _ => {}
        }
    }

    fn turn_ended(&mut self, record: &Record, prompts: &mut PendingPrompts, out: &mut Outgoing) {
        let (Some(turn), Ok(outcome)) = (record.turn, record.decode::<Outcome>()) else {
            tracing::error!(session = %self.session(), seq = record.seq, "the end of a turn is damaged");
            return;
        };
        self.lens.screen.flush(out);
        let info = self.state.turn(turn);
        let ours = info.and_then(|info| info.client.as_deref()).is_some_and(|by| *by == *out.client);
        let steered = info.and_then(|info| info.steered);
        let answered = prompts.take(self.session(), turn);
        if answered.is_empty() && !ours && self.lens.lanes.shows(&record.lane) {
            out.tell(self.session(), &News::TurnEnded { turn, outcome: &outcome, record });
        }
        for id in answered {
            out.respond(id, Response::Turn { turn, seq: record.seq, outcome: &outcome, steered });
        }
    }

    /// Returns whether the client is asked what the agent asks now (P8): every controller is, once it has seen what was
    /// before.
    fn is_asked(&self) -> bool {
        self.membership.role.is_controller() && self.history.is_over()
    }

    /// Returns whether the client sees what the request belongs to: a session that it understands, and its lane or a turn
    /// of its own.
    fn sees(&self, request: &PendingRequest, prompts: &PendingPrompts) -> bool {
        let its_own = |turn| prompts.waits_for(self.session(), turn);
        let params = request.params.as_ref().map_or(Raw::EMPTY_OBJECT, RawBuf::as_raw);
        if !self.lens.screen.can_show(params, &self.state) {
            return false;
        }
        self.lens.lanes.shows(&request.lane) || request.turn.is_some_and(its_own)
    }

    /// A controller that comes is asked everything that waits for an answer (P8), whatever history it wants.
    fn ask_pending(&mut self, prompts: &PendingPrompts, out: &mut Outgoing) {
        if !self.is_asked() {
            return;
        }
        let pending: Vec<Seq> = self.state.pending().map(|(seq, _)| seq).collect();
        for request in pending {
            self.ask(request, prompts, out);
        }
    }

    /// Sends the client a request of an agent, if it sees that.
    fn ask(&mut self, request: Seq, prompts: &PendingPrompts, out: &mut Outgoing) {
        if self.state.pending_request(request).is_some_and(|asked| self.sees(asked, prompts)) {
            self.questions.ask(request, &self.state, &self.membership, out);
        }
    }

    /// The client has no method of that name. That is no answer while somebody else may have one; whether it is now.
    pub(super) fn declines(&mut self, request: Seq, error: &RawBuf) -> bool {
        self.questions.decline(request, error, &self.membership)
    }

    /// Requests that the client has declined and nobody who is still here can answer.
    pub(super) fn declined_by_all(&self) -> impl Iterator<Item = (Seq, &RawBuf)> {
        self.questions.declined_by_all(&self.membership)
    }

    /// Somebody has come to the session or left it: tells the client, and asks it what was for somebody who has gone.
    pub(super) fn presence_changed(&mut self, prompts: &PendingPrompts, out: &mut Outgoing) {
        self.roster.tell(&self.membership, out);
        for request in self.questions.take_withheld() {
            self.ask(request, prompts, out);
        }
    }

    /// Tells a client that attached to know it how a permission request was answered. Before the state is told: it still
    /// knows the request.
    fn tell_resolved(&self, record: &Record, prompts: &PendingPrompts, out: &mut Outgoing) {
        if !self.roster.is_wanted() {
            return;
        }
        let Ok(resolved) = record.decode::<Resolved>() else { return };
        let asked = self.state.pending_request(resolved.request).filter(|request| self.sees(request, prompts));
        let Some(asked) = asked else { return };
        let by = record.origin.client().and_then(|client| self.membership.member(client));
        let by = by.as_deref();
        out.tell(self.session(), &News::PermissionResolved { record, resolved: &resolved, asked, by });
    }

    /// Goes over to live records if all history has been shown.
    fn end_history(&mut self, prompts: &mut PendingPrompts, out: &mut Outgoing) {
        let Some(arrival) = self.history.reach(self.cursor) else { return };
        let replayed = self.lens.screen.end_history(self.cursor, out);
        match arrival {
            Arrival::CaughtUp => out.tell(self.session(), &News::CaughtUp { seq: self.cursor }),
            Arrival::Load { id, result } => out.respond(id, Response::Session(result)),
            Arrival::Attach(arriving) => {
                // What the answer does not say yet, updates will.
                let roster = self.membership.roster();
                let attached = Attached {
                    session: self.session(),
                    client: &self.membership.client,
                    role: self.membership.role,
                    roster: &roster,
                    policy: arriving.policy,
                    replayed,
                    seq: self.cursor,
                    result: &arriving.result,
                };
                out.respond(arriving.id, Response::Attached(attached));
                self.roster.begin(roster);
            }
        }
        self.ask_pending(prompts, out);
        self.wait_again(prompts, out);
    }

    /// The log cannot be written: what runs will not end well, and everybody is told (P2).
    pub(super) fn unwritable(&mut self, reason: &str, prompts: &mut PendingPrompts, out: &mut Outgoing) {
        let why = RequestError::Unwritable { reason: reason.to_owned() };
        let seen = self.state.lanes().filter(|lane| self.lens.lanes.shows(lane.name()));
        let running = seen.filter_map(LaneState::running);
        let not_ours: Vec<Turn> = running.filter(|turn| !prompts.waits_for(self.session(), *turn)).collect();
        self.fail_waiting(&why, prompts, out);
        for turn in not_ours {
            out.tell(self.session(), &News::TurnUnwritable { turn, why: &why });
        }
        self.unwritable = Some(why);
    }

    /// The session can be followed no longer: it was deleted, or its log cannot be read.
    pub(super) fn end(mut self, why: &RequestError, prompts: &mut PendingPrompts, out: &mut Outgoing) {
        self.refuse_arrival(why, out);
        self.fail_waiting(why, prompts, out);
        self.gone(out);
    }

    /// The client detaches: what runs goes on without it.
    pub(super) fn detach(mut self, prompts: &mut PendingPrompts, out: &mut Outgoing) {
        self.refuse_arrival(&RequestError::DetachedMeanwhile, out);
        for (turn, id) in prompts.take_all(self.session()) {
            out.refuse(id, &RequestError::DetachedFromTurn { session: self.session().clone(), turn });
        }
        self.gone(out);
    }

    fn gone(self, out: &mut Outgoing) {
        for id in self.closing.into_requests() {
            out.respond(id, Response::Done);
        }
        out.drop_session(self.membership.session());
    }

    /// Answers a load or an attach whose history will not be shown to its end.
    fn refuse_arrival(&mut self, why: &RequestError, out: &mut Outgoing) {
        if let Some(id) = self.history.cut().and_then(Arrival::request) {
            out.refuse(id, why);
        }
    }

    fn fail_waiting(&self, why: &RequestError, prompts: &mut PendingPrompts, out: &mut Outgoing) {
        for (_, id) in prompts.take_all(self.session()) {
            out.refuse(id, why);
        }
    }

    /// Ends the attachment, and answers `id`, when everything up to `head` has been shown.
    pub(super) fn close(&mut self, id: RequestId, head: Seq) {
        self.closing.push(id, head);
    }

    /// Returns whether a close that was asked for is complete.
    pub(super) fn is_closed(&self, prompts: &PendingPrompts) -> bool {
        self.closing.any_due(self.cursor) && prompts.all_settled(self.session())
    }
}
