//! Sessions that outlive a connection.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use super::lock;
use super::sessions::Session;

/// Sessions that outlive a connection, shared by all agents that are given it.
#[derive(Debug, Clone, Default)]
pub struct Store(Arc<Mutex<Sessions>>, Option<PathBuf>);

/// What a store holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Sessions {
    made: u64,
    /// Numbers that were given out for ids within sessions.
    #[serde(default)]
    numbers: u64,
    all: BTreeMap<String, Session>,
}

impl Store {
    /// A store that is kept in a file, for agents in processes of their own, also at the same time. A file that cannot be
    /// read is an empty one; one that cannot be written is kept in memory, which the suite will tell.
    #[must_use]
    pub fn in_file(path: PathBuf) -> Self {
        Self(Arc::default(), Some(path))
    }

    pub(super) fn get(&self, id: &str) -> Option<Session> {
        self.held(|sessions| sessions.all.get(id).cloned())
    }

    /// Works on all sessions, and keeps what came of it.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Session>) -> T) -> T {
        self.held(|sessions| work(&mut sessions.all))
    }

    /// Adds a session under a new id, or always the same one.
    pub(super) fn add(&self, session: Session, always_the_same: bool) -> String {
        self.held(|sessions| {
            sessions.made += 1;
            let id = format!("mock-{}", if always_the_same { 1 } else { sessions.made });
            sessions.all.insert(id.clone(), session);
            id
        })
    }

    /// A number that was never given out before.
    pub(super) fn number(&self) -> u64 {
        self.held(|sessions| {
            sessions.numbers += 1;
            sessions.numbers
        })
    }

    /// Works on what the file says now, which no other process changes meanwhile.
    fn held<T>(&self, work: impl FnOnce(&mut Sessions) -> T) -> T {
        let mut sessions = lock(&self.0);
        let Some(mut file) = self.1.as_ref().and_then(|path| open(path).ok()) else { return work(&mut sessions) };
        let mut text = String::new();
        if file.read_to_string(&mut text).is_ok() && !text.is_empty() {
            *sessions = serde_json::from_str(&text).unwrap_or_default();
        }
        let done = work(&mut sessions);
        let kept = serde_json::to_string(&*sessions).unwrap_or_default();
        if kept != text {
            // The next process will then not know the session.
            let _ = rewrite(&mut file, &kept);
        }
        done
    }
}

/// The file, locked until it is dropped.
fn open(path: &PathBuf) -> io::Result<File> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    file.lock()?;
    Ok(file)
}

fn rewrite(file: &mut File, text: &str) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.set_len(0)?;
    file.write_all(text.as_bytes())
}
