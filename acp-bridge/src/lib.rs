#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//!
//! [`log`] is the contract of an engine, [`session`] what a log says and what a host does with it, pure; [`host`] owns agents,
//! [`gateway`] serves clients, [`cli`] is the program. This crate knows no model and no harness; it starts any ACP agent as a
//! command.

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
