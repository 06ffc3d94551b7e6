//! Reading a session out of a log, a page at a time.

use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::{Record, Seq};
use async_trait::async_trait;

use super::{ExportError, Header};
use crate::log::{Filter, LogError, ReadLimit, SessionInfo, SessionLog};

/// What an export reads from: a log that is open, or one that another process writes.
#[async_trait]
pub trait Source: Send + Sync {
    /// See [`SessionLog::get`].
    async fn get(&self, session: &SessionId) -> Result<Option<SessionInfo>, LogError>;

    /// See [`SessionLog::read`].
    async fn read(
        &self,
        session: &SessionId,
        after: Seq,
        limit: ReadLimit,
        filter: Filter,
    ) -> Result<Vec<Arc<Record>>, LogError>;
}

#[async_trait]
impl<L: SessionLog + ?Sized> Source for L {
    async fn get(&self, session: &SessionId) -> Result<Option<SessionInfo>, LogError> {
        SessionLog::get(self, session).await
    }

    async fn read(
        &self,
        session: &SessionId,
        after: Seq,
        limit: ReadLimit,
        filter: Filter,
    ) -> Result<Vec<Arc<Record>>, LogError> {
        SessionLog::read(self, session, after, limit, filter).await
    }
}

/// A session on its way out, as of the head that it had when the export began; what is written later is not in it.
///
/// Records never change, so pages read one after the other are of one state; that none went meanwhile is checked. It
/// holds one page in memory, and keeps no transaction open: a slow reader holds up nobody.
pub struct Export<'a, S: ?Sized> {
    source: &'a S,
    header: Header,
    cursor: Seq,
    /// Whether the header was given out.
    begun: bool,
    left: u64,
}

impl<'a, S: Source + ?Sized> Export<'a, S> {
    /// Begins, after a cursor; `0` is the whole session.
    ///
    /// # Errors
    /// When there is no such session, or the cursor cannot be read from.
    pub async fn begin(source: &'a S, session: &SessionId, after: Seq) -> Result<Self, ExportError> {
        let info = source.get(session).await?.ok_or_else(|| LogError::NotFound { session: session.clone() })?;
        if after > 0 {
            info.readable(after, Filter::All)?;
        }
        let mut records = info.head - info.oldest.max(after);
        if after == 0 {
            records += trimmed_control(source, &info).await?;
        }
        let header = Header::new(&info, after, records);
        Ok(Self { source, header, cursor: after, begun: false, left: records })
    }

    /// What the first line says.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next lines, each with its end; `None` after the last.
    ///
    /// # Errors
    /// When the log cannot be read, or the session was trimmed or deleted meanwhile.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ExportError> {
        let mut page = Vec::new();
        if !std::mem::replace(&mut self.begun, true) {
            push_line(&mut page, &self.header)?;
            return Ok(Some(page));
        }
        if self.left == 0 {
            return if self.still_there().await? { Ok(None) } else { Err(self.changed()) };
        }
        let before_trim = self.cursor < self.header.oldest;
        let (filter, last) =
            if before_trim { (Filter::Control, self.header.oldest) } else { (Filter::All, self.header.head) };
        let read = self.source.read(&self.header.session_id, self.cursor, ReadLimit::default(), filter).await;
        let records = match read {
            Err(LogError::NotFound { .. } | LogError::Trimmed { .. } | LogError::BeyondHead { .. }) => {
                return Err(self.changed());
            }
            read => read?,
        };
        let mut over = records.is_empty();
        for record in &records {
            if record.seq > last {
                over = true;
                break;
            }
            self.left = self.left.checked_sub(1).ok_or_else(|| self.changed())?;
            self.cursor = record.seq;
            push_line(&mut page, &**record)?;
        }
        if over && before_trim {
            self.cursor = self.header.oldest;
        } else if over && self.left > 0 {
            return Err(self.changed());
        }
        Ok(Some(page))
    }

    /// Whether the session is the one that was begun with.
    async fn still_there(&self) -> Result<bool, ExportError> {
        let info = self.source.get(&self.header.session_id).await?;
        Ok(info.is_some_and(|info| info.created_at == self.header.created_at && info.head >= self.header.head))
    }

    fn changed(&self) -> ExportError {
        ExportError::Changed { session: self.header.session_id.clone() }
    }
}

impl<S: ?Sized> std::fmt::Debug for Export<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export")
            .field("session", &self.header.session_id)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// How many control records there are up to `oldest`.
async fn trimmed_control<S: Source + ?Sized>(source: &S, info: &SessionInfo) -> Result<u64, LogError> {
    let (mut count, mut cursor) = (0, 0);
    while cursor < info.oldest {
        let records = source.read(&info.id, cursor, ReadLimit::default(), Filter::Control).await?;
        let Some(last) = records.last() else { break };
        cursor = last.seq;
        count += records.iter().filter(|record| record.seq <= info.oldest).count() as u64;
    }
    Ok(count)
}

fn push_line(page: &mut Vec<u8>, value: &impl serde::Serialize) -> Result<(), LogError> {
    let start = page.len();
    serde_json::to_writer(&mut *page, value).map_err(|e| LogError::Corrupt { reason: e.to_string() })?;
    // JSON has line breaks only where a blank would do as well.
    for byte in &mut page[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    page.push(b'\n');
    Ok(())
}
