//! Doing what a connection wants done, by way of the service.

use std::sync::Arc;

use acp_types::record::{Kind, Seq};
use acp_types::{ErrorObjectOwned, Raw, RawBuf, SessionId};

use super::attachment::Seen;
use super::connection::{Effect, EntryKind, Opened, Outcome};
use crate::log::{Filter, LogError, ReadLimit, SessionInfo, SessionLog};
use crate::service::follower::{SessionFollower, Snapshot};
use crate::service::{Caller, Operation, SessionService};
use crate::session::HOST_TERMINAL;
use crate::view::history::Begin;
use crate::view::lanes::LaneFilter;
use crate::view::v1::terminals::{LOOK_BACK, TerminalView, names_terminal};
use crate::view::{refusal, refused};

/// What an effect needs.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) service: SessionService,
    pub(super) caller: Caller,
    pub(super) log: Arc<dyn SessionLog>,
}

impl Worker {
    /// Does it. Tails are the driver's; they have no outcome.
    pub(super) async fn run(self, effect: Effect) -> Option<Outcome> {
        Some(match effect {
            Effect::Submit { session, command, then } => {
                let answer = self.service.submit(&self.caller, session, command).await;
                Outcome::Submitted { then, answer }
            }
            Effect::Open { session, params, entry, id, terminals } => {
                let opened = self.open(&session, params, &entry, terminals).await.map(Box::new);
                Outcome::Opened { session, entry, id, opened }
            }
            Effect::Close { session, id } => {
                let head = self.service.close(&self.caller, &session).await;
                Outcome::Closed { session, id, head: head.map_err(refused::error_object) }
            }
            Effect::List { query, id } => {
                let sessions = self.service.list(&self.caller, query).await;
                Outcome::Listed { id, sessions: sessions.map_err(refused::error_object) }
            }
            Effect::Tail { .. } | Effect::Untail { .. } => return None,
        })
    }

    async fn open(
        &self,
        session: &SessionId,
        params: RawBuf,
        entry: &EntryKind,
        terminals: bool,
    ) -> Result<Opened, ErrorObjectOwned> {
        let lanes = LaneFilter::read(&params)?;
        // Whoever only looks on brings nothing for the agent, and lets no queued prompt go on.
        let attends = !matches!(entry, EntryKind::Attach(attach) if !attach.role.is_controller());
        let operation = if attends { Operation::Attach } else { Operation::Observe };
        self.service.check(&self.caller, operation, session).map_err(refused::error_object)?;
        let info = self.info(session).await?;
        let cursor = match entry {
            EntryKind::Resume { after } => *after,
            EntryKind::Attach(attach) => match attach.begin {
                Begin::After(after) => Some(after),
                _ => None,
            },
            EntryKind::Load => None,
        };
        if let Some(after) = cursor {
            check_cursor(after, &info)?;
        }
        let attached = match attends {
            true => Some(self.service.attach(&self.caller, session.clone(), params).await),
            false => None,
        };
        let result = attached.transpose().map_err(refused::error_object)?;
        let now = self.service.snapshot(session).await.map_err(refused::error_object)?;
        let Snapshot { follower, state, head, oldest } = now;
        let after = match entry {
            EntryKind::Load => oldest,
            EntryKind::Resume { after } => after.unwrap_or(head),
            EntryKind::Attach(attach) => match &attach.begin {
                Begin::Oldest => oldest,
                Begin::After(after) => *after,
                Begin::Message(message) => self.last_of(session, message, oldest, head).await?,
                Begin::Head => head,
            },
        };
        let result = result.unwrap_or_else(|| state.main().session_result());
        let sees = |lane: &str, terminal: &str| match state.terminal_maker(lane, terminal) {
            _ if terminal.starts_with(HOST_TERMINAL) => false,
            Some(maker) => maker == self.caller.client(),
            None => terminals,
        };
        let begin = oldest.max(after.saturating_sub(LOOK_BACK));
        let terminals = match follower.is_plain(begin, after) {
            true => TerminalView::default(),
            false => self.printed_before(&follower, session, (begin, after), &lanes, sees).await?,
        };
        Ok(Opened { result, seen: Seen { state, head, lanes, terminals }, follower: Some(follower), after })
    }

    /// What commands that may still run have printed before a client's history begins.
    async fn printed_before(
        &self,
        follower: &SessionFollower,
        session: &SessionId,
        (begin, after): (Seq, Seq),
        lanes: &LaneFilter,
        sees: impl Fn(&str, &str) -> bool,
    ) -> Result<TerminalView, ErrorObjectOwned> {
        let mut view = TerminalView::default();
        let (mut cursor, mut plain) = (begin, begin);
        while cursor < after {
            let records = match self.log.read(session, cursor, ReadLimit::default(), Filter::All).await {
                Ok(records) => records,
                // The rest is gone meanwhile.
                Err(LogError::Trimmed { .. }) => return Ok(view),
                Err(error) => return Err(refusal::log_failed(session, &error)),
            };
            let Some(last) = records.last() else { return Ok(view) };
            cursor = last.seq;
            for record in records.iter().take_while(|record| record.seq <= after) {
                view.hear(record, lanes, &sees);
                if names_terminal(record) {
                    plain = record.seq;
                }
            }
        }
        follower.found_plain(plain, after);
        Ok(view)
    }

    /// Seq of the last update of a message.
    async fn last_of(
        &self,
        session: &SessionId,
        message: &str,
        oldest: Seq,
        head: Seq,
    ) -> Result<Seq, ErrorObjectOwned> {
        let (mut after, mut found) = (oldest, None);
        while after < head {
            let read = self.log.read(session, after, ReadLimit::default(), Filter::All).await;
            let records = read.map_err(|error| refusal::log_failed(session, &error))?;
            let Some(last) = records.last() else { break };
            after = last.seq;
            // What was written since the state was folded is live.
            let before = records.iter().take_while(|record| record.seq <= head);
            let of_message = before.filter(|record| {
                let id = record.body.as_raw().path(&["update", "messageId"]).and_then(Raw::as_string);
                record.kind == Kind::Update && id.is_some_and(|id| id == message)
            });
            found = of_message.last().map(|record| record.seq).or(found);
        }
        found.ok_or_else(|| refusal::unknown_message(session, message))
    }

    async fn info(&self, session: &SessionId) -> Result<SessionInfo, ErrorObjectOwned> {
        let info = self.log.get(session).await.map_err(|error| refusal::log_failed(session, &error))?;
        info.ok_or_else(|| refusal::unknown_session(session))
    }
}

fn check_cursor(after: Seq, info: &SessionInfo) -> Result<(), ErrorObjectOwned> {
    if after > info.head {
        return Err(refusal::beyond_head(after, info.head));
    }
    if after < info.oldest {
        return Err(refusal::trimmed(after, info.oldest));
    }
    Ok(())
}
