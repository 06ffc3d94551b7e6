//! Reading a session out of a log, a page at a time.

use acp_types::SessionId;
use acp_types::record::Seq;

use super::lines::push_line;
use super::{ExportError, ExportPlace, Header};
use crate::log::{Filter, LogError, LogView, ReadLimit, SessionInfo};

/// A session on its way out, as of the head that it had when the export began; what is written later is not in it.
///
/// Records never change, so pages read one after the other are of one state; that none went meanwhile is checked. It
/// holds one page in memory, and keeps no transaction open: a slow reader holds up nobody.
pub struct Export<'a, S: ?Sized> {
    source: &'a S,
    header: Header,
    /// True if the header was given out.
    begun: bool,
    place: ExportPlace,
}

impl<'a, S: LogView + ?Sized> Export<'a, S> {
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
        let place = ExportPlace::behind(&header);
        Ok(Self { source, header, begun: false, place })
    }

    /// The first line.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Place where the records go on, behind the first line.
    #[must_use]
    pub fn place(&self) -> ExportPlace {
        self.place
    }

    /// The next lines, each with its end; `None` after the last.
    ///
    /// # Errors
    /// When the log cannot be read, or the session was trimmed or deleted meanwhile.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ExportError> {
        if !std::mem::replace(&mut self.begun, true) {
            let mut page = Vec::new();
            push_line(&mut page, &self.header)?;
            return Ok(Some(page));
        }
        self.place.next(self.source, &self.header.session_id, std::convert::identity).await
    }
}

impl<S: ?Sized> std::fmt::Debug for Export<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export")
            .field("session", &self.header.session_id)
            .field("left", &self.place.left())
            .finish_non_exhaustive()
    }
}

/// Counts the control records up to `oldest`.
async fn trimmed_control<S: LogView + ?Sized>(source: &S, info: &SessionInfo) -> Result<u64, LogError> {
    let (mut count, mut cursor) = (0, 0);
    while cursor < info.oldest {
        let records = source.read(&info.id, cursor, ReadLimit::default(), Filter::Control).await?;
        let Some(last) = records.last() else { break };
        cursor = last.seq;
        count += records.iter().filter(|record| record.seq <= info.oldest).count() as u64;
    }
    Ok(count)
}
