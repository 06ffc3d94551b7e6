//! Housekeeping beside the writer: checkpoints, and giving memory back.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::readers::Readers;
use super::{connection, failure, place, wal_room};
use crate::log::OpenError;
use crate::log::hub::Hub;

/// Bytes written between checkpoints. A commit that runs while a checkpoint goes to the disk waits for it, so little is
/// moved at a time.
const CHECKPOINT_BYTES: usize = 1 << 20;
/// Size of the write-ahead log at which the writer itself moves the rest of it on and starts it over, once a checkpoint
/// has just moved most of it. Under a steady load it would grow for ever, since there is always something that the last
/// checkpoint has not covered.
const WAL_BYTES: u64 = 64 << 20;
/// How far beyond [`WAL_BYTES`] the write-ahead log may grow before the writer waits for the checkpoint that runs. A
/// file that is larger still, because another program held an old state of it, is cut.
const WAL_EXCESS: u64 = 192 << 20;
/// How much more is written before the next attempt to empty it, when another program is reading an old state of it.
const WAL_RETRY: u64 = 16 << 20;
/// How long the writer waits for readers in order to empty it.
const EMPTY_WAIT: Duration = Duration::from_millis(100);
/// How often memory that nobody uses is given back.
const SWEEP: Duration = Duration::from_secs(5);

/// The housekeeping thread, as the writer sees it.
#[derive(Debug)]
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    wal: PathBuf,
    /// Bytes written since the last checkpoint was asked for.
    since: usize,
    /// Bytes written since the write-ahead log was started over, roughly.
    size: u64,
    /// Size at which it is to be started over.
    limit: u64,
    /// A checkpoint was asked for so that little is left to move when it is started over.
    prepared: bool,
    /// Length of its file, with the zeros that were asked for last.
    room: u64,
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
    /// Room is to be made in the write-ahead log, which has so many bytes that are used.
    room: Option<u64>,
    /// A checkpoint is done, and none was asked for after it began.
    fresh: bool,
    /// The writer waits for its turn to empty the write-ahead log: no checkpoint is to be started.
    hold: bool,
    stop: bool,
}

impl Checkpointer {
    pub(super) fn start(path: &Path, hub: Arc<Hub>, readers: Arc<Readers>) -> Result<Self, OpenError> {
        let connection = connection::checkpointer(path)?;
        let shared = Arc::new(Shared::default());
        let its = Arc::clone(&shared);
        let wal = place::wal_path(path);
        let its_wal = wal.clone();
        let thread = thread::Builder::new()
            .name("log-checkpoint".to_owned())
            .spawn(move || its.run(&connection, &its_wal, &hub, &readers))
            .map_err(|e| failure::io(path, &e))?;
        // What a crash left there is moved on as well.
        let size = std::fs::metadata(&wal).map_or(0, |metadata| metadata.len());
        Ok(Self { shared, thread, wal, since: 0, size, limit: WAL_BYTES, prepared: false, room: size })
    }

    /// Counts what goes into the write-ahead log, and has it moved on from time to time.
    pub(super) fn written(&mut self, bytes: usize) {
        self.size += bytes as u64;
        self.since += bytes;
        // The checkpoint that prepares for starting over is the last before that.
        if self.since >= CHECKPOINT_BYTES && !self.prepared {
            self.since = 0;
            self.order_checkpoint();
        }
    }

    /// Has room made in the write-ahead log for the next small commits, so that they do not make it grow.
    pub(super) fn keep_room(&mut self) {
        if self.size + wal_room::ROOM / 2 <= self.room || self.size >= WAL_BYTES {
            return;
        }
        // Asked once for each half of it, whether anything comes of it or not: a disk may be full.
        self.room = self.size + wal_room::ROOM;
        self.shared.lock().room = Some(self.size);
        self.shared.changed.notify_one();
    }

    /// Whether neither a checkpoint runs or is to run, which a commit would wait for, nor the write-ahead log is to be
    /// started over.
    pub(super) fn is_idle(&self) -> bool {
        let orders = self.shared.lock();
        self.size < self.limit && !orders.checkpoint && self.shared.checkpointing.try_lock().is_ok()
    }

    fn order_checkpoint(&self) {
        let mut orders = self.shared.lock();
        orders.checkpoint = true;
        orders.fresh = false;
        drop(orders);
        self.shared.changed.notify_one();
    }

