//! The log as its readers see it: what is recent from memory, all else from the file.

use acp_types::SessionId;
use acp_types::record::Seq;
use async_trait::async_trait;
use tokio::sync::watch;

use super::readers;
use super::writer::SqliteLog;
use crate::log::{Filter, Head, ListQuery, LogError, LogReader, LogView, MemberId, ReadLimit, ReadResult, SessionInfo};

#[async_trait]
impl LogView for SqliteLog {
    async fn list(&self, query: ListQuery) -> Result<Vec<SessionInfo>, LogError> {
        self.still_open()?;
        self.readers.run(move |connection, _| readers::list(connection, &query)).await
    }

    async fn get(&self, session: &SessionId) -> Result<Option<SessionInfo>, LogError> {
        self.still_open()?;
        let session = session.clone();
        self.readers.run(move |connection, _| readers::get(connection, &session)).await
    }

    async fn read(&self, session: &SessionId, after: Seq, limit: ReadLimit, filter: Filter) -> ReadResult {
        self.still_open()?;
        if filter == Filter::All
            && let Some(recent) = self.hub.recent(session, after, limit)
        {
            return recent;
        }
        let session = session.clone();
        self.readers.run(move |connection, big| readers::read(connection, big, &session, after, limit, filter)).await
    }
}

#[async_trait]
impl LogReader for SqliteLog {
    async fn holder(&self, session: &SessionId) -> Result<Option<MemberId>, LogError> {
        self.still_open()?;
        Ok(self.coordination.holder(session))
    }

    async fn head(&self, session: &SessionId) -> Result<watch::Receiver<Head>, LogError> {
        self.still_open()?;
        // Followed before the store is asked, so that no commit can fall in between.
        let watch = self.hub.watch(session);
        if let Some(receiver) = watch.known() {
            return Ok(receiver);
        }
        match self.get(session).await? {
            Some(info) => Ok(watch.fill(info.head, info.oldest)),
            None => {
                self.hub.unwatch(session, watch);
                Err(LogError::NotFound { session: session.clone() })
            }
        }
    }
}
