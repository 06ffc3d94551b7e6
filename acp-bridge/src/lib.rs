//! A resumable session log between ACP agents and clients.
//!
//! Agents append to the log through a [`host`], clients read it from a cursor through a [`gateway`], and neither
//! side holds a pipe to the other: a dropped connection changes nothing, a stop is a record.
//! This crate knows no model and no harness; it starts any ACP agent as a command.

pub mod archive;
mod attach;
pub mod cli;
pub mod command;
pub mod gateway;
pub mod host;
pub mod log;
pub mod principal;
pub mod remote_agent;
pub mod retention;
pub mod service;
pub mod session;
mod shared;
#[cfg(test)]
mod simulation;
pub mod vault;
mod view;
