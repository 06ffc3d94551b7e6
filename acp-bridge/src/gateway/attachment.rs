//! Attachment: one session on one connection, with what the records of its log come to for the client.
//!
//! | File | Is |
//! |---|---|
//! | `table` | the attachments of one connection, by session |
//! | `position` | who the client is in the session, how far it is in the log, and what of it it sees |
//! | `history` | what is shown before live records, and what the client is told at its end |
//! | `questions` | requests of agents that the client was not asked, or could not answer |
//! | `roster` | who else is there, as far as the client has been told |
//! | `queue` | what a record changes of the prompts that wait |
//! | `turns` | prompts whose turns are known, and cannot end as turns do |
//! | `closing` | closes that end the attachment |
//! | `life` | from coming to a session to leaving it |

mod closing;
mod history;
mod life;
mod position;
mod questions;
mod queue;
mod roster;
mod table;
mod turns;

use std::sync::Arc;

use acp_server::HOP;
use acp_types::record::body::{Outcome, Resolved};
use acp_types::record::{Kind, Record, Seq};
use futures_util::FutureExt;
use tracing::trace;

use self::closing::PendingCloses;
use self::history::Arrival;
pub(super) use self::history::{Arriving, Entry};
use self::position::Position;
pub(super) use self::position::Seen;
use self::questions::Questions;
use self::queue::Waited;
use self::roster::RosterNews;
pub(super) use self::table::AttachmentId;
use self::table::Table;
use self::turns::Turns;
use super::outgoing::Outgoing;
use super::presence::Membership;
use super::tails;
use crate::log::{LogError, ReadLimit};
use crate::service::follower::{Batch, FollowerReader, SessionFollower};
use crate::session::State;
use crate::view::{Attached, LaneFilter, News, Response, Screen};

/// Limit of what is read from the log and rendered at a time: with what the connection's own queues hold, this is what a
/// client that stops reading costs.
const BATCH: ReadLimit = ReadLimit { records: 512, bytes: 128 * 1024 };

/// Attachments of one connection, each boxed, because a table has room for more than it holds.
pub(super) type Attachments = Table<Box<Attachment>>;

/// Records that following a session came to; with the reader, to go on.
pub(super) type Tailed = (AttachmentId, Option<FollowerReader>, Result<Batch, LogError>);

/// Tails of the sessions that one connection follows.
pub(super) type Tails = tails::Tails<AttachmentId, Tailed>;

/// Lens through which the records of one session go on their way to one client.
#[derive(Debug)]
pub(super) struct Lens {
    pub(super) screen: Box<dyn Screen>,
    /// Lanes of the session that the client sees. The cursor moves over the rest.
    pub(super) lanes: LaneFilter,
}

/// One session on one connection.
#[derive(Debug)]
pub(super) struct Attachment {
    /// Place of the client in it; leaves the session when it is dropped.
    at: Position,
    screen: Box<dyn Screen>,
    questions: Questions,
    roster: RosterNews,
    turns: Turns,
    closing: PendingCloses,
}

/// Starts to follow a session for an attachment, behind a cursor.
pub(super) async fn open(id: AttachmentId, follower: Arc<SessionFollower>, after: Seq) -> Tailed {
    match FollowerReader::open(follower, after).await {
        Ok(reader) => next(id, reader).await,
        Err(error) => (id, None, Err(error)),
    }
}

async fn next(id: AttachmentId, mut reader: FollowerReader) -> Tailed {
    let records = reader.next(BATCH).await;
    (id, Some(reader), records)
}

impl Attachments {
    /// Waits for the next records of any session and shows them; the attachment whose they are, and why it can be
    /// followed no longer, if it cannot. Cancel-safe.
    pub(super) async fn show_next(
        &mut self,
        tails: &mut Tails,
        out: &mut Outgoing,
    ) -> (AttachmentId, Result<(), LogError>) {
        let (id, reader, records) = tails.next().await;
        let followed = self.show(id, records, out);
        if followed.is_err() {
            tails.ended(id);
        } else if let Some(reader) = reader
            && tails.is_following(id)
        {
            tails.follow(id, next(id, reader).boxed());
        }
        (id, followed)
    }

    /// Shows what following a session came to. An attachment that is no more is shown nothing.
    ///
    /// # Errors
    /// Whatever the log failed with, unless the attachment goes on.
    pub(super) fn show(
        &mut self,
        id: AttachmentId,
        records: Result<Batch, LogError>,
        out: &mut Outgoing,
    ) -> Result<(), LogError> {
        match (records, self.by_id(id)) {
            (Ok(batch), attached) => {
                trace!(name: "followed", target: HOP, "");
                if let Some(attached) = attached {
                    attached.records(&batch, out);
                }
                Ok(())
            }
            (Err(LogError::Unwritable { reason }), Some(attached)) => {
                attached.turns.unwritable(&reason, &attached.at, out);
                Ok(())
            }
            (Err(error), _) => Err(error),
        }
    }
}

