//! Mock peers of version 2 of the protocol.

pub(super) mod agent;
pub(super) mod client;
