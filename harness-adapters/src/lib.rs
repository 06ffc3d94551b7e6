#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//!
//! Each harness is a folder with the same parts:
//!
//! - `wire` is a tolerant, typed subset of its own protocol.
//! - `translate` is a pure state machine from that protocol to ACP and back. Its `Session` takes each input to the part
//!   that owns the state for it: `Turns`, `Asks`, `Controls`, `Screen`, `Notices`, `Meter`, `Options`.
//! - `launch` finds and starts the program.
//! - `history` reads earlier sessions.
//!
//! All harnesses share [`translate`], the contract of a state machine, and [`adapter`], which drives one and serves ACP.
//! A harness that speaks ACP itself needs only a launch profile.
//!
//! This crate knows no network and keeps no log.

pub mod adapter;
pub mod bounds;
mod children;
pub mod claude;
pub mod cli;
pub mod codex;
pub mod content;
pub mod diff;
pub mod embedded;
pub mod failure;
mod private;
pub mod profile;
mod search_path;
mod system_prompt;
pub mod translate;

pub use failure::{Failure, FailureKind};
