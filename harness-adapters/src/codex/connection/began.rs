//! Adds the first output of commands to a message, as the model was told of it.
//!
//! Codex sends the output of a command only from about 150 ms after its start. Until the command ends, the earlier output
//! is only in the text for the model about a command that goes on, which is in the thread's file.

use std::collections::{BTreeMap, HashMap};
use std::io::SeekFrom;
use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::router::Router;

/// Limit of commands of which the model was not told yet.
const RUNNING: usize = 256;
/// Length of the end of a thread's file that is searched, in bytes.
const TAIL: u64 = 512 * 1024;
/// Longer ones are for the model only, in bytes.
const LONGEST: usize = 64 * 1024;
/// Length of the beginning of a message that is searched for its subject, in bytes.
const PROBE: usize = 4096;
/// Mark near the beginning of a message about a command.
const COMMAND: &[u8] = b"\"commandExecution\"";
/// The message that follows when the model was told something.
const TOLD: &[u8] = b"\"thread/tokenUsage/updated\"";

/// The commands that run and of which the model was not told yet: their threads.
#[derive(Debug, Default)]
pub(super) struct Began(HashMap<String, String>);

#[derive(Deserialize)]
struct Message {
    method: String,
    params: Params,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    thread_id: String,
    #[serde(default)]
    item: Option<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

impl Began {
    /// The message, with the member `_began` if there is something to add.
    pub(super) async fn attach(&mut self, line: Bytes, router: &Router) -> Bytes {
        let holds = |mark: &[u8]| line.windows(mark.len()).take(PROBE).any(|window| window == mark);
        if !(holds(COMMAND) || (!self.0.is_empty() && holds(TOLD))) {
            return line;
        }
        let Ok(Message { method, params }) = serde_json::from_slice(&line) else { return line };
        match (method.as_str(), params.item) {
            ("item/started", Some(item)) if item.kind == "commandExecution" && self.0.len() < RUNNING => {
                self.0.insert(item.id, params.thread_id);
            }
            ("item/completed", Some(item)) => drop(self.0.remove(&item.id)),
            ("thread/tokenUsage/updated", _) => {
                let wanted: Vec<_> = self
                    .0
                    .iter()
                    .filter(|(_, thread)| **thread == params.thread_id)
                    .map(|(id, _)| id.clone())
                    .collect();
                if let (false, Some(file)) = (wanted.is_empty(), router.file(&params.thread_id)) {
                    let found = printed(&file, &wanted).await;
                    self.0.retain(|id, _| !found.contains_key(id));
                    return with(&line, &found).unwrap_or(line);
                }
            }
            _ => {}
        }
        line
    }
}

/// First output of these commands, as the model was told, by call. A file that cannot be read, or has another format,
/// has none.
async fn printed(file: &Path, wanted: &[String]) -> BTreeMap<String, String> {
    let tail = tail(file).await.unwrap_or_default();
    let lines = tail.split(|byte| *byte == b'\n').filter(|line| {
        const MARK: &[u8] = b"\"function_call_output\"";
        line.windows(MARK.len()).take(PROBE).any(|window| window == MARK)
    });
    lines.filter_map(output).filter(|(call, _)| wanted.contains(call)).collect()
}

async fn tail(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(file).await?;
    let length = file.metadata().await?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).await?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).await?;
    Ok(tail)
}

/// The call, and what its command had printed.
fn output(line: &[u8]) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Line {
        payload: Payload,
    }
    #[derive(Deserialize)]
    struct Payload {
        call_id: String,
        output: String,
    }
    let Line { payload: Payload { call_id, output } } = serde_json::from_slice(line).ok()?;
    let (about, printed) = output.split_once("\nOutput:\n")?;
    // One whose middle is missing begins with a note about that.
    let whole = about.contains("Process running") && !printed.starts_with("Total output lines:");
    (whole && printed.len() <= LONGEST).then(|| (call_id, printed.to_owned()))
}

/// The message with one more member.
fn with(message: &[u8], began: &BTreeMap<String, String>) -> Option<Bytes> {
    if began.is_empty() {
        return None;
    }
    let rest = message.strip_prefix(b"{")?;
    let mut line = b"{\"_began\":".to_vec();
    serde_json::to_writer(&mut line, began).ok()?;
    line.push(b',');
    line.extend_from_slice(rest);
    Some(line.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_printed_is_what_the_model_was_told() {
        let line = |output: &str| serde_json::json!({ "payload": { "call_id": "c1", "output": output } }).to_string();
        let told = "Chunk ID: 1\nWall time: 0.2 seconds\nProcess running with session ID 3\nOutput:\nbegun\n";
        assert_eq!(output(line(told).as_bytes()), Some(("c1".to_owned(), "begun\n".to_owned())));
        for other in [
            "Process exited with code 0\nOutput:\nbegun\n",
            "Process running with session ID 3\nOutput:\nTotal output lines: 9\n\nbegun\n",
            "begun\n",
        ] {
            assert_eq!(output(line(other).as_bytes()), None, "{other}");
        }
    }
}
