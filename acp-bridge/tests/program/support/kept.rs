//! Diallers that a bridge has started to keep its agents: nobody's children.

use std::process::Command;
use std::time::{Duration, Instant};

use super::DEADLINE;

/// The processes that dial this address.
pub fn diallers(address: &str) -> Vec<String> {
    let begin = format!("dial\0--url\0http://{address}\0");
    let all = std::fs::read_dir("/proc").expect("processes").flatten();
    let pids = all.filter_map(|entry| entry.file_name().into_string().ok());
    // A process that ends this moment has no command line.
    let dials = |pid: &String| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&begin)
    };
    pids.filter(dials).collect()
}

/// Kills them; their guards end the agents.
pub fn end_diallers(address: &str) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let found = diallers(address);
        if found.is_empty() || Instant::now() >= deadline {
            return;
        }
        // One may have ended by itself.
        let _ = Command::new("kill").arg("-9").args(&found).status();
        std::thread::sleep(Duration::from_millis(10));
    }
}
