//! A host: the real supervisor and all that it starts, as one process.

use std::sync::Arc;
use std::time::Duration;

use acp_server::transport::child::ChildSpec;
use acp_types::record::Seq;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::agents::Agents;
use super::disk::Disk;
use super::disk_port::DiskPort;
use super::process::Process;
use crate::host::clock::Clock;
use crate::host::{Config, Host};
use crate::log::{LogError, SessionLog};
use crate::vault::Vault;

/// How long a member that does not renew its lease counts as there.
pub(super) const LEASE: Duration = Duration::from_millis(600);

/// What all hosts of a run have in common.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    pub(super) disk: Arc<Disk>,
    pub(super) agents: Arc<Agents>,
    pub(super) vault: Arc<dyn Vault>,
    pub(super) begun: Instant,
}

/// A host as long as it lives.
#[derive(Debug)]
pub(super) struct HostProcess {
    pub(super) process: Arc<Process>,
    /// Everything up to here is stored and done, as far as it is this host's.
    pub(super) settled: Seq,
    task: JoinHandle<Result<(), LogError>>,
}

impl HostProcess {
    pub(super) async fn start(number: u64, ground: &Ground) -> Self {
        let Ground { disk, agents, vault, begun } = ground;
        let process = Arc::new(Process::new(number));
        let launcher = agents.launcher(&process);
        let mut config = Config::new(ChildSpec::new("agent"));
        config.vault = Arc::clone(vault);
        config.lease = LEASE;
        config.clock = Clock::Runtime(*begun);
        config.profiles = Arc::clone(&launcher) as _;
        config.launcher = launcher;
        let log: Arc<dyn SessionLog> = Arc::new(DiskPort { disk: Arc::clone(disk), process: Arc::clone(&process) });
        let host = Host::join(log, config, CancellationToken::new()).await.expect("the log has room");
        Self { process, settled: 0, task: tokio::spawn(host.run()) }
    }

    /// `kill -9`: its first writes that are on their way are stored, so many, and its agents die with it.
    pub(super) fn kill(&self, ground: &Ground, stored: usize) {
        self.process.kill();
        ground.disk.lose(&self.process, stored);
        ground.agents.kill_of(&self.process);
        self.task.abort();
    }
}
