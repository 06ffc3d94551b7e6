//! Time to wait before the next attempt.

use std::time::Duration;

/// After the first failure.
const SHORTEST: Duration = Duration::from_millis(50);
/// Longest time to wait, however many failures there were.
const LONGEST: Duration = Duration::from_secs(2);

/// Doubles from failure to failure.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    /// The next time to wait.
    pub(crate) fn next(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(LONGEST);
        now
    }

    /// An attempt has succeeded.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: SHORTEST }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_a_bound_and_starts_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..8).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1600, 2000, 2000]);
        backoff.reset();
        assert_eq!(backoff.next(), SHORTEST);
    }
}
