//! Memory of processes, from `/proc`.

use std::collections::HashMap;

use anyhow::Context;

/// Most resident memory that a process has had, in bytes.
pub(super) fn peak(pid: u32) -> anyhow::Result<u64> {
    status(pid, "VmHWM:")
}

/// Resident memory of a process now, in bytes.
pub(super) fn resident(pid: u32) -> anyhow::Result<u64> {
    status(pid, "VmRSS:")
}

/// The most that any descendant of a process has had: its agent, whatever stands between them.
pub(super) fn peak_below(pid: u32) -> anyhow::Result<u64> {
    below(pid)?.into_iter().filter_map(|pid| peak(pid).ok()).max().context("the agent's process is not there")
}

/// Resident and proportional memory of a process and all its descendants, in bytes. A page that several share counts
/// for each in the first and once in the second.
pub(super) fn tree(pid: u32) -> anyhow::Result<(u64, u64)> {
    let mut all = below(pid)?;
    all.push(pid);
    // One that ends meanwhile holds nothing.
    let resident = all.iter().filter_map(|pid| resident(*pid).ok()).sum();
    let proportional = all.iter().filter_map(|pid| field(*pid, "smaps_rollup", "Pss:").ok()).sum();
    Ok((resident, proportional))
}

/// All descendants of a process.
fn below(pid: u32) -> anyhow::Result<Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name may hold anything; the parent is the second field after it.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        children.entry(parent.unwrap_or(0)).or_default().push(child);
    }
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(next) = open.pop() {
        let below = children.remove(&next).unwrap_or_default();
        open.extend(&below);
        found.extend(below);
    }
    Ok(found)
}

fn status(pid: u32, name: &str) -> anyhow::Result<u64> {
    field(pid, "status", name)
}

fn field(pid: u32, file: &str, name: &str) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).context("only Linux tells memory this way")?;
    let line = text.lines().find(|line| line.starts_with(name)).context("the process has ended")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
    Ok(kilobytes * 1024)
}
