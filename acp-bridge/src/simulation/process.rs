//! A process of the bridge: it runs, it is stopped by the system for a while, or it is killed.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::sync::Notify;

const RUNS: u8 = 0;
const STALLS: u8 = 1;
const DEAD: u8 = 2;

/// One process. Whatever it wants of the log while it does not run waits; if it is dead, for ever.
#[derive(Debug)]
pub(super) struct Process {
    /// No two of a run have the same.
    pub(super) number: u64,
    life: AtomicU8,
    changed: Notify,
    /// True if it may take commands from the log's queue.
    takes: AtomicBool,
}

impl Process {
    pub(super) fn new(number: u64) -> Self {
        Self { number, life: AtomicU8::new(RUNS), changed: Notify::new(), takes: AtomicBool::new(true) }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.life.load(Ordering::SeqCst) == DEAD
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.life.load(Ordering::SeqCst) == STALLS
    }

    pub(super) fn stall(&self) {
        self.change(STALLS);
    }

    pub(super) fn go_on(&self) {
        self.change(RUNS);
    }

    pub(super) fn kill(&self) {
        self.change(DEAD);
    }

    fn change(&self, life: u8) {
        if !self.is_dead() {
            self.life.store(life, Ordering::SeqCst);
        }
        self.changed.notify_waiters();
    }

    /// From now on it may take commands, or may not.
    pub(super) fn take(&self, takes: bool) {
        self.takes.store(takes, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Waits until it runs.
    pub(super) async fn runs(&self) {
        self.until(|| self.life.load(Ordering::SeqCst) == RUNS).await;
    }

    /// Waits until it may take commands.
    pub(super) async fn may_take(&self) {
        self.until(|| self.takes.load(Ordering::SeqCst)).await;
        self.runs().await;
    }

    async fn until(&self, holds: impl Fn() -> bool + Send) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            if holds() {
                return;
            }
            changed.await;
        }
    }
}
