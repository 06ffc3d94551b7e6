//! Looking a session up for a client that comes to it: where its history begins, and what it is to have heard before.

use std::ops::Range;
use std::sync::Arc;

use acp_types::record::Seq;
use acp_types::{RawBuf, SessionId};

use super::attachment::Seen;
use super::connection::{Coming, Opened};
use crate::log::{Filter, LogError, ReadLimit, SessionInfo, SessionLog};
use crate::service::follower::{SessionFollower, Snapshot};
use crate::service::{Caller, Operation, SessionService};
use crate::session::State;
use crate::view::{self, Begin, EntryKind, RequestError};

/// Opener of sessions for one connection.
#[derive(Debug, Clone)]
pub(super) struct Opener {
    pub(super) service: SessionService,
    pub(super) caller: Caller,
    pub(super) log: Arc<dyn SessionLog>,
}

impl Opener {
    /// Checks the cursor, tells the host unless the client only looks on, folds the log, and lets the client's screen
    /// hear what matters of the records before its history.
    pub(super) async fn open(
        &self,
        session: &SessionId,
        params: RawBuf,
        coming: &mut Coming,
    ) -> Result<Opened, RequestError> {
        let entry = &coming.entry;
        // Whoever only looks on brings nothing for the agent, and lets no queued prompt go on.
        let attends = !matches!(entry, EntryKind::Attach(attach) if !attach.role.is_controller());
        let operation = if attends { Operation::Attach } else { Operation::Observe };
        self.service.check(&self.caller, operation, session)?;
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
        let result = attached.transpose()?;
        let Snapshot { follower, state, head, oldest } = self.service.snapshot(session).await?;
        let after = match entry {
            EntryKind::Load => oldest,
            EntryKind::Resume { after } => after.unwrap_or(head),
            EntryKind::Attach(attach) => match &attach.begin {
                Begin::Oldest => oldest,
                Begin::After(after) => *after,
                Begin::Message(message) => self.last_of(session, message, oldest..head).await?,
                Begin::Head => head,
            },
        };
        let result = result.unwrap_or_else(|| state.main().session_result());
        let before = oldest.max(after.saturating_sub(view::LOOK_BACK))..after;
        if !follower.is_plain(before.start, before.end) {
            self.hear(coming, &follower, session, &state, before).await?;
        }
        Ok(Opened { result, seen: Seen { state, head }, follower: Some(follower), after })
    }

    /// Lets the client's screen hear what of the records before its history matters for what it is shown.
    async fn hear(
        &self,
        coming: &mut Coming,
        follower: &SessionFollower,
        session: &SessionId,
        state: &State,
        before: Range<Seq>,
    ) -> Result<(), RequestError> {
        let (mut cursor, mut plain) = (before.start, before.start);
        while cursor < before.end {
            let records = match self.log.read(session, cursor, ReadLimit::default(), Filter::All).await {
                Ok(records) => records,
                // The rest is gone meanwhile.
                Err(LogError::Trimmed { .. }) => return Ok(()),
                Err(error) => return Err(RequestError::log(session, error)),
            };
            let Some(last) = records.last() else { return Ok(()) };
            cursor = last.seq;
            for record in records.iter().take_while(|record| record.seq <= before.end) {
                coming.screen.hear(record, &coming.lanes, state);
                if view::may_matter_later(record) {
                    plain = record.seq;
                }
            }
        }
        follower.found_plain(plain, before.end);
        Ok(())
    }

    /// Seq of the last update of a message, among records behind the first and up to the second.
    async fn last_of(&self, session: &SessionId, message: &str, among: Range<Seq>) -> Result<Seq, RequestError> {
        let (mut after, mut found) = (among.start, None);
        while after < among.end {
            let read = self.log.read(session, after, ReadLimit::default(), Filter::All).await;
            let records = read.map_err(|error| RequestError::log(session, error))?;
            let Some(last) = records.last() else { break };
            after = last.seq;
            // What was written since the state was folded is live.
            let before = records.iter().take_while(|record| record.seq <= among.end);
            let of_message = before.filter(|record| view::is_of_message(record, message));
            found = of_message.last().map(|record| record.seq).or(found);
        }
        let message = || message.to_owned();
        found.ok_or_else(|| RequestError::UnknownMessage { session: session.clone(), message: message() })
    }

    async fn info(&self, session: &SessionId) -> Result<SessionInfo, RequestError> {
        let info = self.log.get(session).await.map_err(|error| RequestError::log(session, error))?;
        info.ok_or_else(|| RequestError::no_session(session))
    }
}

fn check_cursor(after: Seq, info: &SessionInfo) -> Result<(), RequestError> {
    let (head, oldest) = (info.head, info.oldest);
    if after > head {
        return Err(RequestError::log(&info.id, LogError::BeyondHead { after, head }));
    }
    if after < oldest {
        return Err(RequestError::log(&info.id, LogError::Trimmed { after, oldest }));
    }
    Ok(())
}
