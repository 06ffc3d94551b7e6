//! A store for what no command may carry: a gateway leaves a secret here, the command has a reference, the host takes it.
//!
//! Commands travel through a log's queue, and whoever runs that may read them. A vault stands next to gateway and host:
//! in their process, or as a directory that both can reach. A secret is there from the moment that its command is sent
//! until a host takes it, once; what nobody takes goes after a while.

mod directory;
mod memory;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use acp_types::RawBuf;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use directory::DirectoryVault;
pub use memory::{MemoryVault, shared};

/// Names one secret. It cannot be guessed, and says nothing of what it names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct SecretRef(Arc<str>);

impl SecretRef {
    fn random() -> Self {
        Self(Uuid::new_v4().to_string().into())
    }

    /// The reference as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretRef {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

/// Keeps secrets between a gateway and a host.
#[async_trait]
pub trait Vault: Send + Sync + fmt::Debug + 'static {
    /// Keeps a secret until it is taken.
    async fn keep(&self, secret: RawBuf) -> Result<SecretRef, VaultError>;

    /// Hands a secret out, byte for byte, and has it no more.
    async fn take(&self, secret: &SecretRef) -> Result<RawBuf, VaultError>;
}

/// Reason why a vault does not keep a secret, or does not hand one out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// It has no such secret.
    #[error(
        "the vault has no such secret: it was taken before, nobody took it in time, or gateway and host use different \
         vaults; send the request again, and give a gateway and a host in two processes the same directory"
    )]
    Unknown,
    /// There is no room for one more. Nothing of it was kept.
    #[error("the vault has {count} secrets of {bytes} bytes that no host has taken, and no room for more; try again")]
    Full {
        /// Number of secrets that it has.
        count: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// The secret alone is more than there is room for.
    #[error("the vault keeps at most {limit} bytes and this secret has {bytes}; send less")]
    TooBig {
        /// Its bytes.
        bytes: usize,
        /// Bytes that there is room for.
        limit: usize,
    },
    /// Others may put something into the directory.
    #[error(
        "other users may write to {path}, so no secrets are kept there; take that right away (chmod go-w), or name a \
         directory of your own"
    )]
    Shared {
        /// The directory.
        path: PathBuf,
    },
    /// The directory belongs to another user.
    #[error("{path} belongs to another user, so no secrets are kept there; name a directory of your own")]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("secrets cannot be kept in {path}: {reason}; make room or give it back its rights, and try again")]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// The secret that was handed out is not the one that was kept.
    #[error("what the vault has under this reference is damaged; send the request again")]
    Damaged,
}

/// Bounds of a vault: how much it keeps, and for how long.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Secrets. As many as commands can wait in a queue.
    count: usize,
    /// Their bytes.
    bytes: usize,
    /// Age at which a secret that nobody has taken goes. Longer than any command waits for a host.
    age: Duration,
}

impl Bounds {
    const fn for_age(age: Duration) -> Self {
        Self { count: 4096, bytes: 64 << 20, age }
    }

    /// Checks that one more secret may come to those that are kept.
    fn check(self, count: usize, bytes: usize, new: usize) -> Result<(), VaultError> {
        if new > self.bytes {
            return Err(VaultError::TooBig { bytes: new, limit: self.bytes });
        }
        if count >= self.count || bytes.saturating_add(new) > self.bytes {
            return Err(VaultError::Full { count, bytes });
        }
        Ok(())
    }
}
