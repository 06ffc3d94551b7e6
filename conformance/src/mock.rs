//! Peers of our own, good ones and broken ones: what shows that a check can pass, and that it can fail.

mod agent;
mod agent2;
mod breaks;
mod bridge;
mod client;
mod client2;
mod durable;
mod http;
mod relay;
mod socket;

pub use agent::{Store, inside, serve};
pub use agent2::{inside as inside2, serve as serve2};
pub use breaks::{Breaks, UnknownBreak};
pub use bridge::bridged;
pub use client::{client_at, client_inside, client_of};
pub use client2::{client2_inside, client2_of};
pub use durable::durable;
pub use http::serve_http;
pub use relay::{Pass, changed};
pub use socket::serve_socket;

/// Ids of the checks that the mock agent can be made to fail, each with the others that the same fault makes fail or warn
/// because they are about the same thing.
#[must_use]
pub fn agent_breaks() -> &'static [(&'static str, &'static [&'static str])] {
    breaks::AGENT
}

/// The same for the mock agent of version 2.
#[must_use]
pub fn agent2_breaks() -> &'static [(&'static str, &'static [&'static str])] {
    agent2::BREAKS
}

/// The same for the mock client.
#[must_use]
pub fn client_breaks() -> &'static [(&'static str, &'static [&'static str])] {
    breaks::CLIENT
}

/// The same for a client that connects to its agent.
#[must_use]
pub fn remote_client_breaks() -> &'static [(&'static str, &'static [&'static str])] {
    client::REMOTE_BREAKS
}

/// The same for the mock client of version 2.
#[must_use]
pub fn client2_breaks() -> &'static [(&'static str, &'static [&'static str])] {
    client2::BREAKS
}

/// The same for a bridge.
#[must_use]
pub fn bridge_breaks() -> &'static [(&'static str, &'static [&'static str])] {
    bridge::BREAKS
}

/// The same for a durable bridge.
#[must_use]
pub fn durable_breaks() -> &'static [(&'static str, &'static [&'static str])] {
    durable::BREAKS
}

/// The same for an agent behind streamable HTTP.
#[must_use]
pub fn http_breaks() -> &'static [(&'static str, &'static [&'static str])] {
    http::BREAKS
}

/// The same for what an agent owes over WebSocket.
#[must_use]
pub fn socket_breaks() -> &'static [(&'static str, &'static [&'static str])] {
    socket::BREAKS
}
