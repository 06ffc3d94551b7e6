//! One bridge at a time.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::{connection, failure, place};
use crate::log::OpenError;

/// Longest text that the number of a process can be.
const MAX_PID: u64 = 20;

/// Locks of the operating system on a log and on `FILE.lock` beside it; they end with the process, however that ends.
///
/// The lock on the log is for the file, whatever it is called now. `FILE.lock` has the number of the process that holds it,
/// and is empty when that has ended in good order. It stays: removing it would let two processes hold locks on two files of
/// the same name.
#[derive(Debug)]
pub(super) struct FileLock {
    named: File,
    log: File,
}

impl FileLock {
    /// Takes the lock of the log at `path`, as [`place::of`] gives it, or says which process has it. The file is made when
    /// there is none.
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        place::refuse_linked(path)?;
        let name = lock_path(path);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut named = connection::private(&mut options).open(&name).map_err(|e| failure::io(path, &e))?;
        if !lock(&named, path)? {
            return Err(OpenError::Locked { path: path.into(), pid: read_pid(&mut named) });
        }
        connection::create(path)?;
        let log = File::open(path).map_err(|e| failure::io(path, &e))?;
        // Where locks of this kind and those of SQLite get in each other's way, there is only the other file.
        if cfg!(target_os = "linux") && !lock(&log, path)? {
            return Err(OpenError::Locked { path: path.into(), pid: None });
        }
        write_pid(&mut named).map_err(|e| failure::io(path, &e))?;
        Ok(Self { named, log })
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Nobody may take another process of this number for a bridge. If it stays, the lock still tells.
        let _ = self.named.set_len(0);
        // Closing the files does not end the locks while a child that another thread starts has them still open. What is
        // not unlocked here ends with that child's start.
        let _ = self.log.unlock();
        let _ = self.named.unlock();
    }
}

/// The process that has a log: `None` when none has, and for a number that it has not written yet.
pub(super) fn holder(path: &Path) -> Result<Option<Option<u32>>, OpenError> {
    let mut file = match File::open(lock_path(path)) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|e| failure::io(path, &e))?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(read_pid(&mut file))),
        Err(TryLockError::Error(e)) => Err(failure::io(path, &e)),
    }
}

/// Takes the lock; returns whether nobody else has it.
fn lock(file: &File, path: &Path) -> Result<bool, OpenError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(failure::io(path, &e)),
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".lock");
    name.into()
}

fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// The holder's number; it may be writing it at this moment.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(MAX_PID).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::FileLock;
    use crate::log::OpenError;

    #[test]
    fn a_lock_ends_when_it_is_dropped_though_a_child_has_its_files_open() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.db");
        let lock = FileLock::take(&path).unwrap();
        // As a child has them between fork and exec.
        let inherited = (lock.named.try_clone().unwrap(), lock.log.try_clone().unwrap());
        assert!(matches!(FileLock::take(&path), Err(OpenError::Locked { .. })));
        drop(lock);
        FileLock::take(&path).unwrap();
        drop(inherited);
    }
}
