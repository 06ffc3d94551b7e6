//! The one name of a log, whatever leads to it, and what stands beside it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::failure;
use crate::log::OpenError;

/// The path of a log without symbolic links, so that what stands beside it has one name. The file itself may be missing.
pub(super) fn of(given: &Path) -> Result<PathBuf, OpenError> {
    let path = std::path::absolute(given).map_err(|e| failure::io(given, &e))?;
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found.map_err(|e| failure::io(given, &e)),
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return Ok(path) };
    // A directory that is missing is said when the file is opened.
    Ok(directory.canonicalize().map_or_else(|_| path.clone(), |directory| directory.join(name)))
}

/// The write-ahead log that SQLite keeps beside the file.
pub(super) fn wal_path(path: &Path) -> PathBuf {
    let mut wal = OsString::from(path);
    wal.push("-wal");
    wal.into()
}

/// Refuses a file that has other names: what stands beside it under one of them would be missed under another.
pub(super) fn refuse_linked(path: &Path) -> Result<(), OpenError> {
    #[cfg(unix)]
    if let Ok(found) = std::fs::metadata(path) {
        let names = std::os::unix::fs::MetadataExt::nlink(&found);
        if found.is_file() && names > 1 {
            return Err(OpenError::Linked { path: path.to_owned(), names });
        }
    }
    Ok(())
}
