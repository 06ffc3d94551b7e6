//! The side that serves clients: ACP v1 over WebSocket at `/acp`, the session API at `/rpc`, see `rpc`, and
//! agents that dial in at `/dial`, which are handed on to an [`AgentRoute`].
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
//! Of the updates a client is sent what it offered to take at `initialize`, see `view::v1`.
//!
//! Who is attached is known to the gateway only, and in no log. The host is told with `Command::SetPresence` when a controller
//! has come or gone, however it went; it is not when the gateway's tasks are cut at the end of a shutdown.

mod agent_route;
mod attachment;
mod config;
mod connection;
mod driver;
mod http;
mod joined;
mod lease;
mod opener;
mod outgoing;
mod presence;
mod prompts;
mod rpc;
mod served;
mod tails;
mod transport;

pub use agent_route::AgentRoute;
pub use config::{Config, Limits};
pub use http::{Authenticate, InvalidOrigin, Origin, Unauthenticated, serve};
#[cfg(test)]
pub(crate) use joined::JoinedGateway;
pub(crate) use served::Compared;
pub use served::Served;
