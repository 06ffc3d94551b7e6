//! The agent that the user asked for: a command line, or a harness by name.

use std::path::{Path, PathBuf};

use acp_server::transport::child::ChildSpec;
use async_trait::async_trait;
use serde::Deserialize;
use tokio::process::Command;

use super::args;
use super::exit::{Exit, code_of, coded};
use crate::host::Profiles;
use crate::session::Refusal;

/// The program that knows harnesses by name and runs them as agents.
const HARNESS: &str = "acp-harness";

/// An agent, and where its harness keeps what it reads through us: skills and the like.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) spec: ChildSpec,
    pub(super) readable: Vec<PathBuf>,
}

/// Spec to start it by; `None` when the user asked for none.
pub(super) async fn spec(agent: &args::Agent) -> anyhow::Result<Option<Named>> {
    if let Some((program, arguments)) = agent.command.split_first() {
        let spec = ChildSpec::new(program).args(arguments);
        return Ok(Some(Named { spec, readable: Vec::new() }));
    }
    let Some(name) = &agent.name else { return Ok(None) };
    let program = harness_program();
    let readable = check(&program, name).await?;
    Ok(Some(Named { spec: ChildSpec::new(program).arg(name), readable }))
}

/// The harnesses that [`HARNESS`] knows, as agents that may join a session.
#[derive(Debug)]
pub(super) struct Harnesses;

#[async_trait]
impl Profiles for Harnesses {
    async fn agent(&self, name: &str) -> Result<ChildSpec, Refusal> {
        let program = harness_program();
        check(&program, name).await.map_err(|error| {
            let (profile, why) = (name.to_owned(), format!("{error:#}"));
            if code_of(&error) == Exit::Usage {
                Refusal::UnknownProfile { profile, why }
            } else {
                Refusal::ProfileUnusable { profile, why }
            }
        })?;
        Ok(ChildSpec::new(program).arg(name))
    }
}

/// Beside this program, as it is built and installed, or else wherever `PATH` has it.
fn harness_program() -> PathBuf {
    let beside = std::env::current_exe().map(|exe| exe.with_file_name(HARNESS));
    beside.ok().filter(|program| program.is_file()).unwrap_or_else(|| PathBuf::from(HARNESS))
}

/// Answer of `acp-harness which --json`.
#[derive(Debug, Deserialize)]
struct Found {
    #[serde(default)]
    readable: Vec<PathBuf>,
}

/// Fails now for what is wrong, rather than at the first session; returns what its profile lets the harness read.
async fn check(program: &Path, name: &str) -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new(program).args(["which", "--json", "--", name]).output().await.map_err(|error| {
        let message = format!(
            "cannot run {HARNESS}, which knows agents by name: {error}; install it with `cargo install --path \
             harness-adapters`, or write the agent's command line after `--`"
        );
        coded(Exit::Unreachable, message)
    })?;
    if output.status.success() {
        let found = serde_json::from_slice::<Found>(&output.stdout).map_err(|error| {
            let message = format!(
                "{} answered `which --json` with what cannot be read: {error}; install the same version of both programs",
                program.display()
            );
            coded(Exit::Unreachable, message)
        })?;
        // A relative path would be one of whatever directory we happen to be in.
        return Ok(found.readable.into_iter().filter(|path| path.is_absolute()).collect());
    }
    let exit = if output.status.code() == Some(2) { Exit::Usage } else { Exit::Unreachable };
    let said = String::from_utf8_lossy(&output.stderr);
    Err(coded(exit, said.trim().trim_start_matches("acp-harness: ").to_owned()))
}
