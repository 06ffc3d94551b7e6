//! One session on one connection: what its records come to for this client. Pure.

use std::sync::Arc;

use acp_types::error::RawError;
use acp_types::meta::CAUGHT_UP;
use acp_types::record::body::{Extension, Outcome, Resolved};
use acp_types::record::{Kind, Record, Seq, Turn};
use acp_types::{ErrorObjectOwned, RawBuf, RequestId, SessionId};

use super::outgoing::Outgoing;
use super::{refusal, render};
use crate::replay::Coalescer;
use crate::session::{LaneState, PendingRequest, State};

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
}

/// What is shown before live records; over when the cursor has reached the head of the state at the time of attaching.
#[derive(Debug)]
enum History {
    Over,
    Raw,
    Joined { id: RequestId, result: RawBuf, coalescer: Coalescer, joined: Vec<RawBuf> },
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
    /// Ahead of the cursor while history is shown.
    state: State,
    cursor: Seq,
    history: History,
    waiting: Vec<Waiting>,
    /// Prompts sent to the host that have no turn yet.
    pub(super) unsettled: usize,
    closing: Vec<Closing>,
}

impl Attachment {
    /// Attaches behind `cursor`, with the state as the log has it now.
    pub(super) fn new(
        id: AttachmentId,
        session: SessionId,
        state: State,
        cursor: Seq,
        entry: Entry,
        out: &mut Outgoing,
    ) -> Self {
        let history = match entry {
            Entry::Live => History::Over,
            Entry::Resume => History::Raw,
            Entry::Load { id, result } => {
                History::Joined { id, result, coalescer: Coalescer::default(), joined: Vec::new() }
            }
        };
        let live = matches!(history, History::Over);
        let mut attachment =
            Self { id, session, state, cursor, history, waiting: Vec::new(), unsettled: 0, closing: Vec::new() };
        if live {
            attachment.ask_pending(out);
        } else {
            attachment.end_history(out);
        }
        attachment
    }

