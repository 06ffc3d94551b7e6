//! The session log: where gateway and host meet, and the only place.
//!
//! The contract has four parts, each with what an engine can honestly give. [`LogReader`] and [`LogWriter`] are the
//! records; [`CommandQueue`] takes what clients want from gateways to hosts; [`Signals`] are what is true only now: who is
//! there, and what went wrong. Nothing in it belongs to one process: no call hands over a socket, a reply channel or
//! anything else that could not be sent elsewhere.
//!
//! One suite, `tests/log/suite`, holds for every engine. What it may rely on:
//!
//! - What an acknowledged call has changed, every later [`LogView::get`], [`LogView::list`] and [`LogView::read`] of
//!   any process shows. [`LogReader::head`] may show it later, and skips nothing.
//! - Calls about one session from one process take effect in the order in which they were made.
//! - Leases are measured by the log's own clock. A lease that has run out takes nothing from its member before another
//!   host claims it; from then on the epoch keeps the former one out (P9).

mod command;
mod contract;
mod coordination;
mod directory;
mod error;
mod hub;
mod info;
mod member;
mod memory;
mod query;
mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;

pub use command::{CommandId, QueueError, QueuedCommand, TakenCommand};
pub use contract::{CommandQueue, LogReader, LogView, LogWriter, Opener, ReadResult, SessionLog, Signals};
pub use error::{LogError, OpenError};
pub use info::{Head, SessionInfo};
pub use member::{Member, MemberId, Renewal, Role};
pub use memory::MemoryLog;
pub use query::{Filter, ListQuery, ReadLimit};
pub use sqlite::{Adopted, Adoption, Checked, Compacted, Durability, Rewrite, SqliteImport, SqliteLog, SqliteView};

/// Opens the log that a `--log` URL names: `sqlite:FILE` or `memory:`.
///
/// # Errors
/// See [`OpenError`]; each says what to do.
pub async fn open(url: &str, durability: Durability) -> Result<Arc<dyn SessionLog>, OpenError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(MemoryLog::new())),
        Some(("sqlite", path)) if !path.is_empty() => {
            Ok(Arc::new(SqliteLog::open(PathBuf::from(path), durability).await?))
        }
        _ => Err(OpenError::Url { url: url.into() }),
    }
}
