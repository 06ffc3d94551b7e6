//! Adds the texts of changed files to a message about them, before anything else can happen to the files.
//!
//! A translator reads no files, and Codex tells only the hunks of a change.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::codex::wire::{Change, ChangeKind, File, Files};

/// Larger files are not shown whole, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;
/// Limit of the texts that are attached to one message, in bytes.
const MOST: usize = 8 * 1024 * 1024;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    method: &'a str,
    #[serde(borrow)]
    params: Params<'a>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    item: &'a RawValue,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    changes: Vec<Change>,
}

/// The message, with the member `_files` if it is about some.
pub(super) async fn attach(line: Bytes) -> Bytes {
    let Some((changes, done)) = changes(&line) else { return line };
    let files = read(&changes, done).await;
    with(&line, &files).unwrap_or(line)
}

fn changes(line: &[u8]) -> Option<(Vec<Change>, bool)> {
    if !line.windows(MARK.len()).take(PROBE).any(|window| window == MARK) {
        return None;
    }
    let message: Message<'_> = serde_json::from_slice(line).ok()?;
    let done = match message.method {
        "item/started" => false,
        "item/completed" => true,
        _ => return None,
    };
    let item: Item = serde_json::from_str(message.params.item.get()).ok()?;
    (item.kind == "fileChange").then_some((item.changes, done))
}

/// Marks near the beginning of such messages.
const MARK: &[u8] = b"\"fileChange\"";
const PROBE: usize = 4096;

/// The files as they are now: before the change while it is not `done`.
async fn read(changes: &[Change], done: bool) -> Files {
    let mut files = BTreeMap::new();
    let mut left = MOST;
    for change in changes {
        let path = match &change.kind {
            ChangeKind::Update { move_path: Some(moved) } if done => moved,
            _ => &change.path,
        };
        if let Some(file) = self::file(Path::new(path)).await {
            if let File::Text(text) = &file {
                let Some(rest) = left.checked_sub(text.len()) else { continue };
                left = rest;
            }
            files.insert(path.clone(), file);
        }
    }
    files
}

/// `None` when it is not for showing.
pub(crate) async fn file(path: &Path) -> Option<File> {
    match tokio::fs::metadata(path).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(File::Absent),
        Ok(metadata) if metadata.is_file() && metadata.len() <= LARGEST => {}
        _ => return None,
    }
    let bytes = tokio::fs::read(path).await.ok()?;
    String::from_utf8(bytes).ok().map(File::Text)
}

/// The message with one more member.
pub(crate) fn with(message: &[u8], files: &Files) -> Option<Bytes> {
    let rest = message.strip_prefix(b"{")?;
    let mut line = b"{\"_files\":".to_vec();
    serde_json::to_writer(&mut line, files).ok()?;
    line.push(b',');
    line.extend_from_slice(rest);
    Some(line.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(method: &str, path: &Path) -> Bytes {
        let change = serde_json::json!({ "path": path, "kind": { "type": "update", "move_path": null }, "diff": "" });
        let item = serde_json::json!({ "type": "fileChange", "id": "c1", "changes": [change] });
        serde_json::json!({ "method": method, "params": { "item": item } }).to_string().into()
    }

    #[tokio::test]
    async fn a_changed_file_is_attached_as_it_is() {
        let home = tempfile::tempdir().expect("temp dir");
        let path = home.path().join("a \"b\".txt");
        let absent = attach(line("item/started", &path)).await;
        std::fs::write(&path, "one\n").expect("write");
        let there = attach(line("item/completed", &path)).await;
        for (line, expected) in [(absent, File::Absent), (there, File::Text("one\n".into()))] {
            let message: crate::codex::wire::Message = serde_json::from_slice(&line).expect("a message");
            assert_eq!(message.files.values().collect::<Vec<_>>(), [&expected]);
            assert!(message.method.is_some());
        }
    }

    #[tokio::test]
    async fn other_messages_stay_as_they_are() {
        let message = Bytes::from_static(
            br#"{"method":"item/started","params":{"item":{"type":"agentMessage","text":"\"fileChange\""}}}"#,
        );
        assert_eq!(attach(message.clone()).await, message);
        let message = line("turn/diff/updated", Path::new("/a"));
        assert_eq!(attach(message.clone()).await, message);
    }
}
