//! The check, for `doctor`, that a host can open what a log says.

mod bodies;

use std::path::Path;

use super::disarm;
use crate::log::{OpenError, SqliteLog};
use crate::session::State;

/// Counts of what was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Sessions.
    pub sessions: u64,
    /// Their records.
    pub records: u64,
    /// Records of an earlier version that hold definitions of MCP servers, with secrets if those had any. A bridge that
    /// opens the log takes them out and starts nothing from them.
    pub definitions: u64,
}

/// Reads a whole log, as [`SqliteLog::check`] does, and every record as one of its kind that follows from those before it:
/// what this says is sound, a host can open. Memory is bounded as that of one session's state.
///
/// # Errors
/// As for [`SqliteLog::check`]; the message names session and record.
pub fn check(path: &Path) -> Result<Checked, OpenError> {
    let mut state = State::default();
    let mut definitions = 0;
    let checked = SqliteLog::check_each(path, |_, record| {
        if record.seq == 1 {
            state = State::default();
        }
        bodies::read(record).map_err(|error| format!("its body is none of a {}: {error}", record.kind))?;
        state.apply(record).map_err(|error| error.to_string())?;
        definitions += u64::from(disarm::has_definitions(record));
        Ok(())
    })?;
    Ok(Checked { sessions: checked.sessions, records: checked.records, definitions })
}
