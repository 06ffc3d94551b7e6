//! A bridge in front of a real harness, in a home and a workspace of its own, with a scripted model.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Bridge, Client, DEADLINE as PATIENCE, Options};

#[path = "../../../../harness-adapters/tests/support/model.rs"]
mod model;

use model::Model;

/// The scripted model, which lies beside the bridge.
fn model_program() -> PathBuf {
    beside("acp-conformance", "cargo build -p conformance --bins")
}

/// A program of this workspace that is not of this package.
pub fn beside(name: &str, build: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_acp-bridge")).with_file_name(name);
    assert!(program.is_file(), "{} is missing: run `{build}`", program.display());
    program
}

/// A bridge, its harness and their model. Dropping it ends them all.
pub struct Stage {
    pub bridge: Bridge,
    pub model: Model,
    pub directory: tempfile::TempDir,
}

/// The model that Codex asks for, unless a test needs another.
const CODEX_MODEL: &str = "gpt-5.5";

impl Stage {
    /// A bridge with `--agent NAME`.
    pub fn set(name: &str, script: &str) -> Self {
        Self::with(name, script, CODEX_MODEL, &[])
    }

    /// The same with a model that Codex does not know: it calls sub-agents of such models directly. With further arguments
    /// of the bridge.
    pub fn with_children(name: &str, script: &str, args: &[&str]) -> Self {
        Self::with(name, script, "mock-model", args)
    }

    fn with(name: &str, script: &str, codex_model: &str, args: &[&str]) -> Self {
        beside("acp-harness", "cargo build -p harness-adapters --bins");
        // Not in the system's temporary directory, where Codex does not make its helpers.
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        for part in ["home/.codex", "workspace"] {
            std::fs::create_dir_all(directory.path().join(part)).expect("a directory");
        }
        let model = Model::start(script, directory.path());
        let home = directory.path().join("home");
        let config = format!(
            "model = \"{codex_model}\"\nmodel_provider = \"mock\"\n[model_providers.mock]\nname = \"mock\"\nbase_url = \
             \"{}/v1\"\nwire_api = \"responses\"\nenv_key = \"MOCK_KEY\"\n",
            model.url
        );
        std::fs::write(home.join(".codex/config.toml"), config).expect("write the configuration");
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../harness-adapters/tests/npm/node_modules/.bin");
        assert!(
            programs.join(name).exists(),
            "{} is missing: run `npm ci` in harness-adapters/tests/npm, as `cargo xtask test` does",
            programs.join(name).display()
        );
        // Agents that outlive their bridge look for the next one at the same address.
        let listen = args.contains(&"--keep-agents").then(|| {
            let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
            free.expect("a free port").to_string()
        });
        let args = ["--agent", name].iter().chain(args).map(|arg| (*arg).to_owned()).collect();
        let mut options = Options { agent: Vec::new(), args, wrapper: None, listen };
        let path = |path: &Path| path.display().to_string();
        options.wrapper = Some(vec![
            "env".into(),
            format!("HOME={}", path(&home)),
            format!("CODEX_HOME={}", path(&home.join(".codex"))),
            format!("CLAUDE_CONFIG_DIR={}", path(&home.join(".claude"))),
            format!("CODEX_PATH={}", path(&programs.join("codex"))),
            format!("CLAUDE_CODE_EXECUTABLE={}", path(&programs.join("claude"))),
            format!("ANTHROPIC_BASE_URL={}", model.url),
            "ANTHROPIC_API_KEY=test-key".into(),
            "MOCK_KEY=test-key".into(),
            "DISABLE_TELEMETRY=1".into(),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1".into(),
        ]);
        let bridge = Bridge::on(&directory.path().join("log.db"), options);
        Self { bridge, model, directory }
    }

    pub fn workspace(&self) -> PathBuf {
        self.directory.path().join("workspace")
    }

    /// Opens a session in the workspace.
    pub fn new_session(&self, client: &mut Client) -> String {
        let made = client.call("session/new", &serde_json::json!({ "cwd": self.workspace(), "mcpServers": [] }));
        made["sessionId"].as_str().expect("a session id").to_owned()
    }

    /// Kills the harness, not its adapter: `kill -9`. The native program, whatever started it.
    pub fn kill_harness(&self, name: &str) {
        let mut killed = 0;
        for pid in below(self.bridge.pid()) {
            let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
            if program.file_name().is_some_and(|file| file == name) {
                let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
                assert!(status.expect("run kill").success());
                killed += 1;
            }
        }
        assert!(killed > 0, "no {name} runs below the bridge");
    }
}

/// Waits until something holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// All descendants of a process.
fn below(pid: u32) -> Vec<u32> {
    let parent_of = |pid: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let all = std::fs::read_dir("/proc").expect("processes").flatten();
    let all: Vec<u32> = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let is_below = |mut at: u32| {
        while let Some(parent) = parent_of(at) {
            if parent == pid {
                return true;
            }
            at = parent;
        }
        false
    };
    all.into_iter().filter(|candidate| is_below(*candidate)).collect()
}
