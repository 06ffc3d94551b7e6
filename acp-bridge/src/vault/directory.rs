//! Secrets in a directory, for a gateway and a host in two processes of one user: on one machine, or with a mount that
//! both have.
//!
//! ```text
//! DIRECTORY/UUID.secret   one secret, deleted when it is taken
//! ```

use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acp_types::RawBuf;
use async_trait::async_trait;
use uuid::Uuid;

use super::{Bounds, SecretRef, Vault, VaultError};

const BOUNDS: Bounds = Bounds::for_age(Duration::from_secs(60 * 60));

/// Extension of its files; others in the directory are left alone.
const EXTENSION: &str = "secret";

/// Keeps at most 4,096 secrets, 64 MiB, each for an hour, in files that only their owner can read.
#[derive(Debug, Clone)]
pub struct DirectoryVault {
    place: Arc<VaultFolder>,
}

#[derive(Debug)]
struct VaultFolder {
    path: PathBuf,
    bounds: Bounds,
    /// One is kept after the other, so that each sees what the one before has left of the room.
    keeping: Mutex<()>,
}

impl DirectoryVault {
    /// Opens the directory, or makes it, and removes what nobody has taken for an hour.
    ///
    /// # Errors
    /// When it belongs to another user, when others may write to it, or when it cannot be read and written.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        Self::with(path, BOUNDS)
    }

    fn with(path: &Path, bounds: Bounds) -> Result<Self, VaultError> {
        let failed = |error: io::Error| of(path, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let found = std::fs::metadata(path).map_err(failed)?;
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(VaultError::Foreign { path: path.to_owned() });
        }
        if found.mode() & 0o022 != 0 {
            return Err(VaultError::Shared { path: path.to_owned() });
        }
        if found.mode() & 0o077 != 0 {
            std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
        }
        let place = VaultFolder { path: path.to_owned(), bounds, keeping: Mutex::default() };
        place.sweep()?;
        Ok(Self { place: Arc::new(place) })
    }
}

impl VaultFolder {
    /// Removes what nobody has taken in time; number and bytes of what stays.
    fn sweep(&self) -> Result<(usize, usize), VaultError> {
        let (mut count, mut bytes, mut gone) = (0, 0, 0);
        for entry in std::fs::read_dir(&self.path).map_err(|error| of(&self.path, &error))? {
            let entry = entry.map_err(|error| of(&self.path, &error))?;
            let path = entry.path();
            if !is_secret(&path) {
                continue;
            }
            // One that a host takes at this moment is gone.
            let Ok(found) = entry.metadata() else { continue };
            // A clock that was put back makes a file young.
            let age = found.modified().ok().and_then(|modified| modified.elapsed().ok()).unwrap_or_default();
            if age >= self.bounds.age {
                removed(&path)?;
                gone += 1;
            } else {
                count += 1;
                bytes += usize::try_from(found.len()).unwrap_or(usize::MAX);
            }
        }
        if gone > 0 {
            tracing::warn!(secrets = gone, "no host has taken what commands left in the vault; it is removed");
        }
        Ok((count, bytes))
    }

    fn keep(&self, text: &str) -> Result<SecretRef, VaultError> {
        let _keeping = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, bytes) = self.sweep()?;
        self.bounds.check(count, bytes, text.len())?;
        let name = SecretRef::random();
        let path = self.path.join(name.as_str()).with_extension(EXTENSION);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| of(&path, &error))?;
        // Nobody knows its name before it is whole.
        if let Err(error) = file.write_all(text.as_bytes()) {
            removed(&path)?;
            return Err(of(&path, &error));
        }
        Ok(name)
    }

    fn take(&self, name: &SecretRef) -> Result<RawBuf, VaultError> {
        // The name came with a command, and becomes a part of a path.
        let name = Uuid::try_parse(name.as_str()).map_err(|_| VaultError::Unknown)?;
        let path = self.path.join(name.to_string()).with_extension(EXTENSION);
        let text = match read(&path, self.bounds.bytes) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(VaultError::Unknown),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                removed(&path)?;
                return Err(VaultError::Damaged);
            }
            Err(error) => return Err(of(&path, &error)),
        };
        // Of two that have read it, one removes it: the secret is that one's.
        if !removed(&path)? {
            return Err(VaultError::Unknown);
        }
        RawBuf::parse(text).map_err(|_| VaultError::Damaged)
    }
}

#[async_trait]
impl Vault for DirectoryVault {
    async fn keep(&self, secret: RawBuf) -> Result<SecretRef, VaultError> {
        self.blocking(move |place| place.keep(secret.as_str())).await
    }

    async fn take(&self, secret: &SecretRef) -> Result<RawBuf, VaultError> {
        let name = secret.clone();
        self.blocking(move |place| place.take(&name)).await
    }
}

impl DirectoryVault {
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&VaultFolder) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let place = Arc::clone(&self.place);
        let done = tokio::task::spawn_blocking(move || work(&place)).await;
        done.unwrap_or_else(|error| Err(of(&self.place.path, &io::Error::other(error))))
    }
}

/// A file that a vault has made.
fn is_secret(path: &Path) -> bool {
    let name = path.file_stem().and_then(OsStr::to_str);
    path.extension() == Some(OsStr::new(EXTENSION)) && name.is_some_and(|name| Uuid::try_parse(name).is_ok())
}

fn read(path: &Path, limit: usize) -> io::Result<String> {
    let mut text = String::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    File::open(path)?.take(limit).read_to_string(&mut text)?;
    Ok(text)
}

/// Removes a file; `false` when there was none any more.
fn removed(path: &Path) -> Result<bool, VaultError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(of(path, &error)),
    }
}

fn of(path: &Path, error: &io::Error) -> VaultError {
    VaultError::Io { path: path.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests;
