//! Deleting a session that nobody uses and that is not open, without opening it: that would start its agent's story anew
//! in the log, and it would look as if it had been used.

use acp_types::SessionId;
use acp_types::record::Seq;

use super::context::Context;
use super::inbox::Envelope;
use super::secrets::LogSecrets;
use super::unlogged;
use crate::log::{LogError, SessionLog};
use crate::session::{Command, Refusal, Reply};

/// Answers a [`Command::DeleteIdle`] for a session that has no driver. What else is asked of the session waits meanwhile.
pub(super) async fn delete(context: &Context, session: &SessionId, envelope: Envelope) {
    let (log, secrets) = (&*context.log, &context.config.secrets);
    let Command::DeleteIdle { head } = envelope.command else { return };
    let answer = match is_idle(log, session, head).await {
        Ok(true) => forget(log, secrets, session).await.map(|_| Reply::Done).map_err(|error| unlogged::failed(&error)),
        Ok(false) => Err(Refusal::InUse),
        Err(error) => Err(unlogged::failed(&error)),
    };
    // Whoever asked may have gone.
    let _ = envelope.reply.send(answer);
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

/// Answers that the command came too late.
pub(super) fn late(envelope: Envelope) {
    // As above.
    let _ = envelope.reply.send(Err(Refusal::DeadlinePassed));
}

/// Answers that the session stays.
pub(super) fn refuse(envelope: Envelope) {
    // As above.
    let _ = envelope.reply.send(Err(Refusal::InUse));
}

async fn is_idle(log: &dyn SessionLog, session: &SessionId, head: Seq) -> Result<bool, LogError> {
    let info = log.get(session).await?;
    if log.holder(session).await?.is_some() {
        // Another host has it open.
        return Ok(false);
    }
    Ok(info.is_some_and(|info| info.head == head && info.open_turns == 0) && !log.is_followed(session).await?)
}
