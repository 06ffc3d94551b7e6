//! Processes that are not the test's own children: looking at them, waiting for their end, killing them.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::DEADLINE;

/// Whether a process runs. One that has ended and was not reaped does not.
pub fn is_alive(pid: &str) -> bool {
    Path::new(&format!("/proc/{pid}/cmdline")).exists()
        && !std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default().contains(") Z ")
}

/// Waits until a process has ended and was reaped.
pub fn wait_until_gone(pid: &str) {
    let deadline = Instant::now() + DEADLINE;
    while Path::new(&format!("/proc/{pid}")).exists() {
        assert!(Instant::now() < deadline, "process {pid} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `kill -9` of the process whose id is in a file.
pub fn kill_9(pid_file: impl AsRef<Path>) {
    let pid = std::fs::read_to_string(pid_file).expect("a file with a process id");
    assert!(Command::new("kill").args(["-9", &pid]).status().expect("run kill").success());
}
