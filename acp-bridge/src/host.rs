//! The side that owns agent processes and is the log's only writer.
//!
//! One task per session drives the pure [`crate::session::Machine`]: commands from the log's queue and frames from the
//! agents go in, records go to the log, and effects run once those records are on stable storage.

mod agent;
mod agent_events;
mod agent_opening;
mod agent_outbox;
mod agent_pool;
mod capacity;
mod clock;
mod door;
mod driver;
mod event_batch;
mod idle;
mod inbox;
mod keeper;
mod lanes;
mod process;
mod profiles;
mod recovery;
mod secrets;
pub(crate) mod services;
mod silence;
mod supervisor;
mod unlogged;

use std::sync::Arc;
use std::time::Duration;

use acp_server::transport::child::ChildSpec;

pub use keeper::Keeper;
pub use profiles::Profiles;
pub use secrets::{LogSecrets, Secrets, SecretsError};
pub use services::{Allowed, Limits};
pub use supervisor::Host;

pub use crate::remote_agent::transport::AgentDoor;

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
    /// Who starts the agents so that they outlive this process; `None`: they are children of it.
    pub keeper: Option<Arc<dyn Keeper>>,
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
}

impl Config {
    /// Defaults for an agent command: 60 s to start, no other agent, and none that outlives this process.
    #[must_use]
    pub fn new(agent: ChildSpec) -> Self {
        Self {
            agent,
            profiles: Arc::new(profiles::NoProfiles),
            keeper: None,
            secrets: LogSecrets::none(),
            vault: vault::shared(),
            session: session::Config::default(),
            start_timeout: Duration::from_secs(60),
            max_agents: usize::MAX,
            agent_idle: None,
            services: Limits::default(),
            lease: Duration::from_secs(15),
            allowed: Arc::default(),
        }
    }
}

/// Starts an agent, asks what it is, and stops it: its name and what it can do, in one line.
///
/// # Errors
/// When it cannot be started or does not answer `initialize` in time.
pub async fn probe(agent: &ChildSpec, timeout: Duration) -> Result<String, session::Refusal> {
    let initialize = agent_opening::initialize_params(acp_types::Raw::EMPTY_OBJECT, session::Services::default());
    let agent = agent::Agent::start(agent, initialize, timeout).await?;
    let name = agent.description.as_raw().path(&["agentInfo", "name"]).and_then(acp_types::Raw::as_string);
    let name = name.map_or_else(|| "the agent gives no name".to_owned(), String::from);
    let way = if agent.can(&["sessionCapabilities", "resume"]) {
        "resumes sessions"
    } else if agent.can(&["loadSession"]) {
        "loads sessions"
    } else {
        "can neither load nor resume a session: after a crash of the agent its context is lost"
    };
    agent.stop().await;
    Ok(format!("{name}; {way}"))
}
