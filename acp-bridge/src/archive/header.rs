//! The first line of an export.

use acp_types::SessionId;
use acp_types::record::{Epoch, Seq};
use serde::{Deserialize, Serialize};

use crate::log::SessionInfo;

/// First line of an export: the session as of the head at which it was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Header {
    /// [`Header::FORMAT`]; marks the file as an export.
    #[serde(rename = "acpBridgeExport")]
    pub format: u64,
    /// The session's id.
    pub session_id: SessionId,
    /// Working directory, absolute.
    pub cwd: String,
    /// Its title, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Time of its first record: microseconds since the Unix epoch, UTC.
    pub created_at: u64,
    /// Time of its newest record.
    pub updated_at: u64,
    /// Number of times that a host had taken it.
    pub epoch: Epoch,
    /// Its newest record.
    pub head: Seq,
    /// The smallest cursor from which nothing is missing; up to it there are control records only.
    pub oldest: Seq,
    /// Only records after this cursor were exported; absent when it is the whole session.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after: Seq,
    /// Lines that follow.
    pub records: u64,
}

impl Header {
    /// The format of exports; a larger one is of a newer version.
    pub const FORMAT: u64 = 1;

    pub(super) fn new(info: &SessionInfo, after: Seq, records: u64) -> Self {
        Self {
            format: Self::FORMAT,
            session_id: info.id.clone(),
            cwd: info.cwd.clone(),
            title: info.title.clone(),
            created_at: info.created_at,
            updated_at: info.updated_at,
            epoch: info.epoch,
            head: info.head,
            oldest: info.oldest,
            after,
            records,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(seq: &Seq) -> bool {
    *seq == 0
}
