//! Changes of files: the list of them is what counts, the patch has to agree with it.

use serde_json::Value;

use crate::core::each::{each, items};
use crate::core::history::{Case, Message, brief};
use crate::core::verdict::Outcome;
use crate::v1::invariants::paths::absolute;

/// The diffs that a message shows: in a tool call, a piece of one, or the subject of a permission request.
fn diffs(message: &Message) -> Vec<&Value> {
    let call = message.params().map(|params| &params["subject"]["toolCall"]);
    let parts = match (message.update_kind(), message.update()) {
        (Some("tool_call_content_chunk"), Some(update)) => vec![&update["content"]],
        (Some("tool_call_update"), Some(update)) => items(&update["content"]).iter().collect(),
        _ => call.map(|call| items(&call["content"]).iter().collect()).unwrap_or_default(),
    };
    parts.into_iter().filter(|part| part["type"] == "diff").collect()
}

pub(super) fn changes_and_patch_agree(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| !diffs(message).is_empty(),
        |message| {
            let (expected, actual) = diffs(message).into_iter().find_map(fault)?;
            Some(Outcome::broken(expected, actual, vec![message.index]))
        },
    )
}

/// The expected and the actual content of a faulty diff.
fn fault(diff: &Value) -> Option<(&'static str, String)> {
    let Some(changes) = diff["changes"].as_array() else { return Some(("changes", brief(diff))) };
    let mut named = Vec::new();
    for change in changes {
        for path in ["path", "oldPath"].map(|name| &change[name]).into_iter().filter(|path| !path.is_null()) {
            if !absolute(path) {
                return Some(("absolute paths in changes", brief(path)));
            }
            named.extend(path.as_str());
        }
    }
    let patch = &diff["patch"];
    if patch["format"] != "git_patch" {
        return None;
    }
    let text = patch["text"].as_str().unwrap_or_default();
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    if !first.starts_with("diff --git ") {
        return Some(("a patch that begins with `diff --git`, without an envelope", format!("{first:?}")));
    }
    for path in paths(text) {
        if !absolute(&Value::from(path.clone())) {
            return Some(("absolute paths in the patch", format!("{path:?}")));
        }
        if !named.contains(&path.as_str()) {
            return Some(("a patch of paths that are in changes", format!("{path:?}")));
        }
    }
    None
}

/// The paths in the heads of a patch's sections, where nothing but their lines can begin so.
fn paths(text: &str) -> Vec<String> {
    const BEGIN: [&str; 6] = ["--- ", "+++ ", "rename from ", "rename to ", "copy from ", "copy to "];
    let mut head = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("diff --git ") {
            head = true;
        } else if line.starts_with("@@") || line.starts_with("GIT binary patch") {
            head = false;
        }
        let named = BEGIN.iter().find_map(|begin| line.strip_prefix(begin)).filter(|_| head);
        found.extend(named.map(unquoted).filter(|path| path != "/dev/null"));
    }
    found
}

/// A path as Git writes it: in quotes if it has unusual characters, with a tab behind it if it has spaces.
fn unquoted(text: &str) -> String {
    let text = text.trim_end_matches('\t');
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return text.to_owned() };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes();
    while let Some(byte) = rest.next() {
        let escaped = match byte {
            b'\\' => rest.next(),
            _ => None,
        };
        bytes.push(match escaped {
            None => byte,
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'a') => 7,
            Some(b'b') => 8,
            Some(b'v') => 11,
            Some(b'f') => 12,
            Some(digit @ b'0'..=b'3') => {
                let more = [rest.next(), rest.next()].map(|next| next.map_or(0, |next| next.wrapping_sub(b'0') & 7));
                (digit - b'0') << 6 | more[0] << 3 | more[1]
            }
            Some(other) => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{fault, unquoted};

    fn diff(paths: &[&str], text: &str) -> Value {
        let changes: Vec<Value> = paths.iter().map(|path| json!({ "operation": "modify", "path": path })).collect();
        json!({ "type": "diff", "changes": changes, "patch": { "format": "git_patch", "text": text } })
    }

    #[test]
    fn a_patch_names_the_paths_of_its_changes() {
        let text = "diff --git /w/a /w/a\n--- /w/a\n+++ /w/a\n@@ -1,2 +1 @@\n--- no path\n+x\n";
        assert_eq!(fault(&diff(&["/w/a"], text)), None);
        assert!(fault(&diff(&["/w/b"], text)).is_some());
        assert!(fault(&diff(&["w/a"], "")).is_some());
        let relative = "diff --git a/w b/w\n--- a/w\n+++ b/w\n@@ -1 +1 @@\n";
        assert!(fault(&diff(&["/w"], relative)).is_some());
        let made = "diff --git /w /w\nnew file mode 100644\n--- /dev/null\n+++ /w\n@@ -0,0 +1 @@\n+x\n";
        assert_eq!(fault(&diff(&["/w"], made)), None);
        let envelope = format!("From 0123 Mon Sep 17 00:00:00 2001\nSubject: x\n\n{made}");
        assert!(fault(&diff(&["/w"], &envelope)).is_some());
    }

    #[test]
    fn a_path_is_unquoted_as_git_quotes_it() {
        assert_eq!(unquoted("/w/two words\t"), "/w/two words");
        assert_eq!(unquoted(r#""/w/\303\274\"""#), "/w/ü\"");
        assert_eq!(unquoted(r#""/w/a\tb""#), "/w/a\tb");
    }
}
