//! Changes of files, with the whole texts before and after.

use acp_types::v1::{Diff, ToolCallContent, ToolCallLocation};
use serde_json::{Map, Value};

use crate::codex::wire::{Change, ChangeKind, File, Files};
use crate::diff;

/// Text before the new path in the hunks of a file that was moved.
const MOVED: &str = "\n\nMoved to: ";

/// The texts before and after a change, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) old: Option<String>,
    pub(crate) new: String,
    /// Only the lines around the change are known.
    pub(crate) partial: bool,
}

/// They follow from the change and the file, as it was found before or after.
pub(crate) fn sides(change: &Change, file: Option<&File>, done: bool) -> Sides {
    let whole = |old: Option<String>, new: String| Sides { old, new, partial: false };
    match (&change.kind, file) {
        (_, Some(File::Sides(old, new))) => whole(old.clone(), new.clone()),
        (ChangeKind::Add, _) => whole(None, change.diff.clone()),
        (ChangeKind::Delete, _) => whole(Some(change.diff.clone()), String::new()),
        (_, file) => {
            let hunks = hunks(change);
            if let Some(File::Text(text)) = file {
                let before = || diff::apply(text, hunks).map(|new| whole(Some(text.clone()), new));
                let after = || diff::revert(text, hunks).map(|old| whole(Some(old), text.clone()));
                // A change that is announced may have been made by the time the file was read.
                let known = if done { after() } else { before().or_else(after) };
                if let Some(known) = known {
                    return known;
                }
            }
            let (old, new) = diff::sides(hunks);
            Sides { old: Some(old), new, partial: true }
        }
    }
}

/// The hunks without what else Codex puts behind them, and nothing else: all of a change is shown.
fn hunks(change: &Change) -> &str {
    let diff = change.diff.as_str();
    let ChangeKind::Update { move_path: Some(moved) } = &change.kind else { return diff };
    diff.strip_suffix(moved).and_then(|rest| rest.strip_suffix(MOVED)).unwrap_or(diff)
}

/// Changes as a tool call shows them.
#[derive(Debug)]
pub(super) struct Edits {
    pub(super) title: String,
    pub(super) content: Vec<ToolCallContent>,
    pub(super) locations: Vec<ToolCallLocation>,
}

pub(super) fn edits(changes: &[Change], files: &Files, done: bool, cwd: &std::path::Path) -> Edits {
    let mut edits = Edits { title: title(changes, cwd), content: Vec::new(), locations: Vec::new() };
    for change in changes {
        let sides = sides(change, files.get(&change.path), done);
        edits.locations.push(ToolCallLocation::new(&change.path));
        let mut meta = Map::new();
        let path = match &change.kind {
            ChangeKind::Update { move_path: Some(moved) } => {
                edits.locations.push(ToolCallLocation::new(moved));
                meta.insert("movedFrom".into(), change.path.clone().into());
                moved
            }
            ChangeKind::Delete => {
                meta.insert("deleted".into(), true.into());
                &change.path
            }
            _ => &change.path,
        };
        if sides.partial {
            meta.insert("partial".into(), true.into());
        }
        let diff = Diff::new(path, sides.new).old_text(sides.old);
        edits.content.push(ToolCallContent::Diff(diff.meta(Some(meta).filter(|meta| !meta.is_empty()))));
    }
    edits
}

fn title(changes: &[Change], cwd: &std::path::Path) -> String {
    let short = |path: &str| {
        let path = std::path::Path::new(path);
        path.strip_prefix(cwd).unwrap_or(path).display().to_string()
    };
    let [change] = changes else {
        let names: Vec<_> = changes.iter().map(|change| short(&change.path)).collect();
        return format!("Edit {}", names.join(", "));
    };
    match &change.kind {
        ChangeKind::Add => format!("Create {}", short(&change.path)),
        ChangeKind::Delete => format!("Delete {}", short(&change.path)),
        ChangeKind::Update { move_path: Some(moved) } => format!("Move {} to {}", short(&change.path), short(moved)),
        _ => format!("Edit {}", short(&change.path)),
    }
}

/// Paths and kinds of changes, for `rawInput`.
pub(super) fn raw(changes: &[Change]) -> Value {
    changes
        .iter()
        .map(|change| {
            let kind = match &change.kind {
                ChangeKind::Add => "add",
                ChangeKind::Delete => "delete",
                ChangeKind::Update { move_path: Some(_) } => "move",
                _ => "update",
            };
            serde_json::json!({ "path": change.path, "kind": kind })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(diff: &str, moved: Option<&str>) -> Change {
        let kind = ChangeKind::Update { move_path: moved.map(str::to_owned) };
        Change { path: "/ws/a".into(), kind, diff: diff.into() }
    }

    #[test]
    fn an_update_is_known_from_either_side() {
        let change = update("@@ -1,2 +1,2 @@\n a\n-b\n+B\n\n\nMoved to: /ws/moved", Some("/ws/moved"));
        let expected = Sides { old: Some("a\nb\nc\n".into()), new: "a\nB\nc\n".into(), partial: false };
        let (before, after) = (File::Text("a\nb\nc\n".into()), File::Text("a\nB\nc\n".into()));
        assert_eq!(sides(&change, Some(&before), false), expected);
        assert_eq!(sides(&change, Some(&after), true), expected);
        assert_eq!(sides(&change, Some(&after), false), expected);
    }

    #[test]
    fn without_the_file_the_lines_around_the_change_are_left() {
        let change = update("@@ -1,2 +1,2 @@\n a\n-b\n+B\n", None);
        let expected = Sides { old: Some("a\nb\n".into()), new: "a\nB\n".into(), partial: true };
        assert_eq!(sides(&change, None, false), expected);
        assert_eq!(sides(&change, Some(&File::Text("other\n".into())), true), expected);
        assert_eq!(sides(&change, Some(&File::Absent), true), expected);
    }
}
