//! Directories and files that only their owner can read.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Longest file that is read: two messages of a client.
const MAX_FILE: u64 = 32 << 20;

/// Reason why secrets cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// The directory belongs to another user.
    #[error(
        "{path} belongs to another user, so no secrets are kept there; name a directory of your own with --secrets"
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("secrets cannot be kept in {path}: {reason}; name another directory with --secrets")]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
}

/// Makes a directory that only its owner can enter, or one of it that is there.
pub(super) fn make_private(path: &Path) -> Result<(), SecretsError> {
    let failed = |error: io::Error| SecretsError::Io { path: path.to_owned(), reason: error.to_string() };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    let found = std::fs::metadata(path).map_err(failed)?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(SecretsError::Foreign { path: path.to_owned() });
    }
    if found.mode() & 0o077 != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

/// A file of such a directory.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file of such a directory; it is there as a whole or as it was.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)
}
