//! A log as a reader beside its bridge sees it.

use std::path::Path;
use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::Seq;
use async_trait::async_trait;

use super::readers::Readers;
use super::{check, connection, place, readers, schema};
use crate::log::{Filter, ListQuery, LogError, LogView, OpenError, ReadLimit, ReadResult, SessionInfo};

/// A log that is only read. A bridge may be writing it meanwhile: each call sees what is committed then.
#[derive(Debug)]
pub struct SqliteView {
    readers: Arc<Readers>,
}

impl SqliteView {
    /// Opens a log without taking its lock and without changing it.
    ///
    /// # Errors
    /// As for [`super::SqliteLog::open`]; also when there is none, or it is of an older version.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let path = place::of(path)?;
        check::refuse_missing(&path)?;
        schema::refuse_foreign(&path)?;
        schema::refuse_truncated(&path)?;
        let found = schema::version(&connection::reader(&path)?, &path)?;
        if found < schema::VERSION {
            return Err(OpenError::Older { path, found });
        }
        Ok(Self { readers: Arc::new(Readers::new(path)) })
    }
}

#[async_trait]
impl LogView for SqliteView {
    async fn list(&self, query: ListQuery) -> Result<Vec<SessionInfo>, LogError> {
        self.readers.run(move |connection, _| readers::list(connection, &query)).await
    }

    async fn get(&self, session: &SessionId) -> Result<Option<SessionInfo>, LogError> {
        let session = session.clone();
        self.readers.run(move |connection, _| readers::get(connection, &session)).await
    }

    async fn read(&self, session: &SessionId, after: Seq, limit: ReadLimit, filter: Filter) -> ReadResult {
        let session = session.clone();
        self.readers.run(move |connection, big| readers::read(connection, big, &session, after, limit, filter)).await
    }
}
