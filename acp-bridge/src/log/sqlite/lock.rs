//! One bridge at a time.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::failure;
use crate::log::OpenError;

/// Longest text that the number of a process can be.
const MAX_PID: u64 = 20;

/// A lock of the operating system on `FILE.lock`; it ends with the process, however that ends.
///
/// The file stays: removing it would let two processes hold locks on two files of the same name.
#[derive(Debug)]
pub(super) struct FileLock {
    /// Held open for the lock.
    _file: File,
}

impl FileLock {
    /// Takes the lock of the log at `path`, or says which process has it.
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        let name = lock_path(path);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = super::connection::private(&mut options).open(&name).map_err(|e| failure::io(path, &e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked { path: path.into(), pid: read_pid(&mut file) });
            }
            Err(TryLockError::Error(e)) => return Err(failure::io(path, &e)),
        }
        write_pid(&mut file).map_err(|e| failure::io(path, &e))?;
        Ok(Self { _file: file })
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

/// The holder's number, for the message only; it may be writing it at this moment.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(MAX_PID).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
