//! Secrets that agents need again after a restart and the log must not have: files of the host that only their owner
//! can read.
//!
//! ```text
//! DIRECTORY/key                  with what MCP servers are told apart in logs
//! DIRECTORY/logs/ID/log.json     which file the log with this id is
//! DIRECTORY/logs/ID/HASH.json    params of the next start of a session's agents
//! ```
//!
//! A log carries its id, but that counts only for the file that is written down here: a copy of it, with whatever somebody
//! has put in it, is another log.

mod directory;

use std::fmt::Write as _;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use acp_types::{RawBuf, SessionId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use directory::SecretsError;

use crate::session::FingerprintKey;

/// The directory of one user's hosts.
#[derive(Debug)]
pub struct Secrets {
    directory: PathBuf,
    key: FingerprintKey,
}

/// Identity of a log's file.
#[derive(Debug, Serialize, Deserialize)]
struct LogFile {
    file: PathBuf,
    inode: u64,
}

/// Secrets that are kept of a session.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    session: SessionId,
    params: RawBuf,
}

impl Secrets {
    /// Opens the directory, or makes it.
    ///
    /// # Errors
    /// When it belongs to somebody else, or cannot be read and written.
    pub fn open(directory: &Path) -> Result<Self, SecretsError> {
        let of = |path: &Path, error: io::Error| SecretsError::Io { path: path.to_owned(), reason: error.to_string() };
        directory::make_private(directory)?;
        directory::make_private(&directory.join("logs"))?;
        let path = directory.join("key");
        let key = match directory::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
                let key = [one.into_bytes(), two.into_bytes()].concat();
                directory::write(&path, &key).map_err(|error| of(&path, error))?;
                key
            }
            Err(error) => return Err(of(&path, error)),
        };
        // A damaged key is as good as another one: fingerprints differ from those before.
        let key = FingerprintKey::new(Sha256::digest(&key).into());
        Ok(Self { directory: directory.to_owned(), key })
    }

    /// Key with which MCP servers are told apart in the logs of these hosts.
    #[must_use]
    pub fn fingerprint_key(&self) -> FingerprintKey {
        self.key
    }

    /// Returns whether this user's hosts have written the log in `file`, which carries this id.
    #[must_use]
    pub fn knows(&self, id: &str, file: &Path) -> bool {
        let known = self.of_log(id).and_then(|log| directory::read(&log.place?.join("log.json")).ok());
        let known = known.and_then(|bytes| serde_json::from_slice::<LogFile>(&bytes).ok());
        known.zip(std::fs::metadata(file).ok()).is_some_and(|(known, found)| known.inode == found.ino())
    }

    /// From now on the log in `file` is one of this user's hosts.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn register(&self, id: &str, file: &Path) -> Result<(), SecretsError> {
        let Some(place) = self.of_log(id).and_then(|log| log.place) else { return Ok(()) };
        directory::make_private(&place)?;
        let path = place.join("log.json");
        let written = std::fs::metadata(file).and_then(|found| {
            let known = LogFile { file: file.to_owned(), inode: found.ino() };
            directory::write(&path, &serde_json::to_vec(&known)?)
        });
        written.map_err(|error| SecretsError::Io { path, reason: error.to_string() })
    }

    /// Secrets that are kept for the log with this id; `None` for a text that is no id of a log.
    #[must_use]
    pub fn of_log(&self, id: &str) -> Option<LogSecrets> {
        // It came from a file that anybody may have written, and becomes a part of a path.
        let id = Uuid::try_parse(id).ok()?;
        Some(LogSecrets { place: Some(self.directory.join("logs").join(id.to_string()).into()) })
    }
}

/// Secrets that are kept for the sessions of one log.
#[derive(Debug, Clone, Default)]
pub struct LogSecrets {
    /// `None`: nothing is kept.
    place: Option<Arc<Path>>,
}

impl LogSecrets {
    /// Nothing is kept: after a restart agents have no MCP servers until a client brings some.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Keeps the params of the next start of a session's agents, in place of those before.
    pub(super) async fn keep(&self, session: &SessionId, params: RawBuf) {
        let Some(path) = self.path(session) else { return };
        let kept = Kept { session: session.clone(), params };
        let written = blocking(move || directory::write(&path, &serde_json::to_vec(&kept)?)).await;
        if let Err(error) = written {
            tracing::warn!(%session, %error, "what the session's agents need for their next start cannot be kept: after a \
                restart of the bridge they have no MCP servers until a client brings them again");
        }
    }

