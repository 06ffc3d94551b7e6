//! Watches a transcript for prompts that come from elsewhere: a plain `claude --resume` takes no lock, and what it does
//! in a session that is open here would stay unknown to the client.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use acp_types::json;
use serde_json::Value;

use super::history;
use super::store::Store;
use super::translate::content;
use super::wire::Prompted;

/// Interval of the looks for more.
pub(super) const LOOK: Duration = Duration::from_secs(2);
/// Limit of one look, in bytes. Of more, the beginning is skipped; prompts are short.
const MOST: u64 = 8 * 1024 * 1024;

/// The watch over one session.
#[derive(Debug)]
pub(super) struct Watch {
    store: Store,
    session: String,
    /// The transcript begins with a copy of another one.
    copied: bool,
    /// The transcript, and how far it was read.
    known: Option<(PathBuf, u64)>,
}

impl Watch {
    /// Over a session as it is now. A fork is `copied`: its transcript begins with what was said in another session.
    pub(super) fn new(store: Store, session: &str, copied: bool) -> Self {
        let mut watch = Self { store, session: session.to_owned(), copied, known: None };
        watch.known = watch.find();
        watch
    }

    fn find(&self) -> Option<(PathBuf, u64)> {
        let path = self.store.find(&self.session)?;
        let length = path.metadata().ok()?.len();
        Some((path, length))
    }

    /// The prompts that were written since.
    pub(super) fn look(&mut self) -> Vec<Prompted> {
        if self.known.is_none() {
            // What stands in it when it appears was said since the session is open, but for what is a copy.
            let copied = self.copied;
            self.known = self.find().map(|(path, length)| (path, if copied { length } else { 0 }));
        }
        let Some((path, read)) = &mut self.known else { return Vec::new() };
        let Ok(length) = path.metadata().map(|it| it.len()) else { return Vec::new() };
        if length <= *read {
            // What was taken back is cut off.
            *read = length;
            return Vec::new();
        }
        let from = (*read).max(length.saturating_sub(MOST));
        let mut bytes = Vec::new();
        let added = File::open(&*path).and_then(|mut file| {
            file.seek(SeekFrom::Start(from))?;
            file.take(length - from).read_to_end(&mut bytes)
        });
        if let Err(error) = added {
            tracing::warn!(%error, transcript = %path.display(), "a transcript cannot be watched");
            return Vec::new();
        }
        // The last line may still be written.
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1);
        *read = from + whole as u64;
        bytes[..whole].split(|byte| *byte == b'\n').filter_map(prompted).collect()
    }
}

fn prompted(line: &[u8]) -> Option<Prompted> {
    // Most lines are none, and some are long.
    memchr::memmem::find(line, b"\"user\"")?;
    let record: Value = json::from_slice(line).ok()?;
    if record.get("type")?.as_str()? != "user" {
        return None;
    }
    let text = history::prompt_text(&record).and_then(|text| content::title(&text))?;
    let uuid = record.get("uuid")?.as_str()?.to_owned();
    // A command is stored under a name of its own.
    (!text.starts_with('/')).then_some(Prompted { uuid, text })
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use serde_json::{Value, json};

    use super::{Store, Watch};

    #[test]
    fn prompts_are_seen_once_and_only_when_they_are_whole() {
        let home = tempfile::tempdir().expect("a directory");
        let project = home.path().join("projects/ws");
        std::fs::create_dir_all(&project).expect("a folder");
        let id = "00000000-0000-4000-8000-000000000001";
        let store = Store::of(|name| (name == "CLAUDE_CONFIG_DIR").then(|| home.path().into())).expect("a store");
        let mut watch = Watch::new(store.clone(), id, false);
        let mut fork = Watch::new(store, id, true);
        assert!(watch.look().is_empty() && fork.look().is_empty(), "there is no transcript yet");
        let write = |text: &str| {
            let file = project.join(format!("{id}.jsonl"));
            let mut file = OpenOptions::new().append(true).create(true).open(file).expect("a file");
            file.write_all(text.as_bytes()).expect("written");
        };
        let prompt = |uuid: &str, text: &str| {
            let record: Value = json!({ "type": "user", "uuid": uuid, "message": { "content": text } });
            record.to_string()
        };
        let seen = |watch: &mut Watch| watch.look().into_iter().map(|it| (it.uuid, it.text)).collect::<Vec<_>>();
        write(&(prompt("a", "first") + "\n"));
        assert_eq!(seen(&mut watch), [("a".to_owned(), "first".to_owned())]);
        assert!(fork.look().is_empty(), "a copy is no news");
        write(&(prompt("b", "one") + "\n{\"type\":\"assistant\"}\n" + &prompt("c", "two")));
        assert_eq!(seen(&mut watch), [("b".to_owned(), "one".to_owned())]);
        assert_eq!(seen(&mut fork), [("b".to_owned(), "one".to_owned())]);
        write("\n");
        assert_eq!(seen(&mut watch), [("c".to_owned(), "two".to_owned())]);
        write(&(prompt("d", "<task-notification>x") + "\n" + &prompt("e", "/compact") + "\n"));
        assert_eq!(seen(&mut watch), []);
    }
}
