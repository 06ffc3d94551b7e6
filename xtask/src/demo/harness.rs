//! The agent of the demo: Codex, on the user's own login or against a scripted model.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use serde_json::Value;

use crate::run::{root, say};

/// How the agent is run. Dropping it ends the scripted model.
pub(crate) struct Harness {
    env: Vec<(&'static str, String)>,
    workspace: PathBuf,
    model: Option<Child>,
}

impl Harness {
    /// Codex as npm installed it, in a private home, against a scripted model: no key, no network.
    pub(crate) fn scripted(directory: &Path) -> anyhow::Result<Self> {
        crate::npm::install(crate::npm::HARNESSES)?;
        let program = root().join(crate::npm::HARNESSES).join("node_modules/.bin/codex");
        let home = directory.join("home");
        std::fs::create_dir_all(home.join(".codex"))?;
        let script = directory.join("script.toml");
        std::fs::write(&script, super::script::text())?;
        let (model, url) = start_model(&script)?;
        let config = format!(
            "model = \"gpt-5.5\"\nmodel_provider = \"scripted\"\n[model_providers.scripted]\nname = \"scripted\"\n\
             base_url = \"{url}/v1\"\nwire_api = \"responses\"\nenv_key = \"SCRIPTED_KEY\"\n"
        );
        std::fs::write(home.join(".codex/config.toml"), config)?;
        let env = vec![
            ("CODEX_PATH", program.display().to_string()),
            ("HOME", home.display().to_string()),
            ("CODEX_HOME", home.join(".codex").display().to_string()),
            ("SCRIPTED_KEY", "test-key".to_owned()),
        ];
        Ok(Self { env, workspace: workspace(directory)?, model: Some(model) })
    }

    /// The user's own Codex with the user's own login.
    pub(crate) fn own(directory: &Path) -> anyhow::Result<Self> {
        Ok(Self { env: Vec::new(), workspace: workspace(directory)?, model: None })
    }

    /// Whether there is one that is logged in.
    pub(crate) fn is_logged_in() -> bool {
        let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        quiet(Command::new("codex").args(["login", "status"])).is_ok_and(|status| status.success())
    }

    /// Whether the model is scripted, so that it says exactly what it is told.
    pub(crate) fn is_scripted(&self) -> bool {
        self.model.is_some()
    }

    /// Where the agent works.
    pub(crate) fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// The bridge in front of it.
    pub(crate) fn dress(&self, bridge: &mut Command) {
        bridge.args(["--agent", "codex"]).envs(self.env.iter().map(|(name, value)| (name, value)));
    }

    /// What to type to run the same by hand.
    pub(crate) fn by_hand(&self) -> String {
        let env = self.env.iter().map(|(name, value)| format!("{name}={value} "));
        format!("{}acp-bridge serve --agent codex", env.collect::<String>())
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        if let Some(model) = &mut self.model {
            // It may have ended by itself.
            let _ = model.kill();
            let _ = model.wait();
        }
    }
}

fn workspace(directory: &Path) -> anyhow::Result<PathBuf> {
    let workspace = directory.join("workspace");
    std::fs::create_dir_all(&workspace)?;
    Ok(workspace)
}

fn start_model(script: &Path) -> anyhow::Result<(Child, String)> {
    let program = std::env::current_exe()?.with_file_name("acp-conformance");
    let mut model = Command::new(program)
        .args(["model", "--json", "--script"])
        .arg(script)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("the scripted model cannot be started")?;
    let mut line = String::new();
    BufReader::new(model.stdout.take().context("the scripted model has no stdout")?).read_line(&mut line)?;
    let listening: Value = serde_json::from_str(&line).context("the scripted model did not say where it listens")?;
    let url = listening["url"].as_str().context("the scripted model did not say where it listens")?.to_owned();
    say(&format!("A scripted model answers for the real one on {url}."));
    Ok((model, url))
}
