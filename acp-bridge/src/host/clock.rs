//! The one place of the host that reads a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since the Unix epoch, UTC; the unit of [`acp_types::record::Record::at`].
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Waits until a time in the unit of [`now`]; for ever without one.
pub(super) async fn until(deadline: Option<u64>) {
    match deadline {
        Some(at) => tokio::time::sleep(Duration::from_micros(at.saturating_sub(now()))).await,
        None => std::future::pending().await,
    }
}
