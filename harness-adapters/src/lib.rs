//! Coding harnesses that do not speak ACP, as ACP agents: the real Codex CLI and the real Claude Code CLI.
//!
//! Each harness is a folder with the same rooms: `wire` is a tolerant, typed subset of its own protocol, `translate` a
//! pure state machine from that protocol to ACP and back, `launch` finds and starts the program, `history` reads what
//! it stored. What is common to all is outside: [`translate`] is the contract of a state machine, [`adapter`] drives
//! one and serves ACP. Harnesses that speak ACP themselves need none of this, only a launch profile.
//!
//! This crate knows no network and keeps no log.

pub mod adapter;
pub mod bounds;
pub mod claude;
pub mod cli;
pub mod codex;
pub mod content;
pub mod diff;
pub mod embedded;
pub mod failure;
mod private;
pub mod profile;
pub mod translate;

pub use failure::{Failure, FailureKind};