    /// The params that were kept last; `None` when there are none, or none that can be read.
    pub(super) async fn get(&self, session: &SessionId) -> Option<RawBuf> {
        let path = self.path(session)?;
        let read = blocking(move || {
            let kept: Kept = serde_json::from_slice(&directory::read(&path)?)?;
            Ok(kept)
        });
        match read.await {
            Ok(kept) => (kept.session == *session).then_some(kept.params),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(%session, %error, "what was kept for the session's agents cannot be read");
                None
            }
        }
    }

    /// The session is to go: nothing of it stays here.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn forget(&self, session: &SessionId) -> io::Result<()> {
        let Some(path) = self.path(session) else { return Ok(()) };
        match blocking(move || std::fs::remove_file(path)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// A session's id may be any text, so its file has the name of its hash.
    fn path(&self, session: &SessionId) -> Option<PathBuf> {
        let mut name = String::new();
        for byte in Sha256::digest(session.as_str()) {
            // Writing to a string does not fail.
            let _ = write!(name, "{byte:02x}");
        }
        name.push_str(".json");
        Some(self.place.as_ref()?.join(name))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use acp_types::RawBuf;
    use uuid::Uuid;

    use super::{LogSecrets, Secrets};

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn what_is_kept_is_for_its_owner_comes_back_and_goes_with_its_session() {
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(&directory.path().join("state")).unwrap();
        let (id, file) = (Uuid::new_v4().to_string(), directory.path().join("log.db"));
        std::fs::write(&file, "").unwrap();
        secrets.register(&id, &file).unwrap();
        let log = secrets.of_log(&id).unwrap();
        let (one, other) = ("../../one".into(), "other".into());
        let params = RawBuf::parse(r#"{ "mcpServers":[{"n":1e2}] }"#).unwrap();
        log.keep(&one, params.clone()).await;
        assert_eq!(log.get(&one).await, Some(params));
        assert_eq!(log.get(&other).await, None);
        assert_eq!(LogSecrets::none().get(&one).await, None);
        let place = directory.path().join("state/logs").join(&id);
        assert_eq!((mode(&place), mode(&directory.path().join("state/key"))), (0o700, 0o600));
        for entry in std::fs::read_dir(&place).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
        log.forget(&one).await.unwrap();
        log.forget(&one).await.unwrap();
        assert_eq!(log.get(&one).await, None);
    }

    #[test]
    fn a_log_is_known_by_its_id_and_its_file_and_a_copy_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(directory.path()).unwrap();
        let (id, file) = (Uuid::new_v4().to_string(), directory.path().join("log.db"));
        std::fs::write(&file, "").unwrap();
        assert!(!secrets.knows(&id, &file));
        secrets.register(&id, &file).unwrap();
        assert!(Secrets::open(directory.path()).unwrap().knows(&id, &file));
        let copy = directory.path().join("copy.db");
        std::fs::copy(&file, &copy).unwrap();
        assert!(!secrets.knows(&id, &copy) && !secrets.knows(&Uuid::new_v4().to_string(), &file));
        for wrong in ["", "..", "../../etc", "x"] {
            assert!(secrets.of_log(wrong).is_none() && !secrets.knows(wrong, &file), "{wrong}");
        }
    }

    #[test]
    fn the_key_stays_and_a_directory_that_others_can_read_is_closed() {
        let directory = tempfile::tempdir().unwrap();
        let wide = directory.path().join("wide");
        std::fs::create_dir(&wide).unwrap();
        std::fs::set_permissions(&wide, std::fs::Permissions::from_mode(0o755)).unwrap();
        let key = Secrets::open(&wide).unwrap().fingerprint_key();
        assert_eq!(mode(&wide), 0o700);
        assert_eq!(Secrets::open(&wide).unwrap().fingerprint_key(), key);
        assert_ne!(Secrets::open(&directory.path().join("another")).unwrap().fingerprint_key(), key);
    }
}
