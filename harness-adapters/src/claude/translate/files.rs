//! Full texts before and after a change, from what an edit returned.

use std::path::Path;

use acp_types::v1;
use serde_json::Value;

/// The diff of a finished `Edit` or `Write`; `None` when the result does not say enough.
pub(super) fn diff(result: &Value, cwd: &Path) -> Option<v1::Diff> {
    let text = |key: &str| result.get(key).and_then(Value::as_str);
    let path = cwd.join(text("filePath")?);
    let original = text("originalFile");
    if let Some(content) = text("content") {
        return Some(v1::Diff::new(path, content).old_text(original.map(str::to_owned)));
    }
    let original = original?;
    let (old, new) = (text("oldString")?, text("newString")?);
    let modified = result.get("userModified").and_then(Value::as_bool).unwrap_or(false);
    let after = if !modified && !old.is_empty() && original.contains(old) {
        match result.get("replaceAll").and_then(Value::as_bool).unwrap_or(false) {
            true => original.replace(old, new),
            false => original.replacen(old, new, 1),
        }
    } else if original.is_empty() && old.is_empty() {
        new.to_owned()
    } else {
        patched(original, result.get("structuredPatch")?)?
    };
    Some(v1::Diff::new(path, after).old_text(original.to_owned()))
}

/// The diff that a call would make, when what is in its file is known.
pub(super) fn preview(tool: &str, input: &Value, original: Option<&str>, cwd: &Path) -> Option<v1::Diff> {
    let text = |key: &str| input.get(key).and_then(Value::as_str);
    let path = cwd.join(text("file_path")?);
    let original = original?;
    let after = match tool {
        "Write" => text("content")?.to_owned(),
        "Edit" => {
            let (old, new) = (text("old_string").filter(|old| original.contains(*old))?, text("new_string")?);
            match input.get("replace_all").and_then(Value::as_bool).unwrap_or(false) {
                true => original.replace(old, new),
                false => original.replacen(old, new, 1),
            }
        }
        _ => return None,
    };
    Some(v1::Diff::new(path, after).old_text(original.to_owned()))
}

/// Applies the hunks of a structured patch; `None` when one does not fit.
fn patched(original: &str, patch: &Value) -> Option<String> {
    let lines: Vec<&str> = original.split_inclusive('\n').collect();
    let mut after = String::with_capacity(original.len());
    let mut at = 0;
    for hunk in patch.as_array()? {
        let start = usize::try_from(hunk.get("oldStart")?.as_u64()?).ok()?.saturating_sub(1);
        after.extend(lines.get(at..start)?.iter().copied());
        at = start;
        for line in hunk.get("lines")?.as_array()? {
            let (sign, text) = line.as_str()?.split_at_checked(1)?;
            match sign {
                "+" => {
                    after.push_str(text);
                    after.push('\n');
                }
                " " | "-" => {
                    let was = *lines.get(at)?;
                    if was.strip_suffix('\n').unwrap_or(was) != text {
                        return None;
                    }
                    if sign == " " {
                        after.push_str(was);
                    }
                    at += 1;
                }
                // "\ No newline at end of file"
                _ => {
                    if after.ends_with('\n') && at >= lines.len() {
                        after.pop();
                    }
                }
            }
        }
    }
    after.extend(lines.get(at..)?.iter().copied());
    Some(after)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::{diff, patched};

    #[test]
    fn an_edit_gives_the_whole_file_before_and_after() {
        let result = json!({
            "filePath": "/ws/a.txt", "oldString": "two", "newString": "TWO", "originalFile": "one\ntwo\ntwo\n",
            "structuredPatch": [], "replaceAll": false,
        });
        let diff = diff(&result, Path::new("/ws")).expect("a diff");
        assert_eq!(diff.old_text.as_deref(), Some("one\ntwo\ntwo\n"));
        assert_eq!(diff.new_text, "one\nTWO\ntwo\n");
    }

    #[test]
    fn a_file_that_was_created_has_no_text_before() {
        let result = json!({ "type": "create", "filePath": "/ws/a", "content": "x", "originalFile": null });
        let diff = diff(&result, Path::new("/ws")).expect("a diff");
        assert_eq!((diff.old_text, diff.new_text.as_str()), (None, "x"));
    }

    #[test]
    fn an_edit_that_the_user_changed_is_taken_from_its_patch() {
        let result = json!({
            "filePath": "a", "oldString": "b", "newString": "?", "originalFile": "a\nb\nc", "userModified": true,
            "structuredPatch": [{ "oldStart": 1, "oldLines": 3, "newStart": 1, "newLines": 3,
                "lines": [" a", "-b", "+B", " c", "\\ No newline at end of file"] }],
        });
        let diff = diff(&result, Path::new("/ws")).expect("a diff");
        assert_eq!(diff.new_text, "a\nB\nc");
        assert_eq!(diff.path, Path::new("/ws/a"));
    }

    #[test]
    fn a_patch_that_does_not_fit_gives_nothing() {
        let patch = json!([{ "oldStart": 1, "lines": ["-x"] }]);
        assert_eq!(patched("a\n", &patch), None);
        assert_eq!(patched("a\n", &json!([{ "oldStart": 9, "lines": [" x"] }])), None);
    }
}
