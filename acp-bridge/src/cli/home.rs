//! The state directory: the logs of the bridges that `attach` starts, and a note on each of these bridges.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::identity::{self, Wanted};

/// Bytes of a note.
const MAX_NOTE: u64 = 64 * 1024;
/// Notes that are looked at.
const MAX_NOTES: usize = 256;
/// Characters of an agent's name in a file's name.
const MAX_NAME: usize = 32;
/// Digits of a fingerprint in a file's name.
const DIGITS: usize = 12;

/// The state directory of this user.
#[derive(Debug, Clone)]
pub(super) struct Home(PathBuf);

/// A note on a bridge: where it was last, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// `http://127.0.0.1:4477`.
    pub(super) url: String,
    /// The log's URL. A log has one bridge, so it names the note.
    pub(super) log: String,
    /// The agent's name for people.
    pub(super) agent: String,
    /// The fingerprint of the agent's command line.
    pub(super) command: String,
}

impl Home {
    /// Directory where programs keep what is neither configuration nor to be thrown away (XDG Base Directory).
    pub(super) fn find() -> Option<Self> {
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
        Some(Self(base.join("acp-bridge")))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the directory, for its owner alone.
    pub(super) fn make(&self) -> anyhow::Result<()> {
        make(&self.0)
    }

    /// The logs that a bridge for an agent may have, the first that it can get. An agent finds its sessions again
    /// whichever bridge was started first: `sessions.db` stays with the agent that had it first, each other agent has a
    /// log that is named after it. One that was given a log of its own, because the same agent ran with other
    /// settings, keeps that.
    pub(super) fn logs(&self, wanted: &Wanted) -> Vec<String> {
        let named = |fingerprint: &str| {
            let name: String = wanted.agent.chars().filter(char::is_ascii_alphanumeric).take(MAX_NAME).collect();
            let digits = fingerprint.get(..DIGITS).unwrap_or(fingerprint);
            self.0.join(format!("sessions-{name}-{digits}.db"))
        };
        let own = named(&wanted.fingerprint);
        if own.exists() {
            return vec![url(&own)];
        }
        let first = url(&self.0.join("sessions.db"));
        let is_ours = self.note(&first).is_none_or(|note| note.command == wanted.command);
        vec![if is_ours { first } else { url(&named(&wanted.command)) }, url(&own)]
    }

    /// The note on the bridge of a log.
    pub(super) fn note(&self, log: &str) -> Option<Note> {
        read(&self.place(log)?).filter(|note| note.log == log)
    }

    /// The notes on all bridges, by their URLs.
    pub(super) fn notes(&self) -> anyhow::Result<Vec<Note>> {
        let directory = self.notes_directory();
        let entries = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("cannot read {}", directory.display()))?,
        };
        let mut notes = Vec::new();
        for (number, entry) in entries.enumerate() {
            if number == MAX_NOTES {
                tracing::warn!(directory = %directory.display(), "there are more notes than {MAX_NOTES}; remove old ones");
                break;
            }
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match read(&path) {
                Some(note) => notes.push(note),
                None => tracing::warn!(path = %path.display(), "this note on a bridge cannot be read; remove it"),
            }
        }
        notes.sort_by(|a, b| (&a.url, &a.log).cmp(&(&b.url, &b.log)));
        Ok(notes)
    }

    /// Writes the note on a bridge, instead of the one before. Whoever reads it meanwhile sees one or the other.
    pub(super) fn remember(&self, note: &Note) -> anyhow::Result<()> {
        if self.note(&note.log).as_ref() == Some(note) {
            return Ok(());
        }
        make(&self.notes_directory())?;
        let path = self.place(&note.log).context("the log has no place")?;
        let new = path.with_extension(format!("new-{}", std::process::id()));
        let write = || {
            let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(&serde_json::to_vec(note)?)?;
            std::fs::rename(&new, &path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    fn notes_directory(&self) -> PathBuf {
        self.0.join("bridges")
    }

    fn place(&self, log: &str) -> Option<PathBuf> {
        Some(self.notes_directory().join(identity::of_log(log).ok()?).with_extension("json"))
    }
}

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

fn make(directory: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.with_context(|| format!("cannot create {}", directory.display()))
}

fn read(path: &Path) -> Option<Note> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_NOTE).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{Home, Note, Wanted};

    fn wanted(agent: &str, settings: &str) -> Wanted {
        let digits = |text: &str| format!("{text:0<20}");
        Wanted { agent: agent.to_owned(), command: digits(agent), fingerprint: digits(&format!("{agent}{settings}")) }
    }

    fn name(log: &str) -> &str {
        log.rsplit('/').next().unwrap_or_default()
    }

    fn remember(home: &Home, log: &str, wanted: &Wanted) {
        let (agent, command) = (wanted.agent.clone(), wanted.command.clone());
        let note = Note { url: "http://127.0.0.1:1".to_owned(), log: log.to_owned(), agent, command };
        home.remember(&note).unwrap();
        assert_eq!(home.note(log), Some(note));
    }

    #[test]
    fn each_agent_finds_its_log_again_whoever_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home(directory.path().to_owned());
        let (a, b) = (wanted("a", ""), wanted("b", ""));
        let first = home.logs(&a).remove(0);
        assert_eq!(name(&first), "sessions.db");
        remember(&home, &first, &a);
        let second = home.logs(&b).remove(0);
        assert_eq!(name(&second), format!("sessions-b-{}.db", &b.command[..12]));
        remember(&home, &second, &b);
        assert_eq!((&home.logs(&a)[0], &home.logs(&b)[0]), (&first, &second));
        assert_eq!(home.notes().unwrap().len(), 2);
    }

    #[test]
    fn the_name_of_an_agent_leads_nowhere_else() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home(directory.path().to_owned());
        let log = home.logs(&Wanted { agent: "../x y".to_owned(), ..wanted("a", "") }).remove(1);
        assert!(name(&log).starts_with("sessions-xy-"), "{log}");
    }

    #[test]
    fn an_agent_with_other_settings_gets_a_log_of_its_own_and_keeps_it() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home(directory.path().to_owned());
        let (one, two) = (wanted("a", "1"), wanted("a", "2"));
        let logs = home.logs(&two);
        assert_eq!(logs[0], home.logs(&one)[0]);
        assert_ne!(logs[1], home.logs(&one)[1]);
        std::fs::write(logs[1].strip_prefix("sqlite:").unwrap(), "").unwrap();
        assert_eq!(home.logs(&two), [logs[1].clone()]);
        assert_eq!(name(&home.logs(&one)[0]), "sessions.db");
    }
}
