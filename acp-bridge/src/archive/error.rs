//! Faults of an export. Every message says what to do next.

use std::path::PathBuf;

use acp_types::SessionId;
use acp_types::record::{Epoch, Kind, Seq};

use crate::log::{LogError, OpenError};
use crate::session::StateError;

/// Reason why a session could not be exported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The log does not have it, or cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A session that was trimmed, or deleted and made anew, before all of it was read.
    #[error("session {session} was trimmed or deleted while it was being exported; export it again")]
    Changed {
        /// The session.
        session: SessionId,
    },
}

/// Reason why a session could not be imported. Nothing of it is in the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The log cannot be opened for writing: another bridge has it, for one.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A line is not what an export has there.
    #[error("line {line}: {error}; nothing was imported")]
    Line {
        /// The line, from 1.
        line: u64,
        /// The fault in it.
        #[source]
        error: LineError,
    },
    /// The log has a session of that id.
    #[error("session {session} exists already in {path}; import it as another one with --new-id, or delete that one")]
    Exists {
        /// The session.
        session: SessionId,
        /// The log.
        path: PathBuf,
    },
    /// The export cannot be read.
    #[error("the export cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Fault of a line of an export.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The first line is no header.
    #[error("this is no export of a session ({reason}); make one with `acp-bridge export SESSION`")]
    NotAnExport {
        /// The cause.
        reason: String,
    },
    /// Made by a newer version.
    #[error("the export has format {found} and this program knows up to {known}; update it")]
    Newer {
        /// Format of the export.
        found: u64,
        /// Newest format that is known.
        known: u64,
    },
    /// An export that has not all of the session.
    #[error("the export begins after cursor {after}; a session can only be imported whole: export it without --after")]
    Partial {
        /// The cursor.
        after: Seq,
    },
    /// The header contradicts itself or a limit.
    #[error("the header's {member} cannot be {value}; export the session again")]
    Header {
        /// The member.
        member: &'static str,
        /// Its value.
        value: u64,
    },
    /// Too long for a record.
    #[error("the line is longer than {limit} bytes, which no record is; export the session again")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// A line that is no record.
    #[error("this is no record ({reason}); the export is damaged: export the session again")]
    NotARecord {
        /// The cause.
        reason: String,
    },
    /// A line is missing, doubled, or out of its place.
    #[error("a record has seq {got} where {expected} follows; the export lacks lines or their order was changed")]
    Seq {
        /// The seq that follows.
        expected: Seq,
        /// The seq that was found.
        got: Seq,
    },
    /// A record that should have been trimmed.
    #[error("record {seq} is of kind {kind}, and those up to {oldest} were trimmed; the export was changed")]
    BeforeOldest {
        /// Seq of the record.
        seq: Seq,
        /// Its kind.
        kind: Kind,
        /// The cursor up to which there are control records only.
        oldest: Seq,
    },
    /// Its epoch is before that of its predecessor, or beyond the session's.
    #[error("record {seq} has epoch {got}, which must be from {least} to {most}; the export was changed")]
    Epoch {
        /// Seq of the record.
        seq: Seq,
        /// Its epoch.
        got: Epoch,
        /// Epoch of the record before it.
        least: Epoch,
        /// Epoch of the session.
        most: Epoch,
    },
    /// A record that does not follow from those before it.
    #[error(transparent)]
    State(#[from] StateError),
    /// More is open at once than a session can have.
    #[error("more than {limit} turns or requests are open at once, which no session has; the export was changed")]
    TooMuchOpen {
        /// The limit.
        limit: u64,
    },
    /// More records than the header says.
    #[error("the header promises {promised} records and there are more; the export was changed")]
    Surplus {
        /// Records that the header promises.
        promised: u64,
    },
    /// Fewer records than the header says.
    #[error("the export ends after {got} of {promised} records: it was cut off; export the session again")]
    CutOff {
        /// Records that there are.
        got: u64,
        /// Records that the header promises.
        promised: u64,
    },
    /// The header says something else than the records.
    #[error("the records say something else than the header about {member}; the export was changed")]
    Contradiction {
        /// The header's member.
        member: &'static str,
    },
}
