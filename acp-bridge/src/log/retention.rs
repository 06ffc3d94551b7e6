//! Letting go of what is old: which records, decided by [`Policy`], and the work of trimming them a few at a time.
//!
//! Only updates and extensions go, the bulk of a log, and never those of a turn that has not ended. Control records stay,
//! and so do sessions: a trimmed session can still be opened and prompted.

mod pass;
mod policy;

pub use pass::{Trimmed, keep, pass};
pub use policy::{Cut, OpenTurns, Policy, Verdict};
