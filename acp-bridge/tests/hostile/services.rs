//! An agent that asks the bridge for files and commands, whatever it is told to ask for.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Bridge, Client, Options, example};

/// A bridge with such an agent, and a workspace beside what is none of its business.
pub(crate) struct Stage {
    _bridge: Bridge,
    pub(crate) client: Client,
    pub(crate) session: String,
    pub(crate) directory: tempfile::TempDir,
}

impl Stage {
    /// `args` are the bridge's, of the directory in which `work` is the session's.
    pub(crate) fn set(args: impl FnOnce(&std::path::Path) -> Vec<String>) -> Self {
        Self::with(vec![example("service_agent")], args, |_| Vec::new())
    }

    /// The same with another agent, and a wrapper around the bridge.
    pub(crate) fn with(
        agent: Vec<String>,
        args: impl FnOnce(&std::path::Path) -> Vec<String>,
        wrapper: impl FnOnce(&std::path::Path) -> Vec<String>,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["work", "outside", "skills"] {
            std::fs::create_dir(directory.path().join(name)).expect("a directory");
        }
        std::fs::write(directory.path().join("outside/file"), "not yours").expect("write a file");
        std::fs::write(directory.path().join("skills/SKILL.md"), "a skill").expect("write a file");
        let args = args(directory.path());
        let wrapper = Some(wrapper(directory.path())).filter(|wrapper| !wrapper.is_empty());
        let options = Options { agent, args, wrapper, listen: None };
        let bridge = Bridge::on(&directory.path().join("log.db"), options);
        let mut client = bridge.client();
        let made = client.call("session/new", &json!({ "cwd": directory.path().join("work"), "mcpServers": [] }));
        let session = made["sessionId"].as_str().expect("a session id").to_owned();
        Self { _bridge: bridge, client, session, directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What the agent is answered to what it asks, one after the other.
    pub(crate) fn ask(&mut self, steps: &[Value]) -> Vec<Value> {
        let turn = self.client.prompt(&self.session, &json!(steps).to_string());
        let (answer, chunks) = self.client.turn(turn);
        assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
        chunks.iter().map(|(_, text)| serde_json::from_str(text).expect("JSON")).collect()
    }

    pub(crate) fn read(&mut self, path: &str) -> Value {
        let path = self.path(path);
        self.ask(&[json!({ "do": "fs/read_text_file", "with": { "path": path } })]).remove(0)
    }

    pub(crate) fn write(&mut self, path: &str, text: &str) -> Value {
        let path = self.path(path);
        self.ask(&[json!({ "do": "fs/write_text_file", "with": { "path": path, "content": text } })]).remove(0)
    }

    /// Output and exit of a command that is given without arguments.
    pub(crate) fn run(&mut self, command: &str) -> (Value, Value) {
        let ask = |what: &str| json!({ "do": format!("terminal/{what}"), "with": {} });
        let create = json!({ "do": "terminal/create", "with": { "command": command } });
        let said = self.ask(&[create, ask("wait_for_exit"), ask("output"), ask("release")]);
        assert!(said[0]["terminalId"].is_string(), "{said:?}");
        (said[2].clone(), said[1].clone())
    }
}
