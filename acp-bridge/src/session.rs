//! The session's logic, pure: no I/O, no clock, no channels. Time and ids come in as arguments.
//!
//! [`State`] is what a log says: both sides fold the same records into it. [`Machine`] is the host's side: it turns
//! commands and agent traffic into records, and into effects that are run once those records are on stable storage.

pub(crate) mod children;
mod choice;
mod command;
mod declined;
mod door;
mod io;
mod lanes;
mod machine;
mod mcp;
mod permission;
mod refusal;
mod service;
mod source;
mod start;
mod state;
mod subagents;
mod version;
mod wire;

pub use children::{ChildSession, Children};
pub use command::{Command, QueueCommand, Reply};
pub use io::{CallId, CommandId, Effect, FirstAgent, FromAgent, Input, Output, StartPlan};
pub use machine::{Config, Machine};
pub use mcp::FingerprintKey;
pub(crate) use mcp::has_definitions;
pub use refusal::{Forgotten, LastWords, Refusal, RefusalKind};
pub(crate) use service::HOST_TERMINAL;
pub use service::{Service, Services};
pub use source::AgentSource;
pub(crate) use start::{has_secrets, without_definitions};
pub use state::{LaneState, PendingRequest, State, StateError, TurnInfo, TurnPhase};
pub(crate) use subagents::without_foreign_subagents;
pub(crate) use version::unsupported_version;
pub(crate) use wire::{clean_outcome, for_agents};
