#![doc = include_str!("../README.md")]
//!
//! # Where to begin
//!
//! [`Frame`] is one message, [`Raw`] and [`RawBuf`] are JSON that nobody has decoded, [`rewrite`] has the edits that a relay
//! makes, [`method`] the table of methods, [`v1`] the payloads, [`record`] what stands in a session log.

#[cfg(feature = "api")]
pub mod api;
pub mod capability;
pub mod duration;
pub mod error;
mod escape;
pub mod frame;
mod id;
pub mod json;
pub mod meta;
pub mod method;
pub mod printable;
mod raw;
pub mod record;
pub mod rewrite;
mod scan;
#[cfg(feature = "schema")]
pub mod schema;
pub mod v1;
#[cfg(feature = "unstable-v2")]
pub mod v2;
pub mod version;

pub use error::{ErrorCode, ErrorObject, ErrorObjectOwned, RawError};
pub use frame::{Frame, FrameError, FrameErrorKind};
pub use id::{Id, InvalidId, RequestId, SessionId};
pub use raw::{Elements, Members, Raw, RawBuf, RawKind, present};
pub use record::Record;
pub use scan::{MAX_DEPTH, ScanError};