    /// Starts the write-ahead log over when it has become large. It stays as it is on the disk: commits that overwrite
    /// it are faster than those that make it grow, and giving back so much space holds up the writer.
    pub(super) fn start_over_if_large(&mut self, writer: &Connection) {
        if self.size < self.limit {
            return;
        }
        if !std::mem::replace(&mut self.prepared, true) {
            self.order_checkpoint();
            return;
        }
        let overdue = self.size >= self.limit + WAL_EXCESS;
        let mut orders = self.shared.lock();
        if !orders.fresh && !overdue {
            return;
        }
        orders.hold = true;
        drop(orders);
        let turn = match self.shared.checkpointing.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Err(TryLockError::WouldBlock) if !overdue => return,
            Err(TryLockError::WouldBlock) => lock(&self.shared.checkpointing),
        };
        let length = std::fs::metadata(&self.wal).map_or(0, |metadata| metadata.len());
        let cuts = length > WAL_BYTES + WAL_EXCESS;
        let emptied = empty(writer, if cuts { "TRUNCATE" } else { "RESTART" });
        drop(turn);
        self.go_on(if cuts { 0 } else { length });
        self.prepared = false;
        if matches!(emptied, Ok(true)) {
            self.size = 0;
            self.limit = WAL_BYTES;
        } else {
            self.limit = self.size + WAL_RETRY;
        }
        if let Err(error) = emptied {
            tracing::warn!(%error, "the write-ahead log of the session log cannot be started over");
        }
    }

    /// Moves everything into the main file and cuts the write-ahead log, so that nothing of what was deleted is left in
    /// it; `false` when a reader was in the way.
    pub(super) fn cut(&mut self, writer: &Connection) -> rusqlite::Result<bool> {
        self.shared.lock().hold = true;
        let turn = lock(&self.shared.checkpointing);
        let emptied = empty(writer, "TRUNCATE");
        drop(turn);
        self.go_on(0);
        if matches!(emptied, Ok(true)) {
            (self.size, self.since, self.limit) = (0, 0, WAL_BYTES);
            self.prepared = false;
        }
        emptied
    }

    /// The thread may go on. What it was asked for before concerns a file that is no more as it was: `length` is how long
    /// it is.
    fn go_on(&mut self, length: u64) {
        self.room = length;
        let mut orders = self.shared.lock();
        orders.room = None;
        orders.hold = false;
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
    fn run(&self, connection: &Connection, wal: &Path, hub: &Hub, readers: &Readers) {
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
                orders.fresh = !orders.checkpoint;
                continue;
            }
            if !orders.hold
                && let Some(used) = orders.room.take()
            {
                // Whoever cuts the file waits for it.
                let turn = lock(&self.checkpointing);
                drop(orders);
                if let Err(error) = wal_room::make(wal, used) {
                    // The commits for which there is none will say so.
                    tracing::debug!(%error, "no room is made in the write-ahead log of the session log");
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

/// Moves everything into the main file, so that the write-ahead log starts over; `false` when a reader still needs it.
fn empty(writer: &Connection, mode: &str) -> rusqlite::Result<bool> {
    let busy = writer.query_row("PRAGMA busy_timeout", [], |row| row.get::<_, u32>(0))?;
    writer.busy_timeout(EMPTY_WAIT)?;
    let emptied = checkpoint(writer, mode);
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::{Checkpointer, WAL_BYTES, connection, place, wal_room};
    use crate::log::hub::{Bounds, Hub};
    use crate::log::sqlite::connection::Durability;
    use crate::log::sqlite::readers::Readers;

    /// Bytes 12 to 15 of its header count how often the write-ahead log was started over.
    fn times_over(path: &Path) -> Vec<u8> {
        std::fs::read(place::wal_path(path)).unwrap()[12..16].to_vec()
    }

    #[test]
    fn a_large_write_ahead_log_is_started_over_and_keeps_its_place_on_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.db");
        let writer = connection::writer(&path, Durability::Os).unwrap();
        let readers = Arc::new(Readers::new(path.clone()));
        let mut checkpointer = Checkpointer::start(&path, Arc::new(Hub::new(Bounds::default())), readers).unwrap();
        writer.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (randomblob(1000000))").unwrap();
        let (first, length) = (times_over(&path), std::fs::metadata(place::wal_path(&path)).unwrap().len());

        checkpointer.start_over_if_large(&writer);
        assert!(!checkpointer.prepared, "it is not large");
        checkpointer.written(usize::try_from(WAL_BYTES).unwrap());
        let deadline = Instant::now() + Duration::from_secs(30);
        while checkpointer.size > 0 {
            checkpointer.start_over_if_large(&writer);
            assert!(Instant::now() < deadline, "it is never started over");
            std::thread::yield_now();
        }
        writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        assert_ne!(times_over(&path), first);
        assert_eq!(std::fs::metadata(place::wal_path(&path)).unwrap().len(), length);
        checkpointer.stop();
    }

    #[test]
    fn small_commits_find_room_in_the_write_ahead_log_also_after_it_was_cut() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.db");
        let writer = connection::writer(&path, Durability::Fsync).unwrap();
        let readers = Arc::new(Readers::new(path.clone()));
        let mut checkpointer = Checkpointer::start(&path, Arc::new(Hub::new(Bounds::default())), readers).unwrap();
        let length = || std::fs::metadata(place::wal_path(&path)).unwrap().len();
        let wait_for_room = |used: u64| {
            let deadline = Instant::now() + Duration::from_secs(30);
            while length() < used + wal_room::ROOM {
                assert!(Instant::now() < deadline, "no room is made");
                std::thread::yield_now();
            }
        };
        writer.execute_batch("CREATE TABLE t (x)").unwrap();
        let used = length();
        checkpointer.written(usize::try_from(used).unwrap());
        checkpointer.keep_room();
        wait_for_room(used);
        let long = length();
        writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        checkpointer.written(8192);
        checkpointer.keep_room();
        assert!(checkpointer.shared.lock().room.is_none(), "there is enough");
        assert_eq!(length(), long);

        assert!(checkpointer.cut(&writer).unwrap());
        assert_eq!(length(), 0);
        checkpointer.written(8192);
        checkpointer.keep_room();
        wait_for_room(0);
        checkpointer.stop();
    }
}
