//! What attackers and honest accidents have tried against the bridge, each with the behaviour that holds.
//!
//! `cargo test -p acp-bridge --test hostile` prints a line for each probe that held.

#[path = "../support/mod.rs"]
mod support;

mod foreign_sessions;
mod impersonation;
mod report;
mod terminal_text;
