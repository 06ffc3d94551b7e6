//! Taking a session in from an export.

use std::io::BufRead;
use std::path::Path;

use acp_types::SessionId;

use super::lines::Lines;
use super::{ImportError, Imported, Intake};
use crate::log::{LogError, SqliteImport};

/// Takes a session in from an export, as it was, or under a new id; the log is made when there is none. It is there as a
/// whole or not at all: everything is checked before any of it can be seen. No bridge may have the log open. It is
/// disarmed, at `now` (microseconds since the Unix epoch).
///
/// # Errors
/// When the log is in use or has a session of that id, and when a line is not what it should be.
pub fn import(path: &Path, export: impl BufRead, new_id: Option<SessionId>, now: u64) -> Result<Imported, ImportError> {
    let mut lines = Lines::new(export);
    // Before the log is touched: most of what is no export shows here.
    let begun = Intake::begin(lines.next()?.unwrap_or_default(), new_id);
    let mut intake = begun.map_err(|error| lines.wrong(error))?;
    let mut import = SqliteImport::begin(path)?;
    import.create(intake.id()).map_err(|error| match error {
        LogError::Exists { session } => ImportError::Exists { session, path: import.path().to_owned() },
        error => ImportError::Log(error),
    })?;
    while let Some(line) = lines.next()? {
        let parsed = intake.record(line);
        let record = parsed.map_err(|error| lines.wrong(error))?;
        import.push(&record)?;
    }
    let imported = intake.finish(now).map_err(|error| lines.wrong(error))?;
    import.push(&imported.record)?;
    import.commit(&imported.session)?;
    Ok(imported)
}
