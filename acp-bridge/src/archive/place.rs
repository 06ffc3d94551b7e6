//! Place of an export between two of its pages.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::{Record, Seq};

use super::lines::push_line;
use super::{ExportError, Header};
use crate::log::{Filter, LogError, LogView, ReadLimit};

/// Place that an export has come to, and the state of the session that it is of: all that is needed to go on with it,
/// also elsewhere. It goes through hands that are not ours as text: five numbers with dots between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportPlace {
    created_at: u64,
    head: Seq,
    oldest: Seq,
    cursor: Seq,
    left: u64,
}

/// A text that is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not where an export goes on")]
#[non_exhaustive]
pub struct NoPlace {}

impl ExportPlace {
    pub(super) fn behind(header: &Header) -> Self {
        let Header { created_at, head, oldest, after, records, .. } = *header;
        Self { created_at, head, oldest, cursor: after, left: records }
    }

    /// Records that are still to come.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// The next lines, each with its end, perhaps none; `None` after the last. Each record is written as `shown` says.
    ///
    /// # Errors
    /// When the log cannot be read, or the session was trimmed or deleted meanwhile.
    pub async fn next<S: LogView + ?Sized>(
        &mut self,
        source: &S,
        session: &SessionId,
        shown: fn(Arc<Record>) -> Arc<Record>,
    ) -> Result<Option<Vec<u8>>, ExportError> {
        let changed = || ExportError::Changed { session: session.clone() };
        if self.left == 0 {
            return if self.is_of(source, session).await? { Ok(None) } else { Err(changed()) };
        }
        let before_trim = self.cursor < self.oldest;
        let (filter, last) = if before_trim { (Filter::Control, self.oldest) } else { (Filter::All, self.head) };
        let read = source.read(session, self.cursor, ReadLimit::default(), filter).await;
        let records = match read {
            Err(LogError::NotFound { .. } | LogError::Trimmed { .. } | LogError::BeyondHead { .. }) => {
                return Err(changed());
            }
            read => read?,
        };
        let mut page = Vec::new();
        let mut over = records.is_empty();
        for record in records {
            if record.seq > last {
                over = true;
                break;
            }
            self.left = self.left.checked_sub(1).ok_or_else(changed)?;
            self.cursor = record.seq;
            push_line(&mut page, &*shown(record))?;
        }
        if over && before_trim {
            self.cursor = self.oldest;
        } else if over && self.left > 0 {
            return Err(changed());
        }
        Ok(Some(page))
    }

    /// Returns whether the session is still the one that was begun with.
    async fn is_of<S: LogView + ?Sized>(&self, source: &S, session: &SessionId) -> Result<bool, ExportError> {
        let info = source.get(session).await?;
        Ok(info.is_some_and(|info| info.created_at == self.created_at && info.head >= self.head))
    }
}

impl fmt::Display for ExportPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created_at, head, oldest, cursor, left } = self;
        write!(f, "{created_at}.{head}.{oldest}.{cursor}.{left}")
    }
}

impl FromStr for ExportPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let numbers: Option<Vec<u64>> = text.split('.').map(|number| number.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[created_at, head, oldest, cursor, left]) if oldest.max(cursor) <= head => {
                Ok(Self { created_at, head, oldest, cursor, left })
            }
            _ => Err(NoPlace {}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ExportPlace, NoPlace};

    #[test]
    fn a_place_comes_back_from_its_text_and_nothing_else_does() {
        let place = ExportPlace { created_at: 7, head: 9, oldest: 2, cursor: 3, left: 6 };
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "7", "7.9.2.3", "7.9.2.3.6.1", "7.9.2.3.-6", "7.9.2.10.6", "7.9.10.3.6", "a.b.c.d.e"] {
            assert_eq!(wrong.parse::<ExportPlace>(), Err(NoPlace {}), "{wrong}");
        }
    }
}
