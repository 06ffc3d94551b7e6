//! How a host runs agents and sessions.

use std::sync::Arc;
use std::time::Duration;

use acp_server::transport::child::ChildSpec;

use super::clock::Clock;
use super::launcher::{ChildLauncher, Launcher};
use super::profiles::{NoProfiles, Profiles};
use super::secrets::LogSecrets;
use super::services::{Allowed, Limits};
use crate::session;
use crate::vault::{self, Vault};

/// How the host runs agents and sessions.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// How an agent process is started.
    pub agent: ChildSpec,
    /// The agents that may join a session beside it.
    pub profiles: Arc<dyn Profiles>,
    /// Who starts agents. Default: they are children of this process.
    pub launcher: Arc<dyn Launcher>,
    /// Where what agents need again after a restart is kept, if the log must not have it. Default: nowhere.
    pub secrets: LogSecrets,
    /// Where gateways leave the secrets of their commands; they must have the same. Default: that of this process.
    pub vault: Arc<dyn Vault>,
    /// Limits and rules of every session.
    pub session: session::Config,
    /// How long an agent may be silent after `initialize`, and again after `session/new`, `load` or `resume`, before it is
    /// given up. What it writes to its stderr and what else it says starts the time anew, ten times it in all at most.
    pub start_timeout: Duration,
    /// Agents that may run at once, started by this host. Without a limit by default.
    pub max_agents: usize,
    /// How long an agent may run that nobody needs: no turn, no client, nothing that waits. `None`: for ever, the default.
    pub agent_idle: Option<Duration>,
    /// How much an agent may ask for of the files and commands that the host serves; see [`session::Services`].
    pub services: Limits,
    /// How long another host waits for this one, when it does not renew its lease, before it takes its sessions over.
    /// Default: 15 s.
    pub lease: Duration,
    /// What agents may reach there beside the directories of their sessions.
    pub allowed: Arc<Allowed>,
    /// What says when records are made, and when the deadlines of sessions are over. Default: the clock of the system.
    pub(crate) clock: Clock,
}

impl Config {
    /// Defaults for an agent command: 60 s to start, no other agent, and none that outlives this process.
    #[must_use]
    pub fn new(agent: ChildSpec) -> Self {
        Self {
            agent,
            profiles: Arc::new(NoProfiles),
            launcher: Arc::new(ChildLauncher),
            secrets: LogSecrets::none(),
            vault: vault::shared(),
            session: session::Config::default(),
            start_timeout: Duration::from_secs(60),
            max_agents: usize::MAX,
            agent_idle: None,
            services: Limits::default(),
            lease: Duration::from_secs(15),
            allowed: Arc::default(),
            clock: Clock::default(),
        }
    }
}
