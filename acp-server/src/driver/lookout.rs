//! A peer that answers at once: it is looked for a little before this side sleeps.
//!
//! To wake a processor that sleeps takes tens of microseconds, more than many an answer takes. A peer that answered so
//! quickly the last time is likely to do so again.

use std::sync::LazyLock;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tokio::task::yield_now;

/// A peer that answers within this time is quick: about what two wake-ups take.
const QUICK: Duration = Duration::from_micros(200);
/// Time for which a quick peer is looked for: longer than one wake-up takes and its answer, so that two sides that both
/// sleep find to each other. A peer that disappoints is not looked for again until it was quick.
const LOOK: Duration = Duration::from_micros(100);

/// True on one processor, where the peer cannot run while it is looked for.
static ALONE: LazyLock<bool> = LazyLock::new(|| available_parallelism().is_ok_and(|processors| processors.get() == 1));

/// Watch for answers that come at once, with the time of the first write that the peer may answer. By the system's
/// clock, also where Tokio's stands.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    wrote: Option<Instant>,
    quick: bool,
}

impl Lookout {
    /// Notes a write. Who writes on and on is no reason to look on and on.
    pub(super) fn wrote(&mut self, now: Instant) {
        self.wrote.get_or_insert(now);
    }

    /// Notes that something has come.
    pub(super) fn heard(&mut self, now: Instant) {
        if let Some(wrote) = self.wrote.take() {
            self.quick = now.saturating_duration_since(wrote) <= QUICK;
        }
    }

    /// Notes that it was looked for in vain.
    pub(super) fn in_vain(&mut self) {
        self.quick = false;
    }

    /// Time until which an answer is to be looked for.
    pub(super) fn until(&self) -> Option<Instant> {
        self.wrote.filter(|_| self.quick && !*ALONE).map(|wrote| wrote + LOOK)
    }
}

/// Lets the rest of the program, the system's events and other processes have their turn, again and again, until a moment
/// has come. The system may have put the peer on this processor, since it is usual to sleep after one has written.
pub(super) async fn look(until: Instant) {
    while Instant::now() < until {
        std::thread::yield_now();
        yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_looked_for_after_it_was_quick_and_until_it_disappoints() {
        let (start, micro) = (Instant::now(), Duration::from_micros(1));
        let mut lookout = Lookout::default();
        lookout.wrote(start);
        assert_eq!(lookout.until(), None, "nothing is known of it");
        lookout.heard(start + micro * 80);
        assert_eq!(lookout.until(), None, "nothing was written");
        lookout.wrote(start + micro * 100);
        lookout.wrote(start + micro * 140);
        assert_eq!(lookout.until(), (!*ALONE).then_some(start + micro * 200));
        lookout.in_vain();
        assert_eq!(lookout.until(), None);
        lookout.heard(start + micro * 900);
        lookout.wrote(start + micro * 1000);
        assert_eq!(lookout.until(), None, "it was slow");
        lookout.heard(start + micro * 1100);
        lookout.wrote(start + micro * 1200);
        assert_eq!(lookout.until(), (!*ALONE).then_some(start + micro * 1300));
    }

    #[tokio::test(start_paused = true)]
    async fn looking_ends_though_the_clock_of_the_runtime_stands() {
        look(Instant::now() + Duration::from_millis(1)).await;
    }
}
