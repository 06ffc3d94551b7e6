//! Tests and test tools for people who implement ACP.
//!
//! A [`suite::Suite`] plays scenarios against a [`subject::Subject`] and records every byte as a [`history::History`].
//! Checks ask the history and nothing else. Requirements are data, see [`catalogue`].
//!
//! [`model`] is a scripted model server: it drives real harnesses offline, without a key. This crate is no part of any
//! product at run time.

pub mod agent;
pub mod agent2;
pub mod baseline;
pub mod bench;
pub mod bridge;
pub mod catalogue;
mod check;
pub mod cli;
pub mod client;
pub mod client2;
pub mod fault;
pub mod history;
pub mod http;
mod link;
pub mod mcp_stub;
pub mod mock;
pub mod model;
mod passive;
pub mod probe;
pub mod recipe;
pub mod report;
pub mod scenario;
pub mod schema;
pub mod stub;
pub mod subject;
pub mod suite;
mod transport;
pub mod verdict;
pub mod words;

pub use check::Check;
pub use link::{ConnectError, Link, Offer};
