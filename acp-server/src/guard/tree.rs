//! The processes below this one.

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

/// Sends `signal` to the group and to every descendant of this process, whatever group they moved to. Returns whether
/// there was any.
pub(super) fn signal_all(group: Pid, signal: Signal) -> bool {
    // No such process is as good as ended; any other failure cannot be helped.
    let in_group = kill_process_group(group, signal).is_ok();
    let below = descendants();
    for pid in &below {
        let _ = kill_process(*pid, signal);
    }
    in_group || !below.is_empty()
}

/// Returns whether the group or this process's descendants have a member that lives.
pub(super) fn any_left(group: Pid) -> bool {
    test_kill_process_group(group).is_ok() || !descendants().is_empty()
}

/// All living processes whose chain of parents leads here, from `/proc`. A process that is forked while this reads may
/// be missed; it is there the next time, because its parents lead here too.
#[cfg(target_os = "linux")]
fn descendants() -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let parents: Vec<(i32, i32)> = entries
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, living_parent(&stat)?))
        })
        .collect();
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let mut below = vec![own];
    let mut next = 0;
    while let Some(&parent) = below.get(next) {
        below.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    below.into_iter().skip(1).filter_map(Pid::from_raw).collect()
}

#[cfg(not(target_os = "linux"))]
fn descendants() -> Vec<Pid> {
    Vec::new()
}

/// The parent in a line of `/proc/PID/stat`, unless the process is dead and only waits to be reaped. The name before it
/// may hold anything, parentheses included.
#[cfg(target_os = "linux")]
fn living_parent(stat: &str) -> Option<i32> {
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(parent)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::living_parent;

    #[test]
    fn a_strange_name_does_not_hide_the_parent() {
        assert_eq!(living_parent("12 (a) Z 7 (b)) S 11 12 12 0 -1"), Some(11));
        assert_eq!(living_parent("12 (sh) Z 11 12 12 0 -1"), None);
        assert_eq!(living_parent("garbage"), None);
    }
}
