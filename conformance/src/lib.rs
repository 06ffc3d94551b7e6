#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//!
//! A [`suite::Suite`] plays scenarios against a [`subject::Subject`] and records every byte as a [`history::History`].
//! Checks ask the history and nothing else. Requirements are data, see [`catalogue`].
//!
//! [`model`] is a scripted model server: it drives real harnesses offline, without a key. This crate is no part of any
//! product at run time.

pub mod bench;
pub mod bridge;
pub mod cli;
mod core;
pub mod mcp_stub;
pub mod mock;
pub mod model;
pub mod prompts;
pub mod suites;
pub mod v1;
pub mod v2;

pub use self::core::check::Check;
pub use self::core::link::{ConnectError, Link, Offer};
pub use self::core::{
    baseline, catalogue, fault, history, probe, recipe, report, scenario, schema, stub, subject, suite, verdict,
};
