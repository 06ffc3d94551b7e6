//! Times on the command line.

use std::time::Duration;

use acp_types::duration::{self, InvalidDuration};

/// Longest time that an option takes: a day.
const MOST: Duration = Duration::from_secs(86_400);

/// Reads `10s`, `500ms`, `2m`: a day at most.
pub(super) fn duration(text: &str) -> Result<Duration, InvalidDuration> {
    duration::parse(text, MOST)
}
