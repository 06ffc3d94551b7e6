//! The part of stream-json and of its control protocol that this adapter uses.
//!
//! Reading is tolerant: unknown fields are skipped, and a message of an unknown kind is [`Message::Other`]. A known message
//! that does not read is [`Message::Unreadable`], with the members that do: somebody may wait for it. Nothing that the
//! program says is an error.

pub(crate) mod control;
mod line;
pub(crate) mod message;
pub(crate) mod result;
pub(crate) mod stream;
pub(crate) mod system;
mod unreadable;

pub(crate) use control::{Ask, Control, Permission, Reply};
pub(crate) use line::{CommandLifecycle, Message, Prompted};
pub(crate) use message::{Assistant, Block, User};
pub(crate) use result::TurnResult;
pub(crate) use stream::{Event, StreamEvent};
pub(crate) use system::System;
pub(crate) use unreadable::Unreadable;
