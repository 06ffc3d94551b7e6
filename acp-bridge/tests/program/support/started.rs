//! A bridge that somebody else has started, and that outlives whoever did.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::DEADLINE;
use super::kept::end_diallers;

/// Known by its log; gone when this is dropped.
pub struct Started {
    log: PathBuf,
    address: String,
}

impl Started {
    /// The bridge that is to be started with this log, at this address.
    pub fn with_log(log: &Path, address: &str) -> Self {
        Self { log: log.to_owned(), address: address.to_owned() }
    }

    /// Its process, from the lock of its log.
    pub fn pid(&self) -> Option<u32> {
        let mut lock = self.log.clone().into_os_string();
        lock.push(".lock");
        let pid = std::fs::read_to_string(lock).ok()?.trim().parse().ok()?;
        lives(pid).then_some(pid)
    }

    /// Its parent.
    pub fn parent(&self) -> Option<u32> {
        stat(self.pid()?, 1)?.parse().ok()
    }

    /// Sends it a signal and waits until it is gone.
    pub fn end(&self, signal: &str) {
        let Some(pid) = self.pid() else { return };
        let status = Command::new("kill").args([signal, &pid.to_string()]).status().expect("run kill");
        assert!(status.success());
        let deadline = Instant::now() + DEADLINE;
        while lives(pid) {
            assert!(Instant::now() < deadline, "the bridge did not exit after {signal}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
        end_diallers(&self.address);
    }
}

/// Whether a process runs; one that nobody has reaped does not.
fn lives(pid: u32) -> bool {
    stat(pid, 0).is_some_and(|state| state != "Z")
}

/// A field of `/proc/PID/stat`, counted from the one behind the name.
fn stat(pid: u32, field: usize) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(field).map(str::to_owned)
}
