//! Registry of all mocks: which checks each of them can be made to fail.

use super::breaks::{Breaks, Table, UnknownBreak};

/// Ids of the checks that the mock agent can be made to fail, each with the others that the same fault makes fail or warn
/// because they are about the same thing.
#[must_use]
pub fn agent_breaks() -> Table {
    super::v1::agent::BREAKS
}

/// The same for the mock agent of version 2.
#[must_use]
pub fn v2_agent_breaks() -> Table {
    super::v2::agent::BREAKS
}

/// The same for the mock client.
#[must_use]
pub fn client_breaks() -> Table {
    super::v1::client::BREAKS
}

/// The same for a client that connects to its agent.
#[must_use]
pub fn remote_client_breaks() -> Table {
    super::v1::client::REMOTE_BREAKS
}

/// The same for the mock client of version 2.
#[must_use]
pub fn v2_client_breaks() -> Table {
    super::v2::client::BREAKS
}

/// The same for a bridge.
#[must_use]
pub fn bridge_breaks() -> Table {
    super::bridge::BREAKS
}

/// The same for a durable bridge.
#[must_use]
pub fn durable_breaks() -> Table {
    super::durable::BREAKS
}

/// The same for an agent behind streamable HTTP.
#[must_use]
pub fn http_breaks() -> Table {
    super::http::BREAKS
}

/// The same for what an agent owes over WebSocket.
#[must_use]
pub fn socket_breaks() -> Table {
    super::socket::BREAKS
}

impl Breaks {
    /// A peer that fails this check.
    ///
    /// # Errors
    /// When no peer is broken that way.
    pub fn of(id: &str) -> Result<Self, UnknownBreak> {
        Self::known(
            id,
            &[
                super::v1::agent::BREAKS,
                super::socket::BREAKS,
                super::bridge::BREAKS,
                super::durable::BREAKS,
                super::http::BREAKS,
            ],
        )
    }

    /// An agent of version 2 that fails this check.
    ///
    /// # Errors
    /// When no such agent is broken that way.
    pub fn of_v2_agent(id: &str) -> Result<Self, UnknownBreak> {
        Self::known(id, &[super::v2::agent::BREAKS])
    }

    /// A client that fails this check.
    ///
    /// # Errors
    /// When no client is broken that way.
    pub fn of_client(id: &str) -> Result<Self, UnknownBreak> {
        Self::known(id, &[super::v1::client::BREAKS, super::v1::client::REMOTE_BREAKS])
    }

    /// A client of version 2 that fails this check.
    ///
    /// # Errors
    /// When no such client is broken that way.
    pub fn of_v2_client(id: &str) -> Result<Self, UnknownBreak> {
        Self::known(id, &[super::v2::client::BREAKS])
    }
}
