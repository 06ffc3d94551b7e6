//! Processes that the tests started and did not end.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::run::say;

/// In the environment of everything that the tests start.
const MARK: &str = "XTASK_TEST_RUN";

/// How long processes may take to end after the tests have.
const DEADLINE: Duration = Duration::from_secs(10);

/// Marks a command and, by inheritance, everything that it starts.
pub(super) fn mark(command: &mut Command) {
    command.env(MARK, std::process::id().to_string());
}

/// Fails when a marked process still runs.
pub(super) fn check() -> anyhow::Result<()> {
    if !Path::new("/proc/self/environ").exists() {
        say("processes left behind: not checked, only Linux tells a process's environment");
        return Ok(());
    }
    let started = Instant::now();
    loop {
        let found = marked();
        if found.is_empty() {
            say("processes left behind: none");
            return Ok(());
        }
        if started.elapsed() > DEADLINE {
            bail!("the tests left processes behind:\n  {}", found.join("\n  "));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Number and command line of every marked process.
fn marked() -> Vec<String> {
    let mark = format!("{MARK}={}", std::process::id());
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        // A process of somebody else, or one that ended this moment.
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            found.push(format!("{} {command}", entry.file_name().to_string_lossy()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_process_is_found_until_it_ends() {
        let mut command = Command::new("sleep");
        mark(&mut command);
        let mut child = command.arg("60").spawn().unwrap();
        // The system shows the environment of a process a moment after it has started.
        let deadline = Instant::now() + DEADLINE;
        while !marked().iter().any(|line| line.contains("sleep 60")) {
            assert!(Instant::now() < deadline, "{:?}", marked());
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(marked().is_empty(), "{:?}", marked());
    }
}