impl Attachment {
    /// State of the session by its log.
    pub(super) fn state(&self) -> &State {
        self.at.state()
    }

    /// Membership that the client has of the session.
    pub(super) fn membership(&self) -> &Membership {
        self.at.membership()
    }

    /// Seq of the last record that was shown.
    pub(super) fn cursor(&self) -> Seq {
        self.at.cursor()
    }

    /// Shows the next records.
    fn records(&mut self, batch: &Batch, out: &mut Outgoing) {
        let records = batch.records();
        self.turns.written();
        self.screen.expect(records, out);
        for record in records {
            self.at.move_to(record.seq);
            match record.kind {
                Kind::Update | Kind::Extension if !self.at.shows(&record.lane) => {}
                Kind::Update => self.screen.update(record, self.at.state(), out),
                Kind::Extension => self.screen.extension(record, out),
                _ => self.control(record, batch, out),
            }
            if !self.at.is_live() {
                self.end_history(out);
            }
        }
        self.at.share(batch);
        self.screen.settle(self.at.cursor(), out);
    }

    fn control(&mut self, record: &Record, batch: &Batch, out: &mut Outgoing) {
        self.screen.control(record, self.at.shows(&record.lane), out);
        if record.kind == Kind::PermissionResolved {
            self.roster.tell_resolved(record, &self.at, out);
        }
        let waited = Waited::before(self.at.state(), record);
        self.at.fold(record, batch);
        if self.at.is_live()
            && let Some((change, turn)) = waited.change(record)
        {
            let state = self.at.state();
            out.tell(self.at.session(), &News::QueueChanged { change, turn, record, state });
        }
        match record.kind {
            Kind::TurnEnded => self.turn_ended(record, out),
            Kind::PermissionRequested | Kind::Request if self.at.is_asked() => {
                self.questions.ask(record.seq, &self.at, out);
            }
            Kind::PermissionResolved | Kind::Response => {
                if let Ok(Resolved { request, .. }) = record.decode() {
                    self.questions.resolved(request, self.at.membership(), out);
                }
            }
            _ => {}
        }
    }

    fn turn_ended(&mut self, record: &Record, out: &mut Outgoing) {
        let session = self.at.session();
        let (Some(turn), Ok(outcome)) = (record.turn, record.decode::<Outcome>()) else {
            tracing::error!(%session, seq = record.seq, "the end of a turn is damaged");
            return;
        };
        self.screen.flush(out);
        let info = self.at.state().turn(turn);
        let ours = info.and_then(|info| info.client.as_deref()).is_some_and(|by| *by == *out.client);
        let steered = info.and_then(|info| info.steered);
        let answered = out.prompts.take(session, turn);
        if answered.is_empty() && !ours && self.at.shows(&record.lane) {
            out.tell(session, &News::TurnEnded { turn, outcome: &outcome, record });
        }
        for id in answered {
            out.respond(id, Response::Turn { turn, seq: record.seq, outcome: &outcome, steered });
        }
    }

    /// Goes over to live records if all history has been shown.
    fn end_history(&mut self, out: &mut Outgoing) {
        let Some(arrival) = self.at.reach_live() else { return };
        let seq = self.at.cursor();
        let replayed = self.screen.end_history(seq, out);
        match arrival {
            Arrival::CaughtUp => out.tell(self.at.session(), &News::CaughtUp { seq }),
            Arrival::Load { id, result } => out.respond(id, Response::Session(result)),
            Arrival::Attach(Arriving { id, policy, result, .. }) => {
                // What the answer does not say yet, updates will.
                let membership = self.at.membership();
                let roster = membership.roster();
                let attached = Attached {
                    session: membership.session(),
                    client: &membership.client,
                    role: membership.role,
                    roster: &roster,
                    policy,
                    replayed,
                    seq,
                    result: &result,
                };
                out.respond(id, Response::Attached(attached));
                self.roster.begin(roster);
            }
        }
        self.questions.ask_pending(&self.at, out);
        self.turns.wait_again(&self.at, out);
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    fn size<A, B, F: Future>(_: impl FnOnce(A, B) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_attachment_has_no_room_for_what_is_big_and_seldom() {
        assert!(size(super::next) <= 512, "{} bytes", size(super::next));
    }
}
