//! Handle of a running child, for all but talking to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::exit::ExitReport;
use super::pipe::Stdin;
use super::stderr::Stderr;
use super::supervise::{Order, Watched};
use crate::transport::Noise;

/// Time that each way of stopping a child gets before the next one.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out")]
pub struct Deadlines {
    /// After its stdin was closed. Default: 2 s.
    pub stdin_close: Duration,
    /// After SIGTERM to its group. Default: 2 s.
    pub term: Duration,
    /// After SIGKILL to everything below it. Default: 5 s. Only a process stuck in the kernel survives this.
    pub kill: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { stdin_close: Duration::from_secs(2), term: Duration::from_secs(2), kill: Duration::from_secs(5) }
    }
}

/// Count of what a child writes besides messages: to its stderr, and noise on its stdout.
#[derive(Debug, Clone)]
pub struct Written {
    stderr: Arc<AtomicU64>,
    noise: Noise,
}

impl Written {
    /// A number that grows with all that it writes.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.stderr.load(Ordering::Relaxed).saturating_add(self.noise.count())
    }
}

/// A running child. Dropping it kills the child and all that it started.
#[derive(Debug)]
pub struct ChildHandle {
    pid: Option<u32>,
    orders: mpsc::UnboundedSender<Order>,
    exit: watch::Receiver<Option<ExitReport>>,
    stdin: Stdin,
    stderr: Stderr,
    noise: Noise,
}

impl ChildHandle {
    pub(super) fn new(watched: Watched, stdin: Stdin, stderr: Stderr, noise: Noise) -> Self {
        let Watched { pid, orders, exit } = watched;
        Self { pid, orders, exit, stdin, stderr, noise }
    }

    /// Process id of the program, which is also the id of its group. Free for reuse once it has exited.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.pid
    }

    /// The last 64 KiB of its stderr, for error messages. May hold secrets: not for logs.
    #[must_use]
    pub fn stderr_tail(&self) -> String {
        self.stderr.tail()
    }

    /// The newest lines on its stdout that were no messages, cut at 512 bytes each, for error messages. May hold secrets:
    /// not for logs.
    #[must_use]
    pub fn noise(&self) -> String {
        self.noise.tail()
    }

    /// Number of lines on its stdout that were no messages.
    #[must_use]
    pub fn noise_count(&self) -> u64 {
        self.noise.count()
    }

    /// Count of what it writes besides messages, to see whether it does anything. It does not borrow the handle.
    #[must_use]
    pub fn written(&self) -> Written {
        Written { stderr: self.stderr.written(), noise: self.noise.clone() }
    }

    /// Its end, if it has ended.
    #[must_use]
    pub fn exited(&self) -> Option<ExitReport> {
        *self.exit.borrow()
    }

    /// Waits for its end. Its stderr is complete then unless something that it started, and that got away, holds it.
    pub async fn wait(&self) -> ExitReport {
        exit_of(self.exit.clone()).await
    }

    /// A future of its end that does not borrow the handle.
    pub fn watch(&self) -> impl Future<Output = ExitReport> + Send + use<> {
        exit_of(self.exit.clone())
    }

    /// Kills it and all that it started, at once. Its end is reported by [`ChildHandle::wait`].
    pub fn kill(&self) {
        self.order(Order::Kill);
    }

    /// Stops it: closes its stdin, then SIGTERM to its group, then SIGKILL to all, each with a deadline.
    pub async fn shutdown(&mut self, deadlines: Deadlines) -> ExitReport {
        self.stdin.close();
        let mut report = timeout(deadlines.stdin_close, self.wait()).await.ok();
        if report.is_none() {
            self.order(Order::Terminate);
            report = timeout(deadlines.term, self.wait()).await.ok();
        }
        if report.is_none() {
            self.order(Order::Kill);
            report = timeout(deadlines.kill, self.wait()).await.ok();
        }
        if !self.stderr.is_drained() {
            // Its last words are in the pipe already; only a stranger who holds the other end makes this wait.
            let _ = timeout(Duration::from_millis(100), self.stderr.drained()).await;
        }
        report.unwrap_or_default()
    }

    fn order(&self, order: Order) {
        // Nobody takes orders for a child that has ended.
        let _ = self.orders.send(order);
    }
}

async fn exit_of(mut exit: watch::Receiver<Option<ExitReport>>) -> ExitReport {
    match exit.wait_for(Option::is_some).await {
        Ok(report) => report.unwrap_or_default(),
        // The runtime that watched it is shutting down.
        Err(_) => ExitReport::default(),
    }
}
