//! Sessions that outlive a connection.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::session::Session;
use crate::mock::answers::lock;

/// Bytes of the first line of a file: the number of what follows, which changes when it was written anew.
const HEAD: usize = 21;

/// Sessions that outlive a connection, shared by all agents that are given it.
#[derive(Debug, Clone, Default)]
pub struct Store(Arc<Mutex<Held>>, Option<PathBuf>);

/// Content of a store, and how much of its file that is.
#[derive(Debug, Default)]
struct Held {
    sessions: Sessions,
    /// Number in the first line of the file.
    number: u64,
    /// Bytes that are known.
    read: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Sessions {
    made: u64,
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
        self.held(|held, _| held.sessions.all.get(id).cloned())
    }

    /// Works on all sessions, and keeps what came of it.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Session>) -> T) -> T {
        self.held(|held, file| {
            let done = work(&mut held.sessions.all);
            held.keep(file);
            done
        })
    }

    /// Adds a session under a new id, or always the same one.
    pub(super) fn add(&self, session: Session, always_the_same: bool) -> String {
        self.held(|held, file| {
            held.sessions.made += 1;
            let id = format!("mock-{}", if always_the_same { 1 } else { held.sessions.made });
            held.sessions.all.insert(id.clone(), session);
            held.keep(file);
            id
        })
    }

    /// Adds to what a load replays. Cheap however much that is.
    pub(super) fn say(&self, id: &str, update: &Value) {
        self.held(|held, file| {
            if held.said(id, update.clone()) {
                held.add(file, id, update);
            }
        });
    }

    /// Works on what the file says now, which no other process changes meanwhile.
    fn held<T>(&self, work: impl FnOnce(&mut Held, Option<&mut File>) -> T) -> T {
        let mut held = lock(&self.0);
        let mut file = self.1.as_ref().and_then(|path| open(path).ok());
        if let Some(file) = &mut file
            && held.catch_up(file).is_err()
        {
            *held = Held::default();
        }
        work(&mut held, file.as_mut())
    }
}

impl Held {
    fn said(&mut self, id: &str, update: Value) -> bool {
        let session = self.sessions.all.get_mut(id);
        session.map(|session| session.said.push(update)).is_some()
    }

    /// Reads what others have written. The first line has the number, the second all sessions, each further one an update
    /// of a session.
    fn catch_up(&mut self, file: &mut File) -> io::Result<()> {
        let mut head = [0; HEAD];
        file.read_exact(&mut head)?;
        let number = std::str::from_utf8(&head).ok().and_then(|head| head.trim().parse().ok());
        let number = number.ok_or(io::ErrorKind::InvalidData)?;
        let anew = self.number != number;
        if anew {
            *self = Self { number, read: HEAD as u64, ..Self::default() };
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut text = String::new();
        self.read += file.read_to_string(&mut text)? as u64;
        let mut lines = text.lines();
        if anew {
            self.sessions = serde_json::from_str(lines.next().unwrap_or_default())?;
        }
        for (id, update) in lines.filter_map(|line| serde_json::from_str::<(String, Value)>(line).ok()) {
            self.said(&id, update);
        }
        Ok(())
    }

    /// Writes everything anew. If it cannot be, the next process will not know it.
    fn keep(&mut self, file: Option<&mut File>) {
        let Some(file) = file else { return };
        self.number += 1;
        let all = serde_json::to_string(&self.sessions).unwrap_or_default();
        let text = format!("{:020}\n{all}\n", self.number);
        self.read = text.len() as u64;
        let _ = rewrite(file, &text);
    }

    /// Writes one update more.
    fn add(&mut self, file: Option<&mut File>, id: &str, update: &Value) {
        let Some(file) = file else { return };
        let line = format!("{}\n", json!([id, update]));
        self.read += line.len() as u64;
        let _ = file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(line.as_bytes()));
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
