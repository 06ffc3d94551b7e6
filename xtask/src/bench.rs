//! `cargo xtask bench`: whole processes against peers that run in the same invocation; writes `docs/benchmarks.md`.

mod adapters;
mod bridge;
mod core;
mod direct;
mod disk;
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

/// How often and how much.
#[derive(Debug, Clone, Copy)]
struct Effort {
    runs: usize,
    updates: u64,
    requests: u64,
    stamps: u64,
    missed: u64,
    /// How often each client loses its connection.
    drops: u64,
    cancels: u64,
    sessions: u64,
    clients: u64,
    /// Of the session with a long history, and the clients that attach to it.
    turns: u64,
    attached: u64,
}

const FULL: Effort = Effort {
    runs: 5,
    updates: 100_000,
    requests: 2_000,
    stamps: 500,
    missed: 800_000,
    drops: 50,
    cancels: 300,
    sessions: 1_000,
    clients: 5_000,
    turns: 1_000,
    attached: 200,
};
const QUICK: Effort = Effort {
    runs: 1,
    updates: 20_000,
    requests: 500,
    stamps: 100,
    missed: 100_000,
    drops: 10,
    cancels: 50,
    sessions: 100,
    clients: 500,
    turns: 200,
    attached: 50,
};

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
