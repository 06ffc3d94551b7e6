//! Capacity for agents: how many run at once, and which are stopped to make room for another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acp_types::SessionId;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::log::SessionLog;
use crate::session::Refusal;

/// Time that one that starts waits for one that is stopped to make room for it.
const MAKE_ROOM: Duration = Duration::from_secs(15);

/// The agents of a host.
#[derive(Debug)]
pub(super) struct AgentCapacity {
    max: usize,
    log: Arc<dyn SessionLog>,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    count: usize,
    /// Sessions whose agents nobody needs, the one that has been idle longest first, each with what tells it to stop them.
    idle: BTreeMap<(u64, SessionId), Arc<Notify>>,
}

/// Room for one agent. Free again once this is dropped, which is to be when its process is gone.
#[derive(Debug)]
pub(super) struct CapacityPermit(Arc<AgentCapacity>);

impl AgentCapacity {
    pub(super) fn new(max: usize, log: Arc<dyn SessionLog>) -> Arc<Self> {
        Arc::new(Self { max, log, taken: Mutex::default(), freed: Notify::new() })
    }

    /// Room for one that runs already, be there any or not.
    pub(super) fn take_anyway(self: &Arc<Self>) -> CapacityPermit {
        self.lock().count += 1;
        CapacityPermit(Arc::clone(self))
    }

    /// Room for one if there is any.
    pub(super) fn try_take(self: &Arc<Self>) -> Option<CapacityPermit> {
        let mut taken = self.lock();
        if taken.count >= self.max {
            return None;
        }
        taken.count += 1;
        Some(CapacityPermit(Arc::clone(self)))
    }

    /// Room for one. If there is none, the agents of the session that has been idle longest are stopped first.
    pub(super) async fn take(self: &Arc<Self>) -> Result<CapacityPermit, Refusal> {
        let deadline = Instant::now() + MAKE_ROOM;
        let mut asked = false;
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // From here on what is freed is not missed.
            freed.as_mut().enable();
            if let Some(permit) = self.try_take() {
                return Ok(permit);
            }
            asked = asked || self.stop_the_most_idle().await;
            if !asked || timeout_at(deadline, freed).await.is_err() {
                return Err(Refusal::AgentsFull { max: self.max });
            }
        }
    }

    /// Stops the agents that have been idle longest; returns whether there were any. Those who look on are known to the log
    /// alone; one that cannot say counts as having some.
    async fn stop_the_most_idle(&self) -> bool {
        let idle: Vec<_> = self.lock().idle.keys().cloned().collect();
        for key in idle {
            if self.log.is_followed(&key.1).await.unwrap_or(true) {
                continue;
            }
            // It may have begun something meanwhile.
            if let Some(stop) = self.lock().idle.remove(&key) {
                stop.notify_one();
                return true;
            }
        }
        false
    }

    /// A session's agents are idle since `now`, or are not; `before` is what was said last.
    pub(super) fn idle(&self, session: &SessionId, before: Option<u64>, now: Option<u64>, stop: &Arc<Notify>) {
        let mut taken = self.lock();
        if let Some(before) = before {
            taken.idle.remove(&(before, session.clone()));
        }
        if let Some(now) = now {
            taken.idle.insert((now, session.clone()), Arc::clone(stop));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CapacityPermit {
    fn drop(&mut self) {
        self.0.lock().count -= 1;
        self.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;
    use tokio::sync::Notify;

    use super::AgentCapacity;
    use crate::log::MemoryLog;
    use crate::session::Refusal;

    #[tokio::test]
    async fn the_one_that_is_idle_longest_makes_room_and_without_one_it_is_refused() {
        let capacity = AgentCapacity::new(2, Arc::new(MemoryLog::new()));
        let (one, _two) = (capacity.try_take().unwrap(), capacity.take().await.unwrap());
        assert!(capacity.try_take().is_none());
        assert_eq!(capacity.take().await.unwrap_err(), Refusal::AgentsFull { max: 2 });
        let (older, newer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        capacity.idle(&"newer".into(), None, Some(2), &newer);
        capacity.idle(&"older".into(), None, Some(1), &older);
        let mut third = Box::pin(capacity.take());
        assert!(third.as_mut().now_or_never().is_none());
        older.notified().now_or_never().expect("it is told to stop");
        assert!(newer.notified().now_or_never().is_none());
        drop(one);
        let third = third.await.unwrap();
        let over = capacity.take_anyway();
        drop(third);
        assert!(capacity.try_take().is_none(), "what runs counts");
        drop(over);
        assert!(capacity.try_take().is_some());
        capacity.idle(&"newer".into(), Some(2), None, &newer);
    }
}
