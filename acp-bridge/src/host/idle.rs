//! Idle sessions: agents that nobody needs are stopped, and a session that nobody uses is deleted without being opened. To
//! open it would start its agent's story anew in the log, and it would look as if it had been used.

use std::sync::Arc;
use std::time::Duration;

use acp_types::SessionId;
use acp_types::record::Seq;
use tokio::sync::Notify;

use super::agent_pool::AgentPool;
use super::context::Context;
use super::envelope::Envelope;
use super::secrets::LogSecrets;
use super::unlogged;
use crate::log::{LogError, SessionLog};
use crate::session::{Command, Refusal, Reply};

/// Watch over the agents of one session that nobody needs.
#[derive(Debug)]
pub(super) struct IdleWatch {
    session: SessionId,
    pool: Arc<AgentPool>,
    /// Start of the time that they are idle, as the others of the host know it.
    since: Option<u64>,
    /// Time when somebody looked on last, so that they stay.
    followed_at: u64,
    /// Notice that they are to make room for others.
    asked: Arc<Notify>,
}

impl IdleWatch {
    /// Watch over agents that are in use.
    pub(super) fn new(session: SessionId, pool: Arc<AgentPool>) -> Self {
        Self { session, pool, since: None, followed_at: 0, asked: Arc::new(Notify::new()) }
    }

    /// Tells the others of the host whether these could make room.
    pub(super) fn note(&mut self, since: Option<u64>) {
        if since != self.since {
            self.pool.capacity().idle(&self.session, self.since, since, &self.asked);
            self.since = since;
        }
    }

    /// Somebody looks on.
    pub(super) fn followed(&mut self, at: u64) {
        self.followed_at = at;
    }

    /// Time when they have been idle for this long.
    pub(super) fn deadline(&self, limit: Option<Duration>) -> Option<u64> {
        let limit = u64::try_from(limit?.as_micros()).unwrap_or(u64::MAX);
        Some(self.since?.max(self.followed_at).saturating_add(limit))
    }

    /// Ready when they are to make room for others.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }
}

impl Drop for IdleWatch {
    fn drop(&mut self) {
        self.note(None);
    }
}

/// Answers a [`Command::DeleteIdle`] for a session that has no driver. What else is asked of the session waits meanwhile.
pub(super) async fn delete(context: &Context, session: &SessionId, envelope: Envelope) {
    let (log, secrets) = (&*context.log, &context.config.secrets);
    let Command::DeleteIdle { head } = envelope.command else { return };
    let answer = match is_idle(log, session, head).await {
        Ok(true) => forget(log, secrets, session).await.map(|_| Reply::Done).map_err(|error| unlogged::failed(&error)),
        Ok(false) => Err(Refusal::InUse),
        Err(error) => Err(unlogged::failed(&error)),
    };
    envelope.answer(answer);
}

/// Deletes a session and what was kept of it beside the log: that first, so that nothing is left of a session that is gone.
pub(super) async fn forget(log: &dyn SessionLog, secrets: &LogSecrets, session: &SessionId) -> Result<bool, LogError> {
    if let Err(error) = secrets.forget(session).await {
        return Err(LogError::Unwritable {
            reason: format!("what was kept of the session cannot be deleted: {error}"),
        });
    }
    log.delete(session).await
}

async fn is_idle(log: &dyn SessionLog, session: &SessionId, head: Seq) -> Result<bool, LogError> {
    let info = log.get(session).await?;
    if log.holder(session).await?.is_some() {
        // Another host has it open.
        return Ok(false);
    }
    Ok(info.is_some_and(|info| info.head == head && info.open_turns == 0) && !log.is_followed(session).await?)
}
