//! Secrets in memory, for a gateway and a host in one process.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acp_types::RawBuf;
use async_trait::async_trait;
use tokio::time::Instant;

use super::{Bounds, SecretRef, Vault, VaultError};

const BOUNDS: Bounds = Bounds::for_age(Duration::from_secs(5 * 60));

/// Keeps at most 4,096 secrets, 64 MiB, each for five minutes.
pub struct MemoryVault {
    kept: Mutex<Kept>,
    bounds: Bounds,
}

/// Oldest first.
#[derive(Default)]
struct Kept {
    secrets: VecDeque<Secret>,
    bytes: usize,
}

struct Secret {
    name: SecretRef,
    since: Instant,
    text: RawBuf,
}

impl MemoryVault {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::with(BOUNDS)
    }

    fn with(bounds: Bounds) -> Self {
        Self { kept: Mutex::default(), bounds }
    }

    /// Secrets that are kept, without those that nobody has taken in time.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gone = 0;
        while kept.secrets.front().is_some_and(|oldest| oldest.since.elapsed() >= self.bounds.age) {
            kept.remove(0);
            gone += 1;
        }
        if gone > 0 {
            tracing::warn!(secrets = gone, "no host has taken what commands left in the vault; it is gone");
        }
        kept
    }
}

impl Kept {
    fn remove(&mut self, at: usize) -> Option<RawBuf> {
        let secret = self.secrets.remove(at)?;
        self.bytes -= secret.text.as_str().len();
        Some(secret.text)
    }
}

impl Default for MemoryVault {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("MemoryVault").field("secrets", &kept.secrets.len()).field("bytes", &kept.bytes).finish()
    }
}

#[async_trait]
impl Vault for MemoryVault {
    async fn keep(&self, text: RawBuf) -> Result<SecretRef, VaultError> {
        let mut kept = self.kept();
        let bytes = text.as_str().len();
        self.bounds.check(kept.secrets.len(), kept.bytes, bytes)?;
        let name = SecretRef::random();
        kept.secrets.push_back(Secret { name: name.clone(), since: Instant::now(), text });
        kept.bytes += bytes;
        Ok(name)
    }

    async fn take(&self, secret: &SecretRef) -> Result<RawBuf, VaultError> {
        let mut kept = self.kept();
        let at = kept.secrets.iter().position(|kept| kept.name == *secret);
        at.and_then(|at| kept.remove(at)).ok_or(VaultError::Unknown)
    }
}

/// The vault of this process: gateways and hosts that are given no other share it.
#[must_use]
pub fn shared() -> Arc<dyn Vault> {
    static SHARED: LazyLock<Arc<MemoryVault>> = LazyLock::new(Arc::default);
    Arc::clone(&*SHARED) as Arc<dyn Vault>
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: usize) -> RawBuf {
        RawBuf::encode(&"x".repeat(bytes - 2)).unwrap()
    }

    #[tokio::test]
    async fn a_secret_comes_back_once_byte_for_byte_and_is_in_no_debug_output() {
        let vault = MemoryVault::new();
        let odd = RawBuf::parse("{ \"t\" : \"\\ud800 hidden\",\n \"n\":1e2, \"n\":null }").unwrap();
        let name = vault.keep(odd.clone()).await.unwrap();
        assert!(!format!("{vault:?}").contains("hidden"));
        assert_eq!(vault.take(&name).await, Ok(odd));
        assert_eq!(vault.take(&name).await, Err(VaultError::Unknown));
        assert_eq!(vault.take(&"../x".into()).await, Err(VaultError::Unknown));
    }

    #[tokio::test]
    async fn at_its_limits_it_refuses_and_goes_on_once_there_is_room() {
        let vault = MemoryVault::with(Bounds { count: 2, bytes: 100, age: Duration::from_secs(60) });
        assert_eq!(vault.keep(text(101)).await, Err(VaultError::TooBig { bytes: 101, limit: 100 }));
        let one = vault.keep(text(60)).await.unwrap();
        assert_eq!(vault.keep(text(41)).await, Err(VaultError::Full { count: 1, bytes: 60 }));
        vault.keep(text(40)).await.unwrap();
        assert_eq!(vault.keep(text(2)).await, Err(VaultError::Full { count: 2, bytes: 100 }));
        vault.take(&one).await.unwrap();
        vault.keep(text(60)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_goes_and_makes_room() {
        let vault = MemoryVault::with(Bounds { count: 1, bytes: 100, age: Duration::from_secs(60) });
        let old = vault.keep(text(100)).await.unwrap();
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(vault.keep(text(2)).await.is_err());
        tokio::time::advance(Duration::from_secs(1)).await;
        vault.keep(text(100)).await.unwrap();
        assert_eq!(vault.take(&old).await, Err(VaultError::Unknown));
    }
}
