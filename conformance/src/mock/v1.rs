//! Mock peers of version 1 of the protocol.

pub(super) mod agent;
pub(super) mod client;
