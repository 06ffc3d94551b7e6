//! Commands as they travel through a log's queue: the bytes of a [`Command`] and of its answer, and
//! sending one.
//!
//! The queue does not read them. What they look like is documented by a JSON Schema, `schema/commands.json`. Secrets are
//! not in them: they are left in a [`Vault`], and the command has a reference.

mod controllers;
mod secret;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acp_types::{RawBuf, SessionId};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use self::controllers::Controllers;
use self::secret::Withheld;
use crate::log::{CommandId, CommandQueue, MemberId, QueueError, QueuedCommand};
use crate::principal::Principal;
use crate::session::{Command, Refusal, Reply};
use crate::vault::{SecretRef, Vault, VaultError};

/// Version of the bodies that this program writes, and the only one that it reads. It grows when one of them changes its
/// meaning; members and commands that are added do not change it.
pub const VERSION: u32 = 1;

/// First pause before a host that had no room is told again who is there; doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Time that a command may wait for a host before it is refused.
const WITHIN: Duration = Duration::from_secs(60);

/// Answer to a submitted command.
pub type CommandAnswer = Result<Reply, Refusal>;

/// Sender of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by every gateway")]
pub struct By {
    /// The principal, whose rights were checked where the command was made.
    pub principal: Arc<Principal>,
    /// Id of its connection, which the gateway gave it: what the log calls the client.
    pub client: Arc<str>,
}

/// The body of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by every gateway and read by every host")]
pub struct Order {
    /// See [`VERSION`].
    pub version: u32,
    /// The principal that wants it.
    pub principal: Arc<Principal>,
    /// The client that wants it, by the id that its gateway gave it.
    pub client: Arc<str>,
    /// The command, without what no queue may have: `null` stands where that was.
    pub command: Command,
    /// Names what was left out: JSON in a vault, next to gateway and host, with the members `params` and `initialize` as
    /// they are to stand in the command. Params that list MCP servers or have a `_meta` for the agent that is started, and
    /// those of calls that may carry credentials, travel so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
}

impl Order {
    /// A command of a client. What no queue may have is left in the vault.
    ///
    /// # Errors
    /// When the vault does not keep it.
    pub async fn seal(by: By, mut command: Command, vault: &dyn Vault) -> Result<Self, VaultError> {
        let secret = match Withheld::from(&mut command) {
            // Raw values alone: they encode.
            Some(withheld) => Some(vault.keep(RawBuf::encode(&withheld).map_err(|_| VaultError::Damaged)?).await?),
            None => None,
        };
        let By { principal, client } = by;
        Ok(Self { version: VERSION, principal, client, command, secret })
    }

    /// The client and its whole command. What was left in the vault is taken from there.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn open(self, vault: &dyn Vault) -> Result<(Arc<str>, Command), VaultError> {
        let Self { client, mut command, secret, .. } = self;
        if let Some(secret) = secret {
            let withheld = vault.take(&secret).await?;
            let withheld: Withheld = serde_json::from_str(withheld.as_str()).map_err(|_| VaultError::Damaged)?;
            withheld.put_back(&mut command)?;
        }
        Ok((client, command))
    }

    /// Its bytes.
    ///
    /// # Errors
    /// What cannot be written as JSON; nothing that [`Command`] can hold is.
    pub fn encode(&self) -> Result<Bytes, Unreadable> {
        serde_json::to_vec(self).map(Bytes::from).map_err(Unreadable::Body)
    }

    /// Reads one.
    ///
    /// # Errors
    /// When it is of another version, or says what this program does not know.
    pub fn decode(body: &[u8]) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(body).map_err(Unreadable::Body)?;
        if version != VERSION {
            return Err(Unreadable::Version { found: version });
        }
        serde_json::from_slice(body).map_err(Unreadable::Body)
    }
}

/// Reason why a command or an answer cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// Of a version that this program does not speak.
    #[error(
        "it has version {found} and this host reads version {VERSION}; run the same release of acp-bridge on both sides"
    )]
    Version {
        /// Its version.
        found: u32,
    },
    /// Not what it should be.
    #[error("it cannot be read: {0}; run the same release of acp-bridge on both sides")]
    Body(serde_json::Error),
}

/// The bytes of an answer.
pub fn encode_answer(answer: &CommandAnswer) -> Bytes {
    let encoded = serde_json::to_vec(answer).or_else(|error| {
        let answer: CommandAnswer = Err(Refusal::Encoding { why: error.to_string() });
        serde_json::to_vec(&answer)
    });
    // Empty bytes are read as an answer that cannot be read.
    encoded.unwrap_or_default().into()
}

/// Sends commands of one gateway's clients to the hosts of a log.
#[derive(Clone)]
pub struct Commander {
    queue: Arc<dyn CommandQueue>,
    vault: Arc<dyn Vault>,
    from: MemberId,
    controllers: Arc<Controllers>,
}

impl Commander {
    /// Commander for the clients of this gateway. Hosts must have the same vault.
    #[must_use]
    pub fn new(queue: Arc<dyn CommandQueue>, vault: Arc<dyn Vault>, from: MemberId) -> Self {
        Self { queue, vault, from, controllers: Arc::default() }
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
        self.controllers.set(controller, present.then(|| Arc::clone(&by.principal)));
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
            if self.controllers.has(&controller) != present {
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
        for (controller, principal) in self.controllers.all() {
            let (session, client) = controller.clone();
            let by = By { principal, client };
            if !self.controllers.has(&controller) {
                continue;
            }
            let mut told = self.tell_until_taken(by.clone(), session.clone(), true).await;
            if !self.controllers.has(&controller) {
                // It has said itself that it goes, perhaps before the host heard here that it is there.
                told = self.tell_until_taken(by, session.clone(), false).await;
            }
            if let Err(error) = told {
                tracing::warn!(%session, why = %error, "the host does not know whether a client is there");
            }
        }
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

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Version { found } => Self::UnknownCommandVersion { version: found, known: VERSION },
            Unreadable::Body(error) => Self::UnreadableCommand { why: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests;
