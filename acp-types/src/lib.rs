//! Wire types of the Agent Client Protocol, for programs that must keep what they pass on byte for byte.
//!
//! Messages are read as borrowed [`Frame`]s over the received bytes; payloads stay raw JSON ([`Raw`], [`RawBuf`]) until
//! somebody decodes them, and edits ([`rewrite`]) touch no other byte.
//!
//! This crate does no I/O, has no clock, no async and no policy. Only the client of the session API, feature `api`, has
//! some of them.

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
