//! A resumable session log between ACP agents and clients.
//!
//! Agents append to the log through a [`host`], clients read it from a cursor through a [`gateway`], and neither
//! side holds a pipe to the other: a dropped connection changes nothing, a stop is a record.
//! This crate knows no model and no harness; it starts any ACP agent as a command.

mod attach;
pub mod cli;
pub mod command;
mod dial;
pub mod gateway;
pub mod host;
pub mod link;
pub mod log;
pub mod principal;
pub mod retention;
pub mod service;
pub mod session;
mod shared;
pub mod vault;
mod view;
