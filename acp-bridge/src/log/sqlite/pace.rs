//! Whether commits are quick enough for callers to do their own.

use std::time::Duration;

/// Commits that take longer on average are left to the thread: whoever commits itself does nothing else meanwhile.
const QUICK: Duration = Duration::from_millis(1);

/// How long small commits take: the moving average of about the last eight.
#[derive(Debug, Default)]
pub(super) struct Pace {
    average: Duration,
}

impl Pace {
    pub(super) fn took(&mut self, time: Duration) {
        // One that was held up does not count for more than eight times the limit, so that it is soon forgotten.
        self.average = (self.average * 7 + time.min(QUICK * 8)) / 8;
    }

    pub(super) fn is_quick(&self) -> bool {
        self.average < QUICK
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

    #[test]
    fn callers_commit_themselves_again_once_commits_are_quick_again() {
        let mut pace = Pace::default();
        assert!(pace.is_quick());
        (0..3).for_each(|_| pace.took(Duration::from_micros(400)));
        assert!(pace.is_quick());
        (0..20).for_each(|_| pace.took(Duration::from_secs(2)));
        assert!(!pace.is_quick());
        (0..20).for_each(|_| pace.took(Duration::from_micros(400)));
        assert!(pace.is_quick());
    }
}
