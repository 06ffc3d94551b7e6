//! One process per session: a lock file for each that is open.
//!
//! The file also remembers a session that nobody has prompted yet, of which Claude Code itself keeps nothing.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureKind};

/// A session that is ours as long as this lives.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    file: File,
}

/// Facts about a session that has no transcript yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Note {
    /// The session that it is a copy of.
    pub(super) fork: Option<String>,
}

impl Lock {
    /// Takes a session, and what is remembered of it, if anything is.
    ///
    /// # Errors
    /// When another process has it, or the folder cannot be written.
    pub(super) fn take(folder: &Path, session: &str) -> Result<(Self, Option<Note>), Failure> {
        let path = folder.join(format!("{session}.lock"));
        let broken = |error: std::io::Error| {
            let message = format!("cannot lock {}: {error}; make the folder writable", path.display());
            Failure::new(FailureKind::Unavailable, message)
        };
        std::fs::create_dir_all(folder).map_err(broken)?;
        loop {
            let mut options = OpenOptions::new();
            let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let mut file = options.open(&path).map_err(broken)?;
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let message = format!("session {session} is open in another process: close it there first");
                    return Err(Failure::new(FailureKind::InvalidParams, message));
                }
                Err(error) => return Err(broken(error.into())),
            }
            // Whoever had it may have removed the file between the two steps.
            let ours = file.metadata().map_err(broken)?;
            if !std::fs::metadata(&path).is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
                continue;
            }
            let mut text = String::new();
            (&mut file).take(4096).read_to_string(&mut text).map_err(broken)?;
            return Ok((Self { path, file }, serde_json::from_str(&text).ok()));
        }
    }

    /// Writes a note about the session.
    pub(super) fn remember(&mut self, note: &Note) -> std::io::Result<()> {
        let text = serde_json::to_vec(note)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)
    }

    /// Releases the session and forgets it.
    pub(super) fn remove(self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "a lock file stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lock, Note};

    #[test]
    fn a_session_is_taken_by_one_at_a_time() {
        let home = tempfile::tempdir().expect("a directory");
        let (lock, note) = Lock::take(home.path(), "s").expect("a lock");
        assert_eq!(note, None);
        let failure = Lock::take(home.path(), "s").expect_err("taken");
        assert!(failure.message.contains("open in another process"), "{failure}");
        drop(lock);
        Lock::take(home.path(), "s").expect("free again").0.remove();
        assert!(std::fs::read_dir(home.path()).expect("a folder").next().is_none());
    }

    #[test]
    fn what_is_remembered_outlives_the_lock() {
        let home = tempfile::tempdir().expect("a directory");
        let note = Note { fork: Some("other".to_owned()) };
        let (mut lock, _) = Lock::take(home.path(), "s").expect("a lock");
        lock.remember(&Note { fork: Some("another, longer one".to_owned()) }).expect("written");
        lock.remember(&note).expect("written");
        drop(lock);
        assert_eq!(Lock::take(home.path(), "s").expect("a lock").1, Some(note));
    }
}
