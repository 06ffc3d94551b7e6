//! Checks of version 1 of the protocol: agents, clients, and agents behind streamable HTTP.

pub mod agent;
pub mod client;
pub mod http;
pub(crate) mod invariants;
