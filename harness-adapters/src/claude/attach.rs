//! Texts in files that belong to a message, put into it: output that was too long for it, and the text that an edit is
//! to change. So what is translated needs nothing else.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use acp_types::json;
use bytes::Bytes;
use serde_json::Value;

use super::translate::shell::PERSISTED;

/// Limit of a file, in bytes. Of a longer one, both ends are read.
const MOST: u64 = 8 * 1024 * 1024;
/// The members of a message that hold what a tool returned: on the wire, on disk.
const RESULTS: [&str; 2] = ["tool_use_result", "toolUseResult"];
const PATH: &str = "persistedOutputPath";
const ASK: &str = "can_use_tool";
const ORIGINAL: &str = "original_file";
/// Files up to this many bytes are shown whole before they are changed.
const PREVIEW: u64 = 1024 * 1024;

/// True for a line that [`attach`] may add something to. Few are.
pub(super) fn may_attach(line: &[u8]) -> bool {
    [PATH, ASK].iter().any(|word| memchr::memmem::find(line, word.as_bytes()).is_some())
}

/// The line with what its file holds; `None` if it speaks of none, or of one that cannot be read.
pub(super) fn attach(line: &[u8]) -> Option<Bytes> {
    if !may_attach(line) {
        return None;
    }
    let mut message: Value = json::from_slice(line).ok()?;
    output(&mut message).or_else(|| original(&mut message))?;
    serde_json::to_vec(&message).ok().map(Bytes::from)
}

/// The whole output of a command.
fn output(message: &mut Value) -> Option<()> {
    let result = RESULTS.iter().find(|key| message.get(**key).is_some())?;
    let result = message.get_mut(*result)?.as_object_mut()?;
    let path = result.get(PATH)?.as_str()?;
    let text = match ends(Path::new(path)) {
        Ok(text) => text,
        Err(error) => {
            tracing::warn!(%error, "the file with a tool's output cannot be read");
            return None;
        }
    };
    result.insert(PERSISTED.to_owned(), text.into());
    Some(())
}

/// Text of the file that a tool asks to change.
fn original(message: &mut Value) -> Option<()> {
    let request = message.get_mut("request")?.as_object_mut()?;
    let is = |key: &str, values: &[&str]| {
        request.get(key).and_then(Value::as_str).is_some_and(|value| values.contains(&value))
    };
    if !is("subtype", &[ASK]) || !is("tool_name", &["Edit", "Write"]) {
        return None;
    }
    let path = Path::new(request.get("input")?.get("file_path")?.as_str()?);
    // One that cannot be read or is too long to be looked at is shown by what changes in it.
    let small = path.is_absolute() && path.metadata().is_ok_and(|it| it.is_file() && it.len() <= PREVIEW);
    let text = small.then(|| std::fs::read_to_string(path).ok())??;
    request.insert(ORIGINAL.to_owned(), text.into());
    Some(())
}

fn ends(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    if length <= MOST {
        file.take(MOST).read_to_end(&mut bytes)?;
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    (&mut file).take(MOST / 2).read_to_end(&mut bytes)?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    text.push_str(&format!("\n[{} bytes are left out here]\n", length - MOST));
    file.seek(SeekFrom::End(-i64::try_from(MOST / 2).unwrap_or(0)))?;
    bytes.clear();
    file.take(MOST / 2).read_to_end(&mut bytes)?;
    text.push_str(&String::from_utf8_lossy(&bytes));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::attach;

    #[test]
    fn the_file_of_an_output_is_in_the_message() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("out.txt");
        std::fs::write(&path, "all of it").expect("a file");
        let line = json!({ "type": "user", "tool_use_result": { "stdout": "all", "persistedOutputPath": path } });
        let line = attach(line.to_string().as_bytes()).expect("a line");
        let line: Value = serde_json::from_slice(&line).expect("JSON");
        assert_eq!(line["tool_use_result"]["persistedOutput"], "all of it");
    }

    #[test]
    fn a_file_that_is_to_be_changed_is_in_the_question() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("a.txt");
        std::fs::write(&path, "before").expect("a file");
        let ask = |tool| {
            let request = json!({ "subtype": "can_use_tool", "tool_name": tool, "input": { "file_path": path } });
            attach(json!({ "type": "control_request", "request": request }).to_string().as_bytes())
        };
        let line: Value = serde_json::from_slice(&ask("Edit").expect("a line")).expect("JSON");
        assert_eq!(line["request"]["original_file"], "before");
        assert!(ask("Read").is_none());
    }

    #[test]
    fn text_that_only_speaks_of_a_file_opens_none() {
        let line = json!({ "type": "user", "message": { "content": "{\"persistedOutputPath\":\"/etc/passwd\"}" } });
        assert!(attach(line.to_string().as_bytes()).is_none());
        let line = json!({ "tool_use_result": { "persistedOutputPath": "/dev/null/file" } });
        assert!(attach(line.to_string().as_bytes()).is_none());
    }
}
