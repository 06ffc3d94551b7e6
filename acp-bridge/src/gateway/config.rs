//! Bounds of a gateway, and what it runs with.

use std::sync::Arc;
use std::time::Duration;

use acp_server::KeepAlive;
use tokio_util::sync::CancellationToken;

use super::agent_route::AgentRoute;
use super::http::authenticate::Authenticate;
use super::http::origin::Origin;
use super::served::Served;
use crate::vault::{self, Vault};

/// Bounds of a gateway and of each of its connections.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Clients connected at once. Default: 1024. One more gets HTTP 503.
    pub max_connections: usize,
    /// Agents that have dialled in at once. Default: 4096. One more gets HTTP 503, and comes again.
    pub max_diallers: usize,
    /// Bytes of one message of a client. Default: 16 MiB. A longer one is answered with an error, one of more than
    /// twice the size ends the connection with code 1009.
    pub max_message: usize,
    /// Origins of pages that may use the bridge, besides its own. Default: none. Programs send no origin and always may.
    pub allow_origins: Arc<[Origin]>,
    /// Authentication of requests. Default: everybody is an admin, since only programs of this machine can connect.
    pub authenticate: Authenticate,
    /// Agent and log of the bridge.
    pub served: Served,
    /// Time that its clients count as there when the gateway does not renew its lease. Default: 15 s.
    pub lease: Duration,
    /// Token that is cancelled when an admin asks the bridge to stop. Whoever runs the gateway stops it then, and what
    /// else there is of the bridge. Default: none, and such a request is refused.
    pub stop: Option<CancellationToken>,
    /// Route of agents that dial in. Default: none, and they get HTTP 404.
    pub agents: Option<Arc<dyn AgentRoute>>,
    /// Vault for the secrets of commands; the hosts of the log must have the same. Default: that of this process.
    pub vault: Arc<dyn Vault>,
    /// Bounds of one connection.
    pub limits: Limits,
    /// Keep-alive, which tells a dead client from a quiet one. Default: pinged after 30 s without a word, and gone
    /// after 90 s. A client that lives and reads nothing for as long is gone as well; it comes back with its cursor.
    pub keep_alive: KeepAlive,
    /// Time that connections may take at shutdown to write what is committed. Default: 5 s. Then they are cut.
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_diallers: 4096,
            max_message: 16 * 1024 * 1024,
            allow_origins: Arc::default(),
            authenticate: Authenticate::default(),
            served: Served::default(),
            lease: Duration::from_secs(15),
            stop: None,
            agents: None,
            vault: vault::shared(),
            limits: Limits::default(),
            keep_alive: KeepAlive { ping: Duration::from_secs(30), lost: Duration::from_secs(90) },
            drain: Duration::from_secs(5),
        }
    }
}

/// Bounds of one connection; a request over one of them is answered with an error that names it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limits {
    /// Sessions attached at once. Default: 256.
    pub sessions: usize,
    /// Prompts that wait for their turn's end. Default: 64: twice a session's queue.
    pub prompts: usize,
    /// Requests that wait for the host or the log. Default: 256. At twice as many, which only notifications can
    /// reach, reading stops.
    pub in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sessions: 256, prompts: 64, in_flight: 256 }
    }
}
