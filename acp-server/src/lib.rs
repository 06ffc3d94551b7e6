//! ACP connections: a sans-I/O core, transports, and the traits that agents and clients implement.
//!
//! Three layers, each usable without the next: [`proto`] is the state machine of a connection, [`start`] drives it over
//! a [`transport`], and [`serve()`] and [`connect`] put an [`Agent`] or a [`Client`] on top.
//!
//! This crate knows connections. It does not know sessions that outlive one.

#[cfg(feature = "tokio")]
mod agent;
#[cfg(feature = "tokio")]
mod client;
pub mod codec;
#[cfg(feature = "tokio")]
mod config;
#[cfg(feature = "tokio")]
mod context;
#[cfg(feature = "tokio")]
mod dispatch;
#[cfg(feature = "tokio")]
pub mod driver;
#[cfg(feature = "tokio")]
mod error;
#[cfg(feature = "tokio")]
pub mod guard;
#[cfg(feature = "tokio")]
mod peer;
pub mod proto;
#[cfg(feature = "tokio")]
mod serve;
#[cfg(feature = "tokio")]
mod telemetry;
#[cfg(feature = "tokio")]
pub mod transport;

#[cfg(feature = "tokio")]
pub use agent::{Agent, AgentContext};
#[cfg(feature = "tokio")]
pub use client::{Client, ClientContext};
#[cfg(feature = "tokio")]
pub use config::{Config, KeepAlive};
#[cfg(feature = "tokio")]
pub use context::Context;
#[cfg(feature = "tokio")]
pub use driver::{Closed, Inbox, Link, Outbox, TryError, resume, start};
#[cfg(feature = "tokio")]
pub use error::{Answer, CallError};
#[cfg(feature = "tokio")]
pub use peer::{AgentPeer, ClientPeer, Peer};
#[cfg(feature = "tokio")]
pub use serve::{connect, connect_with, serve, serve_until};
#[cfg(feature = "tokio")]
pub use telemetry::HOP;
#[cfg(feature = "tokio")]
pub use transport::stdio::stdio;

/// The protocol's types, so that users need no other crate.
pub use acp_types as types;
