//! `cargo xtask bench`: whole processes against peers that run in the same invocation; writes `docs/benchmarks.md`.

mod adapters;
mod bridge;
mod core;
mod direct;
mod disk;
mod effort;
mod hops;
mod page;
mod pair;
mod pipe;
mod programs;
mod server;
mod sharing;
mod stats;
mod usage;

use clap::ValueEnum;

pub(crate) use self::pipe::end as bare_pipe;

use self::effort::{FULL, QUICK};
use crate::run::say;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The connection core over stdio.
    Core,
    /// The bridge over WebSocket.
    Bridge,
    /// Where the time of one update goes inside the bridge.
    Hops,
    /// Sessions that many clients share.
    Sharing,
    /// The adapters of Codex and Claude Code.
    Adapters,
    /// All of it.
    All,
}

/// Measures and, unless `quick`, writes the page.
pub(crate) fn run(part: Part, quick: bool) -> anyhow::Result<()> {
    let effort = if quick { QUICK } else { FULL };
    // Taken before, because others may commit while this runs.
    let measured = page::measured()?;
    programs::build()?;
    if !matches!(part, Part::Adapters | Part::Sharing | Part::Hops) {
        programs::build_peers()?;
    }
    let mut sections = Vec::new();
    let wanted = |one: Part| part == one || part == Part::All;
    if wanted(Part::Core) {
        sections.push(core::section(effort)?);
    }
    if wanted(Part::Bridge) {
        sections.push(bridge::section(effort)?);
    }
    if wanted(Part::Hops) {
        sections.push(hops::section(effort)?);
    }
    if wanted(Part::Sharing) {
        sections.push(sharing::section(effort)?);
    }
    if wanted(Part::Adapters) {
        sections.push(adapters::section(effort.runs)?);
    }
    for section in &sections {
        say(&section.markdown(&measured));
    }
    if quick {
        say("quick figures are not written to docs/benchmarks.md");
        return Ok(());
    }
    page::write(&measured, &sections)
}
