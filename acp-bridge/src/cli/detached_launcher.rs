//! Agents under diallers of their own, which dial this bridge and outlive it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use acp_server::transport::child::ChildSpec;
use async_trait::async_trait;
use tokio::process::Command;

use super::attach::{DETACH, this_program};
use crate::host::{Allowed, Launched, Launcher};
use crate::session::Refusal;

/// Starts each agent under an `acp-bridge dial` that is nobody's child.
#[derive(Debug)]
pub(super) struct DetachedLauncher {
    /// URL under which they find the bridge, this one and the next.
    pub(super) url: String,
    /// Time for which they keep an agent without one.
    pub(super) after: Duration,
    /// Paths that agents may reach beside the directories of their sessions.
    pub(super) allowed: Arc<Allowed>,
}

#[async_trait]
impl Launcher for DetachedLauncher {
    async fn launch(&self, agent: &ChildSpec, instance: &str) -> Result<Launched, Refusal> {
        let after = format!("{}ms", self.after.as_millis());
        let failed = |why| Refusal::LauncherFailed { why };
        let program = this_program().map_err(|error| failed(format!("{error:#}")))?;
        let reach = |option, paths: &[PathBuf]| {
            paths.iter().flat_map(|path| [OsString::from(option), path.into()]).collect::<Vec<_>>()
        };
        let starter = Command::new(program)
            .args([DETACH, "--", "dial", "--url", &self.url, "--instance", instance, "--give-up", &after])
            .args(reach("--allow-read", &self.allowed.read))
            .args(reach("--allow-write", &self.allowed.write))
            .arg("--")
            .arg(agent.program())
            .args(agent.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .await
            .map_err(|error| failed(error.to_string()))?;
        if starter.success() { Ok(Launched::DialsIn) } else { Err(failed(format!("it {starter}"))) }
    }
}
