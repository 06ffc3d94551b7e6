//! A gateway: all that the real one has but for its listener, as one process.

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::disk::Disk;
use super::disk_port::DiskPort;
use super::host::LEASE;
use super::process::Process;
use super::socket::{self, ClientEnd};
use crate::gateway::{Config, JoinedGateway};
use crate::log::SessionLog;
use crate::service::{Caller, Principal};
use crate::vault::Vault;

/// Messages of a connection that wait to be written: few, so that a client that does not read is felt.
const OUTBOX: usize = 8;

/// A gateway as long as it lives.
#[derive(Debug)]
pub(super) struct GatewayProcess {
    pub(super) process: Arc<Process>,
    disk: Arc<Disk>,
    joined: JoinedGateway,
    connections: Vec<JoinHandle<()>>,
}

impl GatewayProcess {
    pub(super) async fn start(number: u64, disk: &Arc<Disk>, vault: &Arc<dyn Vault>) -> Self {
        let process = Arc::new(Process::new(number));
        let log: Arc<dyn SessionLog> = Arc::new(DiskPort { disk: Arc::clone(disk), process: Arc::clone(&process) });
        let config = Config { lease: LEASE, vault: Arc::clone(vault), ..Config::default() };
        let joined = JoinedGateway::join(log, config, CancellationToken::new()).await.expect("the log has room");
        Self { process, disk: Arc::clone(disk), joined, connections: Vec::new() }
    }

    /// A client connects. The log knows it by this name.
    pub(super) fn accept(&mut self, client: Arc<str>) -> ClientEnd {
        let (client_end, gateway_end) = socket::pair(Arc::clone(&self.disk));
        let mut config = acp_server::Config::default();
        config.outbox_messages = OUTBOX;
        let link = acp_server::start(gateway_end, config);
        let caller = Caller::new(Arc::new(Principal::admin("simulated")), client);
        self.connections.push(tokio::spawn(self.joined.serve(link, caller)));
        client_end
    }

    /// `kill -9`. Its connections are cut.
    pub(super) fn kill(self) {
        self.process.kill();
        self.connections.iter().for_each(JoinHandle::abort);
    }
}
