//! The texts before and after each change of a file, found by taking the changes back from the newest on.
//!
//! Codex keeps only hunks. Where a file was changed by something else meanwhile they do not fit, and only the hunks are
//! shown.

use std::collections::HashMap;
use std::path::Path;

use acp_types::RawBuf;

use super::page::page;
use crate::codex::connection::{Connection, file};
use crate::codex::translate::sides;
use crate::codex::wire::{Change, ChangeKind, File, Files, Item, Status};
use crate::failure::Failure;

/// Texts that are kept at most, in bytes; those of older changes are left out.
const MOST: usize = 64 * 1024 * 1024;

/// Texts of changed files, by item.
#[derive(Debug, Default)]
pub(super) struct Texts(HashMap<String, Files>);

impl Texts {
    pub(super) fn of(&self, item: &str) -> Files {
        self.0.get(item).cloned().unwrap_or_default()
    }
}

/// Takes back all changes of a thread.
pub(super) async fn collect(connection: &Connection, thread: &str) -> Result<Texts, Failure> {
    let mut past = Past::default();
    let mut cursor = None;
    loop {
        let page = page(connection, thread, cursor, "desc").await?;
        for item in page.data.iter().flat_map(|turn| turn.items.iter().rev()) {
            past.item(item).await;
        }
        cursor = page.next_cursor;
        if cursor.is_none() || past.kept > MOST {
            return Ok(past.texts);
        }
    }
}

/// The files as they were before the changes that were taken back.
#[derive(Default)]
struct Past {
    /// `None` if nobody knows.
    files: HashMap<String, Option<File>>,
    texts: Texts,
    kept: usize,
}

impl Past {
    async fn item(&mut self, item: &RawBuf) {
        if !item.as_str().contains("\"fileChange\"") {
            return;
        }
        let Ok(Item::FileChange { id, changes, status: Status::Completed }) = serde_json::from_str(item.as_str())
        else {
            return;
        };
        for change in changes.iter().rev() {
            self.change(&id, change).await;
        }
    }

    async fn change(&mut self, item: &str, change: &Change) {
        let path = match &change.kind {
            ChangeKind::Update { move_path: Some(moved) } => moved,
            _ => &change.path,
        };
        let after = self.file(path).await;
        let sides = sides(change, after.as_ref(), true);
        let before = match &sides.old {
            _ if sides.partial => None,
            Some(old) => Some(File::Text(old.clone())),
            None => Some(File::Absent),
        };
        if *path != change.path {
            self.files.insert(path.clone(), Some(File::Absent));
        }
        self.files.insert(change.path.clone(), before);
        if matches!(change.kind, ChangeKind::Update { .. }) && !sides.partial {
            self.kept += sides.new.len() + sides.old.as_ref().map_or(0, String::len);
            let texts = File::Sides(sides.old, sides.new);
            self.texts.0.entry(item.to_owned()).or_default().insert(change.path.clone(), texts);
        }
    }

    async fn file(&mut self, path: &str) -> Option<File> {
        if !self.files.contains_key(path) {
            let now = file(Path::new(path)).await;
            self.files.insert(path.to_owned(), now);
        }
        self.files.get(path).cloned().flatten()
    }
}
