//! The connection core: JSON-RPC 2.0 as ACP uses it, both roles in one type, without I/O, clock or channels.
//!
//! Frames and calls go in, frames to write and events come out; whoever drives it drains both.

mod connection;
mod error;
mod event;
mod limits;
mod message;
mod pending;
mod refusal;

pub use connection::Connection;
pub use error::{RespondError, SendError};
pub use event::{CloseReason, Event, Rejection, ResponseError};
pub use limits::Limits;
pub use message::{Incoming, IncomingNotification, Payload};
pub use pending::{RequestKey, Unfinished};
pub use refusal::Refusal;
