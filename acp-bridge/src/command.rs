//! Commands as they travel through a log's queue: the bytes of a [`Command`](crate::session::Command) and of its answer, and
//! sending one.
//!
//! The queue does not read them. What they look like is documented by a JSON Schema, `schema/commands.json`. Secrets are
//! not in them: they are left in a [`Vault`](crate::vault::Vault), and the command has a reference.

mod commander;
mod order;
mod secret;

use std::sync::Arc;

pub use commander::{Commander, submit};
pub use order::{Order, Unreadable, VERSION, encode_answer};

use crate::principal::Principal;
use crate::session::{Refusal, Reply};

/// Answer to a submitted command.
pub type CommandAnswer = Result<Reply, Refusal>;

/// Sender of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by every gateway")]
pub struct By {
    /// The principal, whose rights were checked where the command was made.
    pub principal: Arc<Principal>,
    /// Id of its connection, which the gateway gave it: what the log calls the client.
    pub client: Arc<str>,
}

#[cfg(test)]
mod tests;
