//! Failures of SQLite and the operating system, in words that help.

use std::io;
use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::log::{LogError, OpenError};

/// A write failed and was taken back.
pub(super) fn write(error: &Error) -> LogError {
    if is_corrupt(error) {
        return LogError::Corrupt { reason: error.to_string() };
    }
    LogError::Unwritable { reason: reason(error) }
}

/// A read failed.
pub(super) fn read(error: &Error) -> LogError {
    if is_corrupt(error) {
        return LogError::Corrupt { reason: error.to_string() };
    }
    LogError::Unreadable { reason: reason(error) }
}

/// Opening the file failed.
pub(super) fn open(path: &Path, error: &Error) -> OpenError {
    if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
        return OpenError::NotALog { path: path.into(), reason: "it is no SQLite database".to_owned() };
    }
    if is_corrupt(error) {
        return OpenError::Corrupt { path: path.into(), reason: error.to_string() };
    }
    OpenError::Io { path: path.into(), reason: reason(error) }
}

/// The operating system refused.
pub(super) fn io(path: &Path, error: &io::Error) -> OpenError {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => format!("{error}; create its directory"),
        io::ErrorKind::PermissionDenied => format!("{error}; it must be writable, and so must its directory"),
        io::ErrorKind::IsADirectory => "it is a directory; name a file".to_owned(),
        _ => error.to_string(),
    };
    OpenError::Io { path: path.into(), reason }
}

fn reason(error: &Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            "the disk is full, or the file has reached the size that it may have; free some space".to_owned()
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program keeps it locked; end that program's transaction, such as that of a sqlite3 shell"
                .to_owned()
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            format!("{error}; the file and its directory must be writable")
        }
        Some(ErrorCode::CannotOpen) => format!("{error}; the file and its directory must exist and be accessible"),
        Some(ErrorCode::SystemIoFailure) => format!("{error}; check the disk"),
        _ => error.to_string(),
    }
}

/// Returns whether what is stored is to blame, and not the circumstances.
fn is_corrupt(error: &Error) -> bool {
    // Without a code it is a row of unexpected shape; `Unknown` is what a missing table or column comes to.
    error.sqlite_error_code().is_none_or(|code| {
        matches!(
            code,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation | ErrorCode::Unknown
        )
    })
}
