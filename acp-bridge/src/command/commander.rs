//! Commander: sends the commands of one gateway's clients, and waits for their answers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acp_types::SessionId;

use super::order::Order;
use super::{By, CommandAnswer};
use crate::log::{CommandId, CommandQueue, MemberId, QueueError, QueuedCommand};
use crate::principal::Principal;
use crate::session::{Command, Refusal, Reply};
use crate::vault::Vault;

/// Time that a command may wait for a host before it is refused.
const WITHIN: Duration = Duration::from_secs(60);

/// First pause before a host that had no room is told again who is there; doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Sends commands of one gateway's clients to the hosts of a log.
#[derive(Clone)]
pub struct Commander {
    queue: Arc<dyn CommandQueue>,
    vault: Arc<dyn Vault>,
    from: MemberId,
    present: Arc<Mutex<Controllers>>,
}

/// Controllers that are there, each in its session: as many as a gateway has attachments at most.
type Controllers = BTreeMap<(SessionId, Arc<str>), Arc<Principal>>;

impl Commander {
    /// Commander for the clients of this gateway. Hosts must have the same vault.
    #[must_use]
    pub fn new(queue: Arc<dyn CommandQueue>, vault: Arc<dyn Vault>, from: MemberId) -> Self {
        Self { queue, vault, from, present: Arc::default() }
    }

    /// The gateway.
    #[must_use]
    pub fn from(&self) -> &MemberId {
        &self.from
    }

    /// Sends a command to the host of a session, or to hosts in general, and waits for the answer. That a controller has
    /// come or gone is sent again for as long as there is no room for it: what the session does without one depends on it.
    ///
    /// # Errors
    /// The host's own refusal, or why no host has answered.
    pub async fn submit(&self, by: By, session: Option<SessionId>, command: Command) -> CommandAnswer {
        if let (Command::SetPresence { present }, Some(session)) = (&command, &session) {
            return self.attend(by, session.clone(), *present).await;
        }
        submit(&*self.queue, &*self.vault, &self.from, by, session, command).await
    }

    /// Tells a session's host whether a controller is there, until a host has taken it or it is not true any more: then who
    /// has said otherwise tells it.
    async fn attend(&self, by: By, session: SessionId, present: bool) -> CommandAnswer {
        let controller = (session.clone(), Arc::clone(&by.client));
        if present {
            self.present().insert(controller.clone(), Arc::clone(&by.principal));
        } else {
            self.present().remove(&controller);
        }
        self.tell_until_taken(by, session, present).await
    }

    async fn tell_until_taken(&self, by: By, session: SessionId, present: bool) -> CommandAnswer {
        let controller = (session.clone(), Arc::clone(&by.client));
        let mut pause = FIRST_PAUSE;
        loop {
            let told = self.tell(by.clone(), session.clone(), present).await;
            match told {
                Err(Refusal::HostBusy { .. } | Refusal::SessionBusy | Refusal::DeadlinePassed) => {}
                told => return told,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
            if self.is_present(&controller) != present {
                return Ok(Reply::Done);
            }
        }
    }

    async fn tell(&self, by: By, session: SessionId, present: bool) -> CommandAnswer {
        let command = Command::SetPresence { present };
        submit(&*self.queue, &*self.vault, &self.from, by, Some(session), command).await
    }

    /// Tells the hosts once more of every controller that is there.
    pub(crate) async fn announce_again(&self) {
        let there = self.present().clone();
        for (controller, principal) in there {
            let (session, client) = controller.clone();
            let by = By { principal, client };
            if !self.is_present(&controller) {
                continue;
            }
            let mut told = self.tell_until_taken(by.clone(), session.clone(), true).await;
            if !self.is_present(&controller) {
                // It has said itself that it goes, perhaps before the host heard here that it is there.
                told = self.tell_until_taken(by, session.clone(), false).await;
            }
            if let Err(error) = told {
                tracing::warn!(%session, why = %error, "the host does not know whether a client is there");
            }
        }
    }

    fn is_present(&self, controller: &(SessionId, Arc<str>)) -> bool {
        self.present().contains_key(controller)
    }

    fn present(&self) -> MutexGuard<'_, Controllers> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Commander {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commander").field("from", &self.from).finish_non_exhaustive()
    }
}

/// Sends one command, see [`Commander::submit`].
///
/// # Errors
/// As there.
pub async fn submit(
    queue: &dyn CommandQueue,
    vault: &dyn Vault,
    from: &MemberId,
    by: By,
    session: Option<SessionId>,
    command: Command,
) -> CommandAnswer {
    let id = CommandId::from(uuid::Uuid::now_v7().to_string());
    let order = Order::seal(by, command, vault).await.map_err(|error| Refusal::Vault { why: error.to_string() })?;
    let body = order.encode().map_err(Refusal::from)?;
    let queued = QueuedCommand { id, session, from: from.clone(), within: WITHIN, body };
    let answer = match queue.submit(queued).await {
        Ok(answer) => answer,
        Err(error) => {
            if let Some(secret) = &order.secret {
                // No host will come for it now. One that has taken it left nothing to take.
                let _ = vault.take(secret).await;
            }
            return Err(unanswered(error));
        }
    };
    serde_json::from_slice(&answer).unwrap_or_else(|error| Err(Refusal::UnreadableAnswer { why: error.to_string() }))
}

fn unanswered(error: QueueError) -> Refusal {
    match error {
        QueueError::NoHost => Refusal::NoHost,
        QueueError::Full { waiting } => Refusal::HostBusy { max: waiting },
        QueueError::Late => Refusal::DeadlinePassed,
        QueueError::HostGone => Refusal::HostGone,
        QueueError::Forgotten => Refusal::AnswerForgotten,
        QueueError::Failed { reason } => Refusal::QueueFailed { why: reason },
    }
}
