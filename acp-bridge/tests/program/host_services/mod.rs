//! Files and commands that a bridge serves to its agent.

mod client_fs;
mod commands;
mod ends;
mod files;
mod offer;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::harness::eventually;
use crate::support::{Bridge, Client, Options, example};

/// A bridge with an agent that asks for services, and a workspace.
struct Stage {
    bridge: Bridge,
    directory: tempfile::TempDir,
}

impl Stage {
    fn set(args: &[&str]) -> Self {
        Self::with(args, None)
    }

    fn with(args: &[&str], wrapper: Option<Vec<String>>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["work", "outside"] {
            std::fs::create_dir(directory.path().join(name)).expect("a directory");
        }
        std::fs::write(directory.path().join("secret"), SECRET).expect("write the secret");
        std::fs::write(directory.path().join("outside/file"), "not yours").expect("write a file");
        let secret = directory.path().join("secret").display().to_string();
        let options = Options {
            agent: vec![example("service_agent"), "--secret".into(), secret],
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            wrapper,
            listen: None,
        };
        let bridge = Bridge::on(&directory.path().join("log.db"), options);
        Self { bridge, directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("work").join(name)
    }

    fn new_session(&self, client: &mut Client) -> String {
        let made = client.call("session/new", &json!({ "cwd": self.path(""), "mcpServers": [] }));
        made["sessionId"].as_str().expect("a session id").to_owned()
    }

    /// A process id that a command has written down.
    fn pid_in(&self, name: &str) -> u32 {
        let path = self.path(name);
        eventually("a process id", || std::fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n')));
        std::fs::read_to_string(&path).expect("read it").trim().parse().expect("a process id")
    }
}

/// Not in any prompt: those are in the log, and are meant to be.
const SECRET: &str = "planted-4d1f8c";

fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

fn read(path: &Path) -> Value {
    json!({ "do": "fs/read_text_file", "with": { "path": path } })
}

fn write(path: &Path, text: &str) -> Value {
    json!({ "do": "fs/write_text_file", "with": { "path": path, "content": text } })
}

fn sh(script: &str) -> Value {
    json!({ "do": "terminal/create", "with": { "command": "sh", "args": ["-c", script] } })
}

fn terminal(what: &str) -> Value {
    json!({ "do": format!("terminal/{what}"), "with": {} })
}

/// A command that writes its process id down, and that of a child which leaves the process group, and goes on.
fn sleeper() -> Value {
    sh("setsid sh -c 'echo $$ > child; exec sleep 600' & echo $$ > parent; sleep 600")
}

/// Prompts with some steps, and gives what the agent was answered.
fn steps(client: &mut Client, session: &str, steps: &Value) -> Vec<Value> {
    let turn = client.prompt(session, &steps.to_string());
    let (answer, chunks) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    chunks.iter().map(|(_, text)| serde_json::from_str(text).expect("JSON")).collect()
}

fn message(error: &Value) -> &str {
    error["message"].as_str().unwrap_or_else(|| panic!("no error: {error}"))
}
