//! The last settings of a thread, from its file. Codex itself forgets the sandbox when it resumes or forks a thread in a
//! directory that the user has not trusted.

use std::path::Path;

use acp_types::json;
use serde::Deserialize;
use serde_json::Value;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::codex::options::{Access, Chosen};
use crate::codex::wire::{ActiveProfile, Policy, Reviewer, Sandbox};

/// Lines that tell of settings begin with this much at most before they say so, in bytes.
const PROBE: usize = 512;

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    payload: Payload,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    thread_settings: Option<Settings>,
    #[serde(flatten)]
    turn: Settings,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Settings {
    model: Option<String>,
    #[serde(alias = "reasoning_effort")]
    effort: Option<String>,
    approval_policy: Option<Value>,
    approvals_reviewer: Option<Value>,
    sandbox_policy: Option<Value>,
    permission_profile: Option<Value>,
    active_permission_profile: Option<ActiveProfile>,
    collaboration_mode: Option<Value>,
}

/// Reads the last of them. A file that cannot be read, or is written in another way, tells nothing.
pub(crate) async fn read(file: &Path) -> Chosen {
    let mut chosen = Chosen::default();
    let Ok(file) = File::open(file).await else { return chosen };
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line).await, Ok(length) if length > 0) {
        if let Some(settings) = settings(&line) {
            chosen = settings;
        }
        line.clear();
    }
    chosen
}

fn settings(line: &[u8]) -> Option<Chosen> {
    let head = &line[..line.len().min(PROBE)];
    let marked = |mark: &str| memchr::memmem::find(head, mark.as_bytes()).is_some();
    if !marked("\"turn_context\"") && !marked("\"thread_settings_applied\"") {
        return None;
    }
    let Line { kind, payload } = json::from_slice(line).ok()?;
    let settings = match payload.thread_settings {
        Some(settings) => settings,
        None if kind == "turn_context" => payload.turn,
        None => return None,
    };
    Some(Chosen {
        access: access(&settings),
        model: settings.model,
        effort: settings.effort,
        policy: settings.approval_policy.filter(|policy| !policy.is_null()).map(Policy),
        reviewer: settings.approvals_reviewer.and_then(|word| serde_json::from_value::<Reviewer>(word).ok()),
        plan: settings.collaboration_mode.is_some_and(|collaboration| collaboration["mode"] == "plan"),
    })
}

/// Rights of commands; `None` for a sandbox that is neither one of Codex's own nor a profile of the user.
fn access(settings: &Settings) -> Option<Access> {
    if let Some(access) = settings.active_permission_profile.as_ref().and_then(|active| Access::of_profile(&active.id))
    {
        return Some(access);
    }
    if let Some(policy) = &settings.sandbox_policy {
        return serde_json::from_value(policy.get("type")?.clone()).ok().map(Access::Sandbox);
    }
    let profile = settings.permission_profile.as_ref()?;
    let sandbox = match profile.get("type")?.as_str()? {
        "disabled" => Sandbox::DangerFullAccess,
        "managed" => {
            let entries = profile.pointer("/file_system/entries")?.as_array()?;
            let writes = |entry: &&Value| entry["access"] == "write";
            let everywhere = |entry: &Value| entry["path"]["value"]["kind"] == "root";
            if entries.iter().filter(writes).any(everywhere) {
                return None;
            }
            if entries.iter().any(|entry| writes(&entry)) { Sandbox::WorkspaceWrite } else { Sandbox::ReadOnly }
        }
        _ => return None,
    };
    Some(Access::Sandbox(sandbox))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(settings: Value) -> String {
        let payload = json!({ "type": "thread_settings_applied", "thread_id": "T1", "thread_settings": settings });
        json!({ "timestamp": "2026", "type": "event_msg", "payload": payload }).to_string()
    }

    fn managed(entries: Value) -> Value {
        let system = json!({ "type": "restricted", "entries": entries });
        json!({ "approval_policy": "on-request", "permission_profile": { "type": "managed", "file_system": system } })
    }

    #[tokio::test]
    async fn the_last_settings_of_a_thread_are_found() {
        let root = json!({ "path": { "type": "special", "value": { "kind": "root" } }, "access": "read" });
        let write = json!({ "path": { "type": "path", "path": "/ws" }, "access": "write" });
        let turn = json!({
            "type": "turn_context", "payload": {
                "approval_policy": "never", "approvals_reviewer": "user", "model": "m", "effort": "high",
                "sandbox_policy": { "type": "danger-full-access" }, "collaboration_mode": { "mode": "plan" },
            },
        });
        let everywhere = json!({ "path": { "type": "special", "value": { "kind": "root" } }, "access": "write" });
        let profile =
            json!({ "active_permission_profile": { "id": "mine" }, "permission_profile": { "type": "disabled" } });
        let home = tempfile::tempdir().expect("temp dir");
        let file = home.path().join("rollout.jsonl");
        let mut text = String::new();
        for (line, access) in [
            ("not JSON".to_owned(), None),
            (turn.to_string(), Some(Access::Sandbox(Sandbox::DangerFullAccess))),
            (applied(managed(json!([root]))), Some(Access::Sandbox(Sandbox::ReadOnly))),
            (applied(managed(json!([root, write]))), Some(Access::Sandbox(Sandbox::WorkspaceWrite))),
            (applied(managed(json!([everywhere]))), None),
            (applied(profile), Some(Access::Profile("mine".to_owned()))),
            (applied(json!({ "permission_profile": { "type": "external" } })), None),
        ] {
            text.push_str(&line);
            text.push('\n');
            std::fs::write(&file, &text).expect("write");
            assert_eq!(read(&file).await.access, access, "{line}");
        }
        std::fs::write(&file, turn.to_string()).expect("write");
        let chosen = read(&file).await;
        assert_eq!((chosen.model.as_deref(), chosen.effort.as_deref(), chosen.plan), (Some("m"), Some("high"), true));
        assert_eq!(chosen.policy, Some(Policy("never".into())));
        assert_eq!(read(Path::new("/nowhere/at/all")).await, Chosen::default());
    }
}
