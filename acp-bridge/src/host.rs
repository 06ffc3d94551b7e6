//! The side that owns agent processes and is the log's only writer.
//!
//! One task per session drives the pure [`crate::session::Machine`]: commands from the log's queue and frames from the
//! agents go in, records go to the log, and effects run once those records are on stable storage. What the agent of a lane
//! is doing is said by its `agent_slot`, and nowhere else in the host.

mod agent;
mod agent_opening;
mod agent_outbox;
mod agent_pool;
mod agent_slot;
mod agent_traffic;
mod capacity;
pub(crate) mod clock;
mod config;
mod context;
mod door;
mod driver;
mod envelope;
mod idle;
mod inbox;
mod lane_agent;
mod lane_tasks;
mod lanes;
mod launcher;
mod probe;
mod process;
mod recovery;
mod secrets;
pub(crate) mod services;
mod silence;
mod supervisor;
mod unlogged;

pub use config::Config;
pub use launcher::{ChildLauncher, InProcessAgent, Launched, Launcher, Profiles};
pub use probe::probe;
pub use secrets::{LogSecrets, Secrets, SecretsError};
pub use services::{Allowed, Limits};
pub use supervisor::Host;

pub use crate::remote_agent::transport::AgentDoor;
