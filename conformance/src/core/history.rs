//! The record of one scenario, from first to last byte: the only thing that checks look at, so that a recorded run can be
//! judged again without the peer.

mod call;
mod case;
mod event;
mod file;
mod message;

pub(crate) use call::cut;
pub use call::{Call, brief};
pub use case::Case;
pub(crate) use event::ENDED_EARLY;
pub use event::{Event, History, Line, What};
pub use file::{ReadError, read, write};
pub use message::{Body, Direction, Message};
