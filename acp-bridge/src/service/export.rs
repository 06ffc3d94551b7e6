//! A session as JSON Lines, a page for each call: nothing is kept between two of them.

use acp_types::SessionId;
use acp_types::record::Seq;

use super::{Caller, Invalid, Operation, ServiceError, SessionService, shown};
use crate::archive::{Export, ExportError, ExportPlace};
use crate::log::SessionLog;

/// A page of an export.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) lines: String,
    /// Name of the next page; `None` behind the last.
    pub(crate) next: Option<String>,
}

impl SessionService {
    /// The first page, or the one that an earlier one named: at least one record, if there is any, and else as much as
    /// one read of the log gives.
    pub(crate) async fn export(
        &self,
        caller: &Caller,
        session: &SessionId,
        after: Seq,
        page: Option<&str>,
    ) -> Result<Page, ServiceError> {
        self.check(caller, Operation::Export, session)?;
        self::page(&*self.log, session, after, page).await
    }
}

async fn page(log: &dyn SessionLog, session: &SessionId, after: Seq, page: Option<&str>) -> Result<Page, ServiceError> {
    let failed = |error| match error {
        ExportError::Log(error) => ServiceError::log(session, error),
        changed => ServiceError::Export(changed.to_string()),
    };
    let mut lines = Vec::new();
    let mut place = match page {
        Some(page) => page.parse::<ExportPlace>().map_err(|_| Invalid::Page)?,
        None => {
            let mut export = Export::begin(log, session, after).await.map_err(failed)?;
            lines.extend(export.next().await.map_err(failed)?.unwrap_or_default());
            export.place()
        }
    };
    let mut some = false;
    let next = loop {
        match place.next(log, session, shown).await.map_err(failed)? {
            Some(records) => {
                some |= !records.is_empty();
                lines.extend(records);
            }
            None => break None,
        }
        // What is complete is asked once more: whether the session was there until the end.
        if some && place.left() > 0 {
            break Some(place.to_string());
        }
    };
    let lines = String::from_utf8(lines).map_err(|error| ServiceError::Export(error.to_string()))?;
    Ok(Page { lines, next })
}
