//! What one call asks for, and from which cursors it can be answered.

use acp_types::SessionId;
use acp_types::record::Seq;
use serde::{Deserialize, Serialize};

use super::LogError;

/// Sessions in one page of a listing, when the query does not say.
const DEFAULT_PAGE: usize = 100;
/// Sessions in one page of a listing, whatever the query says.
const MAX_PAGE: usize = 1000;

/// Which records a read returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filter {
    /// All.
    All,
    /// Those that [`acp_types::record::Kind::is_control`] says matter for the session's state.
    Control,
}

/// How much one read returns at most. At least one record is returned whatever its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadLimit {
    /// Records.
    pub records: usize,
    /// Sum of [`acp_types::record::Record::weight`].
    pub bytes: usize,
}

impl Default for ReadLimit {
    fn default() -> Self {
        Self { records: 1024, bytes: 512 * 1024 }
    }
}

/// Which sessions a listing returns: newest first by creation, stable while sessions are added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListQuery {
    /// Only those with this working directory, however it is written: compared are the directories.
    pub cwd: Option<String>,
    /// Only those after this one in the listing.
    pub after: Option<SessionId>,
    /// At most so many; `0` means 100.
    pub limit: usize,
}

impl ListQuery {
    /// How many sessions to return: `limit`, 100 when that is `0`, never more than 1000.
    pub(super) fn page(&self) -> usize {
        if self.limit == 0 { DEFAULT_PAGE } else { self.limit.min(MAX_PAGE) }
    }
}

impl ReadLimit {
    pub(super) fn budget(self) -> Budget {
        Budget { limit: self, records: 0, bytes: 0 }
    }
}

/// What a read has returned so far.
#[derive(Debug)]
pub(super) struct Budget {
    limit: ReadLimit,
    records: usize,
    bytes: usize,
}

impl Budget {
    /// Whether one more record of this weight may be returned; the first always may.
    pub(super) fn admits(&mut self, weight: usize) -> bool {
        let fits = self.records < self.limit.records && self.bytes.saturating_add(weight) <= self.limit.bytes;
        let admitted = self.records == 0 || fits;
        self.records += 1;
        self.bytes = self.bytes.saturating_add(weight);
        admitted
    }
}

/// Whether everything after a cursor can be read, `head` being the largest cursor and `oldest` the smallest.
pub(super) fn check_cursor(after: Seq, head: Seq, oldest: Seq) -> Result<(), LogError> {
    if after > head {
        return Err(LogError::BeyondHead { after, head });
    }
    if after < oldest {
        return Err(LogError::Trimmed { after, oldest });
    }
    Ok(())
}
