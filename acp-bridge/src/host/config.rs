//! Settings of a host: how it runs agents and sessions.

use std::sync::Arc;
use std::time::Duration;

use acp_server::transport::child::ChildSpec;

use super::clock::Clock;
use super::launcher::{ChildLauncher, Launcher, NoProfiles, Profiles};
use super::secrets::LogSecrets;
use super::services::{Allowed, Limits};
use crate::session;
use crate::vault::{self, Vault};

/// Settings of a host: how it runs agents and sessions.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Spec to start an agent process by.
    pub agent: ChildSpec,
    /// Profiles of agents that may join a session beside it.
    pub profiles: Arc<dyn Profiles>,
    /// Launcher of agents. Default: they are children of this process.
    pub launcher: Arc<dyn Launcher>,
    /// Secrets that agents need again after a restart and the log must not have. Default: none are kept.
    pub secrets: LogSecrets,
    /// Vault in which gateways leave the secrets of their commands; they must have the same. Default: that of this process.
    pub vault: Arc<dyn Vault>,
    /// Limits and rules of every session.
    pub session: session::Config,
    /// Time that an agent may be silent after `initialize`, and again after `session/new`, `load` or `resume`, before it is
    /// given up. What it writes to its stderr and what else it says starts the time anew, ten times it in all at most.
    pub start_timeout: Duration,
    /// Agents that may run at once, started by this host. Without a limit by default.
    pub max_agents: usize,
    /// Time that an agent may run that nobody needs: no turn, no client, nothing that waits. `None`: for ever, the default.
    pub agent_idle: Option<Duration>,
    /// Limits on the files and commands that the host serves to an agent; see [`session::Services`].
    pub services: Limits,
    /// Time that another host waits for this one, when it does not renew its lease, before it takes its sessions over.
    /// Default: 15 s.
    pub lease: Duration,
    /// Paths that agents may reach there beside the directories of their sessions.
    pub allowed: Arc<Allowed>,
    /// Clock for the time of records and the deadlines of sessions. Default: that of the system.
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
