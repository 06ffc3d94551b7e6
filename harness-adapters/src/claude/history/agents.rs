//! The transcripts of sub-agents, which stand in a folder beside that of their session.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// A sub-agent with a transcript.
#[derive(Debug)]
pub(super) struct Agent {
    /// The program's name of it.
    pub(super) name: String,
    /// The call that began it.
    pub(super) call: String,
    /// What it was to do, in a few words.
    pub(super) title: Option<String>,
    /// What it was.
    pub(super) role: Option<String>,
    /// Its transcript.
    pub(super) transcript: PathBuf,
}

/// The file beside a transcript.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    tool_use_id: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    agent_type: Option<String>,
}

/// The sub-agents of a session by the call that began them.
pub(super) fn of_session(transcript: &Path) -> BTreeMap<String, Agent> {
    let folder = transcript.with_extension("").join("subagents");
    let files = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let agents = files.filter_map(|path| {
        let file = path.file_name()?.to_str()?.strip_suffix(".meta.json")?.to_owned();
        let meta: Meta = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        let Meta { tool_use_id: call, description: title, agent_type: role } = meta;
        let name = file.strip_prefix("agent-").unwrap_or(&file).to_owned();
        let transcript = folder.join(format!("{file}.jsonl"));
        transcript.is_file().then(|| (call.clone(), Agent { name, call, title, role, transcript }))
    });
    agents.collect()
}

impl Agent {
    /// The name of a message to it. The first is named after the call that began it, as it is while it works.
    pub(super) fn message(&self, record: &Value) -> String {
        let text = |key: &str| record.get(key).and_then(Value::as_str);
        match text("parentUuid") {
            None => self.call.clone(),
            Some(_) => text("uuid").unwrap_or(&self.call).to_owned(),
        }
    }
}
