//! The task that serves one session.

use std::time::Duration;

use acp_types::SessionId;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::task::Finished;
use crate::host::context::Context;
use crate::host::driver::{Driver, End};
use crate::host::envelope::Envelope;
use crate::host::{idle, recovery, unlogged};
use crate::log::LogError;
use crate::session::Command;

/// First pause before a session whose log could not be written is tried again; doubles up to [`MAX_RETRY`].
const FIRST_RETRY: Duration = Duration::from_millis(500);
const MAX_RETRY: Duration = Duration::from_secs(30);

/// Serves one session. A log that cannot be written is tried again for as long as it takes: after a pause, or when a
/// command comes, which is refused if the log still cannot be written.
pub(super) async fn serve(
    context: Context,
    session: SessionId,
    created: Option<Box<Driver>>,
    mut held: Option<Box<Envelope>>,
    mut commands: mpsc::Receiver<Box<Envelope>>,
) -> Finished {
    let mut next = created.map(Ok);
    let mut epoch = None;
    let mut pause = FIRST_RETRY;
    // The agents that were stopped, on their way out.
    let mut agents: Option<BoxFuture<'static, ()>> = None;
    loop {
        if next.is_none()
            && let Some(envelope) = held.take_if(|held| matches!(held.command, Command::DeleteIdle { .. }))
        {
            idle::delete(&context, &session, *envelope).await;
            break;
        }
        // A new agent beside one that is not gone would damage the session of both.
        until_gone(&context, &mut agents).await;
        let opened = match next.take() {
            Some(opened) => opened,
            // Boxed, as is all that is big and seldom: what a session's task has room for, each idle session costs.
            None => Box::pin(open(context.clone(), session.clone())).await.map(Box::new),
        };
        let error = match opened {
            Ok(mut driver) => {
                epoch = Some(driver.epoch());
                pause = FIRST_RETRY;
                let end = driver.serve(held.take(), &mut commands).await;
                agents = Some(driver.leave().boxed());
                match end {
                    End::Done => break,
                    End::Deleted => {
                        // Nobody opens it again.
                        agents = None;
                        break;
                    }
                    End::Lost(error) => error,
                }
            }
            Err(error) => error,
        };
        if !matches!(error, LogError::Unwritable { .. }) {
            if let Some(envelope) = held.take() {
                envelope.refuse(unlogged::lost(&error, &session));
            }
            answer_all(&mut commands, &error, &session).await;
            break;
        }
        if let Some(envelope) = held.take() {
            envelope.refuse(unlogged::failed(&error));
        }
        tracing::error!(%session, %error, "the session cannot go on; trying again");
        tokio::select! {
            () = context.shutdown.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
            envelope = commands.recv() => match envelope {
                Some(envelope) => held = Some(envelope),
                None => break,
            },
        }
        pause = (pause * 2).min(MAX_RETRY);
    }
    if let Some(epoch) = epoch
        && let Err(error) = context.log.release(&session, &context.member, epoch).await
    {
        tracing::debug!(%session, %error, "the session was not given up; it is once the lease of this host runs out");
    }
    commands.close();
    let mut left = Vec::new();
    while let Ok(envelope) = commands.try_recv() {
        left.push(*envelope);
    }
    until_gone(&context, &mut agents).await;
    Finished::Session(session, left)
}

/// Claims a session that exists and closes what a crash left open.
async fn open(context: Context, session: SessionId) -> Result<Driver, LogError> {
    let (machine, out) = recovery::open(&context.log, &context.member, &session, &context.config).await?;
    let mut driver = Driver::new(context, session, machine, out, None);
    driver.flush().await?;
    Ok(driver)
}

/// Waits until agents are gone. When the host ends, it waits for all of them itself.
async fn until_gone(context: &Context, agents: &mut Option<BoxFuture<'static, ()>>) {
    if let Some(agents) = agents.take() {
        context.draining.run_until_cancelled(agents).await;
    }
}

/// The session is not there, or not ours any more: whoever asked is told.
async fn answer_all(commands: &mut mpsc::Receiver<Box<Envelope>>, why: &LogError, session: &SessionId) {
    commands.close();
    while let Some(envelope) = commands.recv().await {
        envelope.refuse(unlogged::lost(why, session));
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use crate::host::envelope::Envelope;

    fn size<A, B, C, D, E, F: Future>(_: impl FnOnce(A, B, C, D, E) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_idle_session_has_no_room_for_what_is_big_and_seldom() {
        assert!(size(super::serve) <= 4 * 1024, "{} bytes", size(super::serve));
        // A queue has room for 32 of them from the start.
        assert!(size_of::<Box<Envelope>>() <= 16);
    }
}
