//! `docs/benchmarks.md`.

use std::fmt::Write;
use std::process::Command;

use crate::run::{capture, program, root, say};

const PAGE: &str = "docs/benchmarks.md";
/// How the sections follow each other on it.
const ORDER: [&str; 5] = ["## Connection", "## Bridge", "## Hops", "## Shared", "## Adapters"];

/// One figure, of ours and of the peers.
pub(super) struct Row {
    pub(super) what: String,
    pub(super) cells: Vec<String>,
    /// How many times better than the peer's; not a number where there is no peer.
    pub(super) ratio: f64,
    /// Empty when nothing was asked for.
    pub(super) target: String,
    pub(super) met: bool,
}

/// One table.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) about: String,
    pub(super) columns: Vec<String>,
    /// Heading of the ratios.
    pub(super) ratio: &'static str,
    pub(super) rows: Vec<Row>,
}

impl Section {
    /// `measured` says at which commit and on what.
    pub(super) fn markdown(&self, measured: &str) -> String {
        let mut text = format!("## {}\n\n{}\n\n{measured}\n\n", self.title, self.about);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| | {} | {} | wanted | |", self.columns.join(" | "), self.ratio);
        let _ = writeln!(text, "{}|", "|---".repeat(self.columns.len() + 4));
        for row in &self.rows {
            let ratio = if row.ratio.is_finite() { format!("{:.2}x", row.ratio) } else { "-".to_owned() };
            let verdict = match (row.target.is_empty(), row.met) {
                (true, _) => "",
                (false, true) => "met",
                (false, false) => "**missed**",
            };
            let cells = row.cells.join(" | ");
            let _ = writeln!(text, "| {} | {cells} | {ratio} | {} | {verdict} |", row.what, row.target);
        }
        text
    }
}

/// Writes the sections; a section that was not measured now stays as it was.
pub(super) fn write(measured: &str, sections: &[Section]) -> anyhow::Result<()> {
    let path = root().join(PAGE);
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let kept = before.split("\n## ").skip(1).map(|section| format!("## {}\n", section.trim_end()));
    let mut texts: Vec<String> = sections.iter().map(|section| section.markdown(measured)).collect();
    texts.extend(kept.filter(|old| !sections.iter().any(|new| old.starts_with(&format!("## {}\n", new.title)))));
    texts.sort_by_key(|text| ORDER.iter().position(|title| text.starts_with(title)));
    std::fs::write(&path, format!("{HEAD}\n{}", texts.join("\n")))?;
    say(&format!("written to {PAGE}"));
    Ok(())
}

/// What stands above all sections.
const HEAD: &str = "# Benchmarks\n\n```sh\ncargo xtask bench\n```\n\nwrites this page: whole processes built in release, \
                    client, server and agent on the same machine. Ratios count; absolute figures do not travel.\n";

/// At which commit and on what is measured now.
pub(super) fn measured() -> anyhow::Result<String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = std::thread::available_parallelism()?;
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes: u64 = memory.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
    let version = |name: &str, argument: &str| -> anyhow::Result<String> {
        Ok(capture(Command::new(name).arg(argument))?.trim().to_owned())
    };
    Ok(format!(
        "Measured at commit {} on {cores} cores of {}, {} GB of memory, Linux {}, {}, Node {}.",
        capture(program("git").args(["rev-parse", "--short", "HEAD"]))?.trim(),
        model.unwrap_or("an unnamed processor").trim(),
        kilobytes / 1_000_000,
        version("uname", "-r")?,
        version("rustc", "--version")?,
        version("node", "--version")?,
    ))
}
