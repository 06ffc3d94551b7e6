//! Codex's protocol to ACP and back. [`Session`] takes each input to the part that owns the state for it.

mod agents;
mod asks;
mod calls;
mod commands;
mod contact;
mod contents;
mod controls;
mod decisions;
mod edits;
mod errors;
mod forms;
mod goal;
mod input;
mod lifecycle;
mod meter;
mod notices;
mod options;
mod output;
mod screen;
mod session;
mod setup;
mod shell;
mod subject;
mod text;
mod title;
mod turns;
mod view;
mod words;

pub(super) use commands::available;
pub(super) use contact::patience;
pub(super) use edits::sides;
pub use session::Session;
pub use setup::Setup;
pub(super) use setup::{ServerNames, Skill};
pub(super) use title::of_preview as title_of_preview;
