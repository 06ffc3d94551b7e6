//! What attackers and honest accidents have tried against the bridge, each with the behaviour that holds.
//!
//! `cargo test -p acp-bridge --test hostile` prints a line for each probe that held.

#[path = "../program/support/mod.rs"]
mod support;

mod agents;
mod commands;
mod deletion;
mod doctor;
mod files;
mod foreign_sessions;
mod impersonation;
mod imports;
mod locks;
mod memory;
mod origins;
mod report;
mod secrets;
mod services;
mod stdout_noise;
mod tapped;
mod terminal_text;
mod wire;
