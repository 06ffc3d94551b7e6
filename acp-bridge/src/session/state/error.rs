//! Faults of a log.

use std::sync::Arc;

use acp_types::record::{Kind, Seq, Turn};

/// A record that does not follow from those before it. The log is damaged or was written by something else; the state
/// is as it was before the record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Its seq is not beyond the head.
    #[error("record {seq} came after record {head}: the log is out of order; restore it from a copy")]
    Order {
        /// Seq of the record.
        seq: Seq,
        /// Seq of the last one.
        head: Seq,
    },
    /// Its body does not have the shape of its kind.
    #[error("record {seq} is a {kind} with a body that is none: the log is damaged; restore it from a copy")]
    Body {
        /// Seq of the record.
        seq: Seq,
        /// Its kind.
        kind: Kind,
        /// The fault in the body.
        source: serde_json::Error,
    },
    /// It is about a turn that cannot take it: one that was never queued or has ended, or a second one at a time.
    #[error("record {seq} is a {kind} for a turn that cannot have one: the log is damaged; restore it from a copy")]
    Turn {
        /// Seq of the record.
        seq: Seq,
        /// Its kind.
        kind: Kind,
        /// The turn, if it names one.
        turn: Option<Turn>,
    },
    /// It belongs to a lane that is not there.
    #[error(
        "record {seq} is a {kind} of lane {lane:?}, which is not there: the log is damaged; restore it from a copy"
    )]
    Lane {
        /// Seq of the record.
        seq: Seq,
        /// Its kind.
        kind: Kind,
        /// The lane that it names.
        lane: Arc<str>,
    },
    /// It answers a request that is not open.
    #[error("record {seq} answers request {request}, which is not open: the log is damaged; restore it from a copy")]
    Request {
        /// Seq of the record.
        seq: Seq,
        /// Seq of the request that it names.
        request: Seq,
    },
}
