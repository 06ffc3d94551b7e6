//! What is measured: the bare harness, our adapter, the official one; each in a home of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;

use crate::run::{capture, root};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harness {
    Codex,
    Claude,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Ours,
    Bare,
    Official,
}

impl Harness {
    pub(super) const ALL: [Self; 2] = [Self::Codex, Self::Claude];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Codex => "Codex",
            Self::Claude => "Claude Code",
        }
    }

    /// The native program, without the Node script in front of it.
    fn program(self) -> PathBuf {
        let modules = root().join(crate::npm::HARNESSES).join("node_modules");
        let arm = std::env::consts::ARCH == "aarch64";
        match self {
            Self::Codex if arm => modules.join("@openai/codex-linux-arm64/vendor/aarch64-unknown-linux-musl/bin/codex"),
            Self::Codex => modules.join("@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"),
            Self::Claude if arm => modules.join("@anthropic-ai/claude-code-linux-arm64/claude"),
            Self::Claude => modules.join("@anthropic-ai/claude-code-linux-x64/claude"),
        }
    }

    pub(super) fn version(self) -> String {
        let said = capture(Command::new(self.program()).arg("--version")).unwrap_or_default();
        said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or("?").to_owned()
    }
}

impl Subject {
    pub(super) const ALL: [Self; 3] = [Self::Ours, Self::Bare, Self::Official];

    pub(super) fn command(self, harness: Harness, home: &Home) -> Command {
        let official = root().join(crate::npm::OFFICIAL_ADAPTERS).join("node_modules/.bin");
        let mut command = match (self, harness) {
            (Self::Ours, _) => {
                let mut command = Command::new(root().join("target/release/acp-harness"));
                command.arg(if harness == Harness::Codex { "codex" } else { "claude" });
                command.arg("--program").arg(harness.program());
                command
            }
            (Self::Bare, Harness::Codex) => {
                let mut command = Command::new(harness.program());
                command.arg("app-server");
                command
            }
            (Self::Bare, Harness::Claude) => {
                let mut command = Command::new(harness.program());
                command.args(["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]);
                command.args(["--include-partial-messages", "--permission-prompt-tool", "stdio"]);
                command
            }
            (Self::Official, Harness::Codex) => Command::new(official.join("codex-acp")),
            (Self::Official, Harness::Claude) => Command::new(official.join("claude-agent-acp")),
        };
        home.dress(&mut command);
        command
    }
}

/// A home and a workspace, with the scripted model as the only provider.
pub(super) struct Home {
    directory: TempDir,
    url: String,
    #[expect(dead_code, reason = "runs as long as the home is there")]
    model: Arc<Model>,
}

impl Home {
    pub(super) fn new(harness: Harness, model: &Arc<Model>) -> anyhow::Result<Self> {
        // Not in the system's temporary directory, where Codex does not make its helpers.
        let place = root().join("target/bench");
        std::fs::create_dir_all(&place)?;
        let home = Self { directory: TempDir::new_in(place)?, url: model.url.clone(), model: Arc::clone(model) };
        std::fs::create_dir_all(home.path().join(".codex"))?;
        std::fs::create_dir_all(home.workspace())?;
        if harness == Harness::Codex {
            let config = format!(
                "model = \"gpt-5.5\"\nmodel_provider = \"mock\"\napproval_policy = \"never\"\nsandbox_mode = \
                 \"danger-full-access\"\n[model_providers.mock]\nname = \"mock\"\nbase_url = \"{}/v1\"\nwire_api = \
                 \"responses\"\nenv_key = \"MOCK_KEY\"\n",
                home.url
            );
            std::fs::write(home.path().join(".codex/config.toml"), config)?;
        }
        Ok(home)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn workspace(&self) -> PathBuf {
        self.path().join("workspace")
    }

    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        Ok(std::fs::write(self.workspace().join(name), text)?)
    }

    fn dress(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["ANTHROPIC", "CLAUDE", "OPENAI", "CODEX"].iter().any(|foreign| text.starts_with(foreign)) {
                command.env_remove(&name);
            }
        }
        command
            .env("HOME", self.path())
            .env("CODEX_HOME", self.path().join(".codex"))
            .env("MOCK_KEY", "test-key")
            .env("MODEL_PROVIDER", "mock")
            .env("NO_BROWSER", "1")
            .env("ANTHROPIC_BASE_URL", &self.url)
            .env("ANTHROPIC_API_KEY", "test-key")
            .env("DISABLE_TELEMETRY", "1")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            // The official adapter refuses to start as root without it.
            .env("IS_SANDBOX", "1")
            .current_dir(self.workspace());
    }
}

/// The scripted model as a process, killed when dropped.
pub(super) struct Model {
    process: Child,
    url: String,
    #[expect(dead_code, reason = "holds the script")]
    directory: TempDir,
}

impl Model {
    pub(super) fn start() -> anyhow::Result<Arc<Self>> {
        let directory = TempDir::new()?;
        let script = directory.path().join("script.toml");
        std::fs::write(
            &script,
            "[[prompt]]\nmatch = \"print it\"\nreplies = [[{ shell = \"cat big.txt\" }], [{ say = \"done\" }]]\n",
        )?;
        let mut process = Command::new(root().join("target/release/acp-conformance"))
            .args(["model", "--json", "--script"])
            .arg(&script)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the scripted model")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("stdout")?).read_line(&mut line)?;
        let listening: Value = serde_json::from_str(&line).context("the scripted model did not start")?;
        let url = listening["url"].as_str().context("a URL")?.to_owned();
        Ok(Arc::new(Self { process, url, directory }))
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
