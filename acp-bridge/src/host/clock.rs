//! The one place of the host that reads a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Tells the time in microseconds since the Unix epoch, UTC; the unit of [`acp_types::record::Record::at`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Clock {
    /// The system's clock, which somebody may set.
    #[default]
    System,
    /// The runtime's clock, from this moment on.
    #[cfg_attr(not(test), expect(dead_code, reason = "for runtimes whose time is moved by hand"))]
    Runtime(Instant),
}

impl Clock {
    /// The time.
    pub(super) fn now(self) -> u64 {
        let since = match self {
            Self::System => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO),
            Self::Runtime(begun) => begun.elapsed(),
        };
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }

    /// Waits until a time; for ever without one.
    pub(super) async fn until(self, deadline: Option<u64>) {
        match deadline {
            Some(at) => tokio::time::sleep(Duration::from_micros(at.saturating_sub(self.now()))).await,
            None => std::future::pending().await,
        }
    }
}
