//! Housekeeping beside the writer: checkpoints, and giving memory back.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::readers::Readers;
use super::{connection, failure};
use crate::log::OpenError;
use crate::log::hub::Hub;

/// Bytes written between checkpoints.
const CHECKPOINT_BYTES: usize = 4 << 20;
/// Size of the write-ahead log at which the writer itself empties it, once a checkpoint has just moved most of it on.
/// Under a steady load it would grow for ever, since there is always something that the last checkpoint has not
/// covered.
const WAL_BYTES: u64 = 64 << 20;
/// How far beyond [`WAL_BYTES`] the write-ahead log may grow before the writer waits for the checkpoint that runs.
const WAL_EXCESS: u64 = 192 << 20;
/// How much more is written before the next attempt to empty it, when another program is reading an old state of it.
const WAL_RETRY: u64 = 16 << 20;
/// How long the writer waits for readers in order to empty it.
const EMPTY_WAIT: Duration = Duration::from_millis(100);
/// How often memory that nobody uses is given back.
const SWEEP: Duration = Duration::from_secs(5);

/// The housekeeping thread, as the writer sees it.
#[derive(Debug)]
pub(super) struct Keeper {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    wal: PathBuf,
    /// Bytes written since the last checkpoint was asked for.
    written: usize,
    /// Size of the write-ahead log at which it is to be emptied.
    limit: u64,
}

#[derive(Debug, Default)]
struct Shared {
    orders: Mutex<Orders>,
    changed: Condvar,
    /// Held during a checkpoint: SQLite runs one at a time, and refuses another instead of waiting.
    checkpointing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Orders {
    checkpoint: bool,
    /// The writer waits for its turn to empty the write-ahead log: no checkpoint is to be started.
    hold: bool,
    stop: bool,
}

impl Keeper {
    pub(super) fn start(path: &Path, hub: Arc<Hub>, readers: Arc<Readers>) -> Result<Self, OpenError> {
        let connection = connection::checkpointer(path)?;
        let shared = Arc::new(Shared::default());
        let its = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("log-keeper".to_owned())
            .spawn(move || its.run(&connection, &hub, &readers))
            .map_err(|e| failure::io(path, &e))?;
        let wal = connection::wal_path(path);
        Ok(Self { shared, thread, wal, written: 0, limit: WAL_BYTES })
    }

    /// Counts what goes into the write-ahead log, and has it moved on from time to time.
    pub(super) fn written(&mut self, bytes: usize) {
        self.written += bytes;
        if self.written >= CHECKPOINT_BYTES {
            self.written = 0;
            self.shared.lock().checkpoint = true;
            self.shared.changed.notify_one();
        }
    }

    /// Empties the write-ahead log when it has become large.
    pub(super) fn empty_if_large(&mut self, writer: &Connection) {
        let length = std::fs::metadata(&self.wal).map_or(0, |metadata| metadata.len());
        if length < self.limit {
            return;
        }
        self.shared.lock().hold = true;
        let turn = match self.shared.checkpointing.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Err(TryLockError::WouldBlock) if length < self.limit + WAL_EXCESS => return,
            Err(TryLockError::WouldBlock) => lock(&self.shared.checkpointing),
        };
        let emptied = empty(writer);
        drop(turn);
        self.shared.lock().hold = false;
        self.limit = if matches!(emptied, Ok(true)) { WAL_BYTES } else { length + WAL_RETRY };
        if let Err(error) = emptied {
            tracing::warn!(%error, "the write-ahead log of the session log cannot be emptied");
        }
    }

    /// Ends the thread and waits for it.
    pub(super) fn stop(self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_one();
        if self.thread.join().is_err() {
            tracing::error!("the housekeeping thread of the session log panicked");
        }
    }
}

impl Shared {
    fn run(&self, connection: &Connection, hub: &Hub, readers: &Readers) {
        let mut orders = self.lock();
        while !orders.stop {
            if orders.checkpoint && !orders.hold {
                orders.checkpoint = false;
                // Taken before the orders are given back, so that the writer cannot come in between.
                let turn = lock(&self.checkpointing);
                drop(orders);
                if let Err(error) = checkpoint(connection, "PASSIVE") {
                    tracing::warn!(%error, "a checkpoint of the session log failed");
                }
                drop(turn);
                orders = self.lock();
                continue;
            }
            let (guard, wait) = self.changed.wait_timeout(orders, SWEEP).unwrap_or_else(PoisonError::into_inner);
            orders = guard;
            if wait.timed_out() {
                hub.sweep();
                readers.sweep();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        lock(&self.orders)
    }
}

/// Moves everything into the main file and empties the write-ahead log; `false` when a reader still needs it.
fn empty(writer: &Connection) -> rusqlite::Result<bool> {
    let busy = writer.query_row("PRAGMA busy_timeout", [], |row| row.get::<_, u32>(0))?;
    writer.busy_timeout(EMPTY_WAIT)?;
    let emptied = checkpoint(writer, "TRUNCATE");
    writer.busy_timeout(Duration::from_millis(busy.into()))?;
    emptied
}

/// Runs a checkpoint; `false` when something was in its way.
pub(super) fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<bool> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, bool>(0).map(|busy| !busy))
}

/// Nothing here can panic half-way through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
