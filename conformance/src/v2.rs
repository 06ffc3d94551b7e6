//! Checks of version 2 of the protocol, a draft: agents and clients.

pub mod agent;
pub mod client;

/// The version that this is about.
pub const VERSION: u8 = 2;
