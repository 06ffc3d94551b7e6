//! Parts that the commands share which work on a log themselves and not on a bridge.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::exit::{Exit, coded};

/// The file of a `sqlite:FILE` URL.
pub(super) fn file(url: &str) -> anyhow::Result<&Path> {
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(Path::new(path)),
        _ => Err(coded(Exit::Usage, format!("{url:?} names no log in a file; write --log sqlite:FILE"))),
    }
}

/// The time in the unit of the log's records: microseconds since the Unix epoch, UTC.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
