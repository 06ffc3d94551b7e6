//! Ends of the tasks of a host: of one session, and of all when the host goes.

use std::time::Duration;

use acp_types::SessionId;
use tokio::task::JoinError;
use tokio::time::timeout;

use super::presence::WaitingPresence;
use super::task::Finished;
use super::{Left, Sessions, Supervisor};
use crate::session::Reply;

/// Time that sessions have to write their end at shutdown.
const DRAIN: Duration = Duration::from_secs(5);

impl Supervisor {
    /// A task is over.
    pub(super) fn finished(&mut self, finished: Result<Finished, JoinError>) {
        match finished {
            Ok(Finished::Session(session, left)) => {
                let Left { waiting, reopens } = self.sessions.finished(&session);
                let presence = self.presence.take(&session);
                for envelope in left.into_iter().map(Box::new).chain(waiting).chain(presence) {
                    self.dispatch(envelope);
                }
                self.reopen(session, reopens);
            }
            Ok(Finished::Room(session)) => {
                for envelope in self.presence.take(&session) {
                    self.hand_to(session.clone(), envelope);
                }
            }
            Ok(Finished::Created { driver, session, result, reply }) => {
                self.serve(session.clone(), Some(driver), None);
                // Whoever asked may have gone; the session stays.
                let _ = reply.send(Ok(Reply::Created { session, result }));
            }
            Ok(Finished::General) => {}
            Err(e) => {
                tracing::error!(error = %e, "a host task panicked");
                if let Some((session, Left { waiting, reopens })) = self.sessions.panicked(e.id()) {
                    let presence = self.presence.take(&session);
                    waiting.into_iter().chain(presence).for_each(|envelope| self.dispatch(envelope));
                    self.reopen(session, reopens);
                }
            }
        }
    }

    fn reopen(&mut self, session: SessionId, reopens: bool) {
        if reopens && self.sessions.needs_task(&session) {
            self.open(session, None);
        }
    }

    /// Waits for every session to write its end. What takes longer than [`DRAIN`], such as an authentication that
    /// nobody completes, is ended as it is.
    pub(super) async fn drain(&mut self) {
        self.sessions = Sessions::default();
        // Their answer is that the host has gone.
        self.presence = WaitingPresence::default();
        self.context.draining.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(DRAIN, all).await.is_err() {
            tracing::warn!("some requests did not end in time and are cut off");
            self.tasks.shutdown().await;
        }
        self.context.pool.shutdown().await;
        self.context.stopping.close();
        self.context.stopping.wait().await;
        self.context.pool.registry().shutdown().await;
    }
}
