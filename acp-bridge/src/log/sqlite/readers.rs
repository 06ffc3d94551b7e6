//! Read-only connections, a few, and what is asked of them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acp_types::SessionId;
use acp_types::record::{Record, Seq};
use rusqlite::{Connection, params};
use tokio::sync::Semaphore;

use super::big::BigRecords;
use super::row::{self, Reader};
use super::{connection, failure};
use crate::log::{Filter, ListQuery, LogError, ReadLimit, SessionInfo, directory};

/// Reads at once. Each takes a thread and a connection; the next one waits.
const CONNECTIONS: u32 = 4;

/// Connections that are open but not in use, and the right to use one.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    permits: Arc<Semaphore>,
    idle: Mutex<Idle>,
    big: BigRecords,
}

#[derive(Debug, Default)]
struct Idle {
    connections: Vec<Connection>,
    /// True if one was taken since the last sweep.
    used: bool,
    closed: bool,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            permits: Arc::new(Semaphore::new(CONNECTIONS as usize)),
            idle: Mutex::default(),
            big: BigRecords::default(),
        }
    }

    /// Runs a query on a thread of its own. Dropping the future leaves the query to end by itself.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection, &BigRecords) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, LogError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| LogError::Closed)?;
        let readers = Arc::clone(self);
        let ran = tokio::task::spawn_blocking(move || {
            let connection = readers.take()?;
            let result = query(&connection, &readers.big);
            readers.put_back(connection);
            drop(permit);
            result
        });
        // The runtime is going down.
        ran.await.unwrap_or(Err(LogError::Closed))
    }

    /// Closes connections when none has been used since the last sweep.
    pub(super) fn sweep(&self) {
        self.big.sweep();
        let mut idle = self.lock();
        if !std::mem::take(&mut idle.used) {
            idle.connections = Vec::new();
        }
    }

    /// Waits for the queries that run and closes every connection; later ones fail.
    pub(super) async fn close(&self) {
        let all = self.permits.acquire_many(CONNECTIONS).await;
        self.permits.close();
        drop(all);
        let mut idle = self.lock();
        idle.closed = true;
        idle.connections = Vec::new();
    }

    fn take(&self) -> Result<Connection, LogError> {
        let idle = {
            let mut idle = self.lock();
            idle.used = true;
            idle.connections.pop()
        };
        match idle {
            Some(connection) => Ok(connection),
            None => connection::reader(&self.path).map_err(|e| LogError::Unreadable { reason: e.to_string() }),
        }
    }

    fn put_back(&self, connection: Connection) {
        let mut idle = self.lock();
        if !idle.closed {
            idle.connections.push(connection);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`crate::log::LogView::get`].
pub(super) fn get(connection: &Connection, session: &SessionId) -> Result<Option<SessionInfo>, LogError> {
    let found = row::find_session(connection, session).map_err(|e| failure::read(&e))?;
    Ok(found.map(|(_, info)| info))
}

/// See [`crate::log::LogView::list`].
pub(super) fn list(connection: &Connection, query: &ListQuery) -> Result<Vec<SessionInfo>, LogError> {
    let before = match &query.after {
        Some(after) => find(connection, after)?.0,
        None => i64::MAX,
    };
    let page = i64::try_from(query.page()).unwrap_or(i64::MAX);
    let sql = row::select_session!(
        "WHERE number < ?1 AND (?2 IS NULL OR cwd IN (SELECT value FROM json_each(?2))) ORDER BY number DESC LIMIT ?3"
    );
    let read = || {
        let same = query.cwd.as_ref().map(|cwd| same_directory(connection, cwd)).transpose()?;
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![before, same, page], |row| Ok(row::session(row)?.1))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    read().map_err(|e| failure::read(&e))
}

/// The ways in which sessions name a directory, as a JSON array.
fn same_directory(connection: &Connection, cwd: &str) -> rusqlite::Result<String> {
    let mut statement = connection.prepare_cached("SELECT DISTINCT cwd FROM session")?;
    let known = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(serde_json::Value::from(directory::same(cwd, known)).to_string())
}

/// See [`crate::log::LogView::read`].
pub(super) fn read(
    connection: &Connection,
    big: &BigRecords,
    session: &SessionId,
    after: Seq,
    limit: ReadLimit,
    filter: Filter,
) -> Result<Vec<Arc<Record>>, LogError> {
    // The head and the records must be of one moment.
    let snapshot = connection.unchecked_transaction().map_err(|e| failure::read(&e))?;
    let (number, info) = find(&snapshot, session)?;
    info.readable(after, filter)?;
    if after == info.head {
        return Ok(Vec::new());
    }
    let records = rows(&snapshot, big, number, &info, after, limit, filter)?;
    if filter == Filter::All && records.is_empty() {
        return Err(missing(after + 1));
    }
    Ok(records)
}

fn rows(
    connection: &Connection,
    big: &BigRecords,
    number: i64,
    info: &SessionInfo,
    after: Seq,
    limit: ReadLimit,
    filter: Filter,
) -> Result<Vec<Arc<Record>>, LogError> {
    let sql_error = |e: rusqlite::Error| failure::read(&e);
    let sql = match filter {
        Filter::All => {
            "SELECT key, at, epoch, lane, origin, kind, turn, body, position FROM record
             WHERE key > ?1 AND key <= ?2 ORDER BY key LIMIT ?3"
        }
        // In the words of the index `record_control`, or it would not be used.
        Filter::Control => {
            "SELECT key, at, epoch, lane, origin, kind, turn, body, position FROM record INDEXED BY record_control
             WHERE key > ?1 AND key <= ?2 AND kind NOT IN ('update', 'extension') ORDER BY key LIMIT ?3"
        }
    };
    let mut statement = connection.prepare_cached(sql).map_err(sql_error)?;
    let most = i64::try_from(limit.records.max(1)).unwrap_or(i64::MAX);
    let bounds = params![row::key(number, after), row::key(number, info.head), most];
    let mut rows = statement.query(bounds).map_err(sql_error)?;
    let mut reader = Reader::default();
    let mut budget = limit.budget();
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(sql_error)? {
        let column = |column| row.get::<_, i64>(column).map_err(sql_error);
        let key = column(0)?;
        // A body that is not asked for is not read from the file.
        let record = match big.get(key, column(1)?.cast_unsigned(), column(2)?.cast_unsigned()) {
            Some(record) => record,
            None => {
                let record = Arc::new(reader.record(row)?);
                big.put(key, &record);
                record
            }
        };
        let expected = after + 1 + records.len() as Seq;
        if filter == Filter::All && record.seq != expected {
            return Err(missing(expected));
        }
        if !budget.admits(record.weight()) {
            break;
        }
        records.push(record);
    }
    Ok(records)
}

fn find(connection: &Connection, session: &SessionId) -> Result<(i64, SessionInfo), LogError> {
    let found = row::find_session(connection, session).map_err(|e| failure::read(&e))?;
    found.ok_or_else(|| LogError::NotFound { session: session.clone() })
}

fn missing(seq: Seq) -> LogError {
    LogError::Corrupt { reason: format!("record {seq} is missing") }
}