    /// Takes over what waits on an earlier attachment of the same session, which is no more.
    pub(super) fn succeed(&mut self, mut earlier: Self, out: &mut Outgoing) {
        if let History::Joined { id, .. } = std::mem::replace(&mut earlier.history, History::Over) {
            out.respond(id, Err(refusal::invalid_request("a later load or resume of the session took its place")));
        }
        self.unsettled += earlier.unsettled;
        self.closing.append(&mut earlier.closing);
        for Waiting { turn, id } in earlier.waiting {
            self.wait(turn, id, out);
        }
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
                Some(outcome) => out.respond_raw(id, render::prompt_answer(turn, self.cursor, outcome)),
                None => self.waiting.push(Waiting { turn, id }),
            },
            None => {
                let message = format!("turn {turn} has ended so long ago that only the log still has its outcome");
                out.respond(id, Err(refusal::internal(message)));
            }
        }
    }

    /// Shows the next records.
    pub(super) fn records(&mut self, records: &[Arc<Record>], out: &mut Outgoing) {
        let updates = records.iter().filter(|record| record.kind == Kind::Update);
        let (count, bytes) =
            updates.fold((0, 0), |(count, bytes), record| (count + 1, bytes + record.body.as_str().len()));
        if !matches!(self.history, History::Joined { .. }) {
            out.reserve(count, bytes);
        }
        for record in records {
            self.cursor = record.seq;
            match record.kind {
                Kind::Update => self.update(record, out),
                Kind::Extension => self.extension(record, out),
                _ => self.control(record, out),
            }
            if !matches!(self.history, History::Over) {
                self.end_history(out);
            }
        }
    }

    fn update(&mut self, record: &Arc<Record>, out: &mut Outgoing) {
        match &mut self.history {
            // A client knows what it has just said itself.
            History::Over if record.origin.client().is_some_and(|client| **client == *out.client) => {}
            History::Over | History::Raw => out.update(record.body.as_raw()),
            History::Joined { coalescer, joined, .. } => {
                coalescer.push(record, joined);
                for params in joined.drain(..) {
                    out.update(params.as_raw());
                }
            }
        }
    }

    /// Shows what has been joined so far, before something else is shown.
    fn flush(&mut self, out: &mut Outgoing) {
        if let History::Joined { coalescer, joined, .. } = &mut self.history {
            coalescer.flush(joined);
            for params in joined.drain(..) {
                out.update(params.as_raw());
            }
        }
    }

    fn extension(&mut self, record: &Record, out: &mut Outgoing) {
        self.flush(out);
        match record.decode::<Extension>() {
            Ok(Extension { method, params }) => out.notify(&method, params.as_ref().map(RawBuf::as_raw)),
            Err(error) => tracing::warn!(session = %self.session, seq = record.seq, %error, "an extension is damaged"),
        }
    }

    fn control(&mut self, record: &Record, out: &mut Outgoing) {
        // While history is shown the state is ahead.
        if record.seq > self.state.head()
            && let Err(error) = self.state.apply(record)
        {
            tracing::error!(session = %self.session, %error, "the session's log is damaged");
        }
        match record.kind {
            Kind::TurnEnded => self.turn_ended(record, out),
            Kind::PermissionRequested | Kind::Request if matches!(self.history, History::Over) => {
                if let Some(request) = self.state.pending_request(record.seq)
                    && self.is_for_us(request, out)
                {
                    out.ask(&self.session, record.seq, &request.method, request.params.as_ref());
                }
            }
            Kind::PermissionResolved | Kind::Response => {
                if let Ok(Resolved { request, .. }) = record.decode() {
                    out.resolved(&self.session, request);
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
        let answered = self.answer(turn, out, |id, out| {
            out.respond_raw(id, render::prompt_answer(turn, record.seq, &outcome));
        });
        if !answered
            && !ours
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

    /// Whether a request of the agent concerns this client: it prompted the turn or waits for it, or whoever prompted
    /// is not there.
    fn is_for_us(&self, request: &PendingRequest, out: &Outgoing) -> bool {
        let Some(turn) = request.turn else { return true };
        let prompted_by = self.state.turn(turn).and_then(|info| info.client.as_deref());
        self.waiting.iter().any(|waiting| waiting.turn == turn)
            || prompted_by.is_none_or(|client| *client == *out.client || !out.is_connected(client))
    }

    /// A client of this gateway has gone: what it was asked and did not answer may concern this one now.
    pub(super) fn departed(&self, out: &mut Outgoing) {
        if !matches!(self.history, History::Over) {
            return;
        }
        for (seq, request) in self.state.pending() {
            if self.is_for_us(request, out) && !out.has_asked(&self.session, seq) {
                out.ask(&self.session, seq, &request.method, request.params.as_ref());
            }
        }
    }

    /// Whoever attaches is asked everything that waits for an answer (P8).
    fn ask_pending(&self, out: &mut Outgoing) {
        for (seq, request) in self.state.pending() {
            out.ask(&self.session, seq, &request.method, request.params.as_ref());
        }
    }

    /// Goes over to live records if all history has been shown.
    fn end_history(&mut self, out: &mut Outgoing) {
        if self.cursor < self.state.head() {
            return;
        }
        self.flush(out);
        match std::mem::replace(&mut self.history, History::Over) {
            History::Over => {}
            History::Raw => {
                let params = serde_json::json!({ "sessionId": self.session, "seq": self.cursor });
                if let Ok(params) = RawBuf::encode(&params) {
                    out.notify(CAUGHT_UP, Some(params.as_raw()));
                }
            }
            History::Joined { id, result, .. } => out.respond(id, Ok(result)),
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
        let running = self.state.lanes().filter_map(LaneState::running);
        let not_ours: Vec<Turn> =
            running.filter(|turn| self.waiting.iter().all(|waiting| waiting.turn != *turn)).collect();
        self.fail_waiting(&error, out);
        for turn in not_ours {
            if let Some((method, params)) = render::turn_unwritable(&self.session, turn, &error) {
                out.notify(method, Some(params.as_raw()));
            }
        }
    }

    /// The session can be followed no longer: it was deleted, or its log cannot be read.
    pub(super) fn end(mut self, error: &ErrorObjectOwned, out: &mut Outgoing) {
        if let History::Joined { id, .. } = std::mem::replace(&mut self.history, History::Over) {
            out.respond(id, Err(error.clone()));
        }
        self.fail_waiting(error, out);
        for Closing { id, .. } in self.closing {
            out.respond(id, Ok(acp_types::Raw::EMPTY_OBJECT.to_owned()));
        }
        out.drop_session(&self.session);
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
