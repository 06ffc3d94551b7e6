//! Limit to the silence of an agent while it starts: slow progress is no silence.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Times the limit that a call may take in all, however much the agent says meanwhile.
pub(super) const MOST: u32 = 10;

/// Looks at the agent while one limit passes.
const LOOKS: u32 = 16;

/// Reason why a call was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// Nothing came of the agent for as long as the limit.
    Silent,
    /// It was not silent, but has not answered in [`MOST`] times the limit.
    TooLong,
}

/// Waits for an answer for as long as `count`, which grows with all that the agent does, grows now and then.
pub(super) async fn unless_silent<T>(
    answer: impl Future<Output = T>,
    limit: Duration,
    count: impl Fn() -> u64,
) -> Result<T, GivenUp> {
    let mut answer = pin!(answer);
    let begun = Instant::now();
    let look = (limit / LOOKS).max(Duration::from_millis(1));
    let mut looks = interval_at(begun + look, look);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut heard, mut since) = (count(), begun);
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return Ok(answer),
            now = looks.tick() => {
                let now_heard = count();
                if now_heard != heard {
                    (heard, since) = (now_heard, now);
                }
                if now.duration_since(since) >= limit {
                    return Err(GivenUp::Silent);
                }
                if now.duration_since(begun) >= limit * MOST {
                    return Err(GivenUp::TooLong);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::{GivenUp, unless_silent};

    const LIMIT: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_call_after_the_limit_and_an_answer_before() {
        let begun = Instant::now();
        assert_eq!(unless_silent(pending::<()>(), LIMIT, || 7).await, Err(GivenUp::Silent));
        assert!(begun.elapsed() >= LIMIT && begun.elapsed() < LIMIT + LIMIT / 8);
        assert_eq!(unless_silent(async { 1 }, LIMIT, || 7).await, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_something_now_and_then_has_more_time_and_not_for_ever() {
        let begun = Instant::now();
        // Something every two seconds.
        let count = || begun.elapsed().as_secs() / 2;
        let slow = async {
            sleep(Duration::from_secs(20)).await;
            1
        };
        assert_eq!(unless_silent(slow, LIMIT, count).await, Ok(1));
        let begun = Instant::now();
        let calls = Cell::new(0);
        let count = || {
            calls.set(calls.get() + 1);
            calls.get()
        };
        assert_eq!(unless_silent(pending::<()>(), LIMIT, count).await, Err(GivenUp::TooLong));
        assert!(begun.elapsed() >= LIMIT * 10 && begun.elapsed() < LIMIT * 11);
    }
}
