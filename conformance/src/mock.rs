//! Peers of our own, good ones and broken ones: what shows that a check can pass, and that it can fail.

mod answers;
mod breaks;
mod bridge;
mod durable;
mod http;
mod lines;
mod registry;
mod relay;
mod socket;
mod v1;
mod v2;

pub use breaks::{Breaks, UnknownBreak};
pub use bridge::bridged;
pub use durable::durable;
pub use http::serve_http;
pub use registry::{
    agent_breaks, bridge_breaks, client_breaks, durable_breaks, http_breaks, remote_client_breaks, socket_breaks,
    v2_agent_breaks, v2_client_breaks,
};
pub use relay::{Pass, changed};
pub use socket::serve_socket;
pub use v1::agent::{Store, inside, serve};
pub use v1::client::{client_at, client_inside, client_of};
pub use v2::agent::{inside as inside2, serve as serve2};
pub use v2::client::{v2_client_inside, v2_client_of};
