//! Memory of a process and of those below it, as Linux reports it.

use std::fs;

/// Resident memory of the process and of all below it, in bytes; 0 without a process, or where there is no `/proc`.
pub(super) fn of(pid: Option<u32>) -> u64 {
    let Some(pid) = pid else { return 0 };
    let parents = parents();
    let mut tree = vec![pid];
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        tree.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    tree.into_iter().filter_map(resident).sum()
}

/// Every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let of = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Some((pid, number(&status, "PPid:")?))
    };
    entries.filter_map(|entry| of(entry.ok()?)).collect()
}

fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    number(&status, "VmRSS:").map(|kilobytes| u64::from(kilobytes) * 1024)
}

/// The number behind a name in `/proc/PID/status`.
fn number(status: &str, name: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::of;

    #[test]
    fn this_process_holds_something_and_none_holds_nothing() {
        assert!(of(Some(std::process::id())) > 1024 * 1024);
        assert_eq!(of(None), 0);
    }
}
