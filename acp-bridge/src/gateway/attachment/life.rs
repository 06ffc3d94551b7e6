//! Life of an attachment, from coming to a session to leaving it.

use acp_types::record::{Seq, Turn};
use acp_types::{RawBuf, RequestId};

use super::closing::PendingCloses;
use super::history::{Arrival, Entry};
use super::position::{Position, Seen};
use super::questions::Questions;
use super::roster::RosterNews;
use super::turns::{self, Turns};
use super::{Attachment, Lens};
use crate::gateway::outgoing::Outgoing;
use crate::gateway::presence::Membership;
use crate::view::{RequestError, Response};

impl Attachment {
    /// Attaches behind `cursor`, with the log as it is now.
    pub(in crate::gateway) fn new(membership: Membership, seen: Seen, cursor: Seq, lens: Lens, entry: Entry) -> Self {
        let Lens { mut screen, lanes } = lens;
        screen.begin(entry.replay(), entry.resumes());
        Self {
            at: Position::new(membership, seen, cursor, lanes, entry),
            screen,
            questions: Questions::default(),
            roster: RosterNews::default(),
            turns: Turns::default(),
            closing: PendingCloses::default(),
        }
    }

    /// Tells what the client is to know before anything else, and asks what waits for an answer, if there is no history to
    /// be shown before.
    pub(in crate::gateway) fn begin(&mut self, out: &mut Outgoing) {
        self.screen.introduce(self.at.state(), self.at.lanes(), self.at.cursor(), out);
        if self.at.is_live() {
            self.questions.ask_pending(&self.at, out);
        } else {
            self.end_history(out);
        }
    }

    /// Takes over what waits on an earlier attachment of the same session, which is no more.
    pub(in crate::gateway) fn succeed(&mut self, mut earlier: Self, out: &mut Outgoing) {
        earlier.refuse_arrival(&RequestError::Replaced, out);
        self.questions.inherit(earlier.questions, &self.at);
        self.closing.inherit(earlier.closing);
        self.turns.wait_again(&self.at, out);
    }

    /// Answers a prompt when its turn ends, or at once when the client has seen it end.
    pub(in crate::gateway) fn wait(&self, turn: Turn, id: RequestId, out: &mut Outgoing) {
        self.turns.wait(turn, id, &self.at, out);
    }

    /// Takes in that the client has no method of that name. That is no answer while somebody else may have one; whether
    /// it is now.
    pub(in crate::gateway) fn declines(&mut self, request: Seq, error: &RawBuf) -> bool {
        self.questions.decline(request, error, self.at.membership())
    }

    /// Requests that the client has declined and nobody who is still here can answer.
    pub(in crate::gateway) fn declined_by_all(&self) -> impl Iterator<Item = (Seq, &RawBuf)> {
        self.questions.declined_by_all(self.at.membership())
    }

    /// Tells the client who has come to the session or left it, and asks it what was for somebody who has gone.
    pub(in crate::gateway) fn presence_changed(&mut self, out: &mut Outgoing) {
        self.roster.tell(self.at.membership(), out);
        self.questions.ask_withheld(&self.at, out);
    }

    /// Ends because the session can be followed no longer: it was deleted, or its log cannot be read.
    pub(in crate::gateway) fn end(mut self, why: &RequestError, out: &mut Outgoing) {
        self.refuse_arrival(why, out);
        turns::fail_all(why, &self.at, out);
        self.gone(out);
    }

    /// Ends because the client detaches: what runs goes on without it.
    pub(in crate::gateway) fn detach(mut self, out: &mut Outgoing) {
        self.refuse_arrival(&RequestError::DetachedMeanwhile, out);
        turns::leave_all(&self.at, out);
        self.gone(out);
    }

    fn gone(self, out: &mut Outgoing) {
        for id in self.closing.into_requests() {
            out.respond(id, Response::Done);
        }
        out.drop_session(self.at.session());
    }

    /// Answers a load or an attach whose history will not be shown to its end.
    fn refuse_arrival(&mut self, why: &RequestError, out: &mut Outgoing) {
        if let Some(id) = self.at.cut_history().and_then(Arrival::request) {
            out.refuse(id, why);
        }
    }

    /// Ends the attachment, and answers `id`, when everything up to `head` has been shown.
    pub(in crate::gateway) fn close(&mut self, id: RequestId, head: Seq) {
        self.closing.push(id, head);
    }

    /// Returns whether a close that was asked for is complete.
    pub(in crate::gateway) fn is_closed(&self, out: &Outgoing) -> bool {
        self.closing.any_due(self.at.cursor()) && out.prompts.all_settled(self.at.session())
    }
}
