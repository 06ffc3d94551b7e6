//! Order: a command as bytes for a log's queue, and its answer.

use std::sync::Arc;

use acp_types::RawBuf;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::secret::Withheld;
use super::{By, CommandAnswer};
use crate::principal::Principal;
use crate::session::{Command, Refusal};
use crate::vault::{SecretRef, Vault, VaultError};

/// Version of the bodies that this program writes, and the only one that it reads. It grows when one of them changes its
/// meaning; members and commands that are added do not change it.
pub const VERSION: u32 = 1;

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

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Version { found } => Self::UnknownCommandVersion { version: found, known: VERSION },
            Unreadable::Body(error) => Self::UnreadableCommand { why: error.to_string() },
        }
    }
}
