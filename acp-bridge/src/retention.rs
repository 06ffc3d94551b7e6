//! Letting go of what is old: which records, decided by [`Policy`], and the work of trimming them a few at a time.
//!
//! Only updates and extensions go, the bulk of a log, and never those of a turn that has not ended. Control records stay:
//! a trimmed session can still be opened and prompted. Whole sessions go only when that was asked for: see
//! [`delete_idle`].

mod idle;
mod pass;
mod policy;
mod repeat;

pub use idle::{delete_idle, keep_used};
pub use pass::{Trimmed, keep, pass};
pub use policy::{Cut, OpenTurns, Policy, Verdict};
