//! Claude Code's protocol to ACP and back. [`Session`] takes each input to the part that owns the state for it.

pub(crate) mod agents;
mod asks;
mod calls;
pub(crate) mod commands;
pub(crate) mod content;
mod controls;
mod describe;
mod fault;
mod files;
mod lifecycle;
mod meter;
mod notices;
pub(crate) mod options;
pub(crate) mod plan;
pub(crate) mod screen;
mod session;
mod setup;
pub(crate) mod shell;
mod tasks;
mod text;
mod turns;
mod words;

pub use session::Session;
pub use setup::Setup;
