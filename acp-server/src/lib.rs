#![cfg_attr(feature = "tokio", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "tokio"), doc = "The connection core of ACP, without I/O.")]
//!
//! # Where to begin
//!
//! An agent implements `Agent` and a client `Client`. What they get of the other side is in [`types`]. [`proto`] is for those who
//! bring a runtime of their own.

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
