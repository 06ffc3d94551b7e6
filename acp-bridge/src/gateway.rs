//! The side that serves clients: ACP v1 over WebSocket at `/acp`, the session API at `/rpc`, see `rpc`, and
//! agents that dial in at `/dial`, which are handed to the host.
//!
//! A gateway meets the host only in the log: it submits commands, folds and tails records, and holds nothing that a
//! client could not get from another gateway on the same log. One task serves one connection; what it decides is in
//! `connection`, which does no I/O.
//!
//! To a client it is an ACP agent. What it adds, all of it ignorable:
//!
//! | Where | What |
//! |---|---|
//! | `initialize` result | `_meta["acp-bridge"]`: `version` |
//! | `session/resume` params | `_meta["acp-bridge"]`: `after`, the cursor to go on from |
//! | `session/new` params | `_meta["acp-bridge"]`: `unattended`, `agent` |
//! | `session/prompt` params | `_meta["acp-bridge"]`: `key`, `acceptContextLoss`, `onBusy`, `afterRestart` |
//! | `session/prompt` result | `_meta["acp-bridge"]`: `seq`, `turn`, `outcome`, `steered` |
//! | `session/cancel` params | `_meta["acp-bridge"]`: `turn`, `scope`, `reason` |
//! | `_acp-bridge/queue`, `queue_edit`, `queue_move`, `queue_withdraw` | requests: prompts that wait |
//! | `_acp-bridge/set_policy` | request: what becomes of permission requests while no controller is there |
//! | `_acp-bridge/queue_changed` | what waits has changed |
//! | `session/load`, `session/resume` params | `_meta["acp-bridge"]`: `lanes`, those that are to be seen |
//! | requests and notifications for an agent | `_meta["acp-bridge"]`: `lane`; without it, `main` |
//! | `_acp-bridge/lane_add`, `lane_remove` | `lane` and, to add one, `agent`, the name of a launch profile |
//! | `_acp-bridge/lanes` | the lanes of a session and their agents |
//! | `_acp-bridge/caught_up` | after a resume with a cursor: what follows is live |
//! | `_acp-bridge/turn_ended` | a turn ended that this client did not prompt |
//! | `_acp-bridge/detached` | a session can be followed no longer: it was deleted, its log is damaged, or another client attached with the same `clientId` |
//! | `session/attach`, `session/detach` | the RFD "Multi-Client Session Attach", with `_meta["acp-bridge"]`: `after`; see `docs/clients.md` |
//! | `session/update` | to those who came by `session/attach` only: `permission_resolved`, `client_connected`, `client_disconnected` |
//!
//! A client is a controller of each session that it is attached to, unless it attached as an observer, which is shown
//! everything and asked for and allowed nothing. A request of an agent goes to every controller, and to each that comes
//! while it is open. The host takes the first answer, the others are told with `$/cancel_request`. That a client knows
//! no such method is an answer only when every controller that is here has said so.
//!
//! Of the updates a client is sent what it offered to take at `initialize`, see `view::v1::offer`.
//!
//! Who is attached is known to the gateway only, and in no log. The host is told with `Command::Attend` when a controller
//! has come or gone, however it went; it is not when the gateway's tasks are cut at the end of a shutdown.

mod attachment;
mod connection;
mod dial;
mod driver;
mod http;
mod membership;
mod outgoing;
mod presence;
mod rpc;
mod served;
#[cfg(test)]
mod sim;
mod transport;
mod work;

use std::sync::Arc;
use std::time::Duration;

use acp_server::KeepAlive;

pub use crate::dial::AgentDoor;
pub use http::{Authenticate, InvalidOrigin, Origin, Unauthenticated, serve};
pub(crate) use crate::view::v1::render::turn_ended;
pub(crate) use served::Compared;
pub use served::Served;

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
    /// Who somebody is that makes a request. Default: an admin, since only programs of this machine can connect.
    pub authenticate: Authenticate,
    /// What the bridge runs.
    pub served: Served,
    /// How long its clients count as there when the gateway does not renew its lease. Default: 15 s.
    pub lease: Duration,
    /// Where agents that dial in are handed in: at a host in this process. Default: nowhere, and they are sent away.
    pub agents: Option<AgentDoor>,
    /// Where secrets of commands are left for the hosts of the log, which must have the same. Default: that of this process.
    pub vault: Arc<dyn Vault>,
    /// Bounds of one connection.
    pub limits: Limits,
    /// How a client that is dead is told from one that is quiet. Default: pinged after 30 s without a word, and gone after
    /// 90 s. A client that lives and reads nothing for as long is gone as well; it comes back with its cursor.
    pub keep_alive: KeepAlive,
    /// How long connections may take at shutdown to write what is committed. Default: 5 s. Then they are cut.
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
