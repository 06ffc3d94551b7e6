//! Arguments of several commands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};

use super::duration::duration;
use crate::core::probe::Limits;

/// What is judged and how it is told.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Judge {
    /// Only this requirement, or all that begin so up to a hyphen: `CANCEL`, `CANCEL-08`. May come more than once.
    #[arg(long, value_name = "ID-PREFIX")]
    pub(in crate::cli) select: Vec<String>,
    /// How the result is told.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(in crate::cli) format: Format,
    /// Failures that are known: TOML, `[expected]`, then `"ID" = "why"`. One that does not fail any more fails the run.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) baseline: Option<PathBuf>,
    /// Count what was not exercised as failed.
    #[arg(long)]
    pub(in crate::cli) require_exercised: bool,
    /// Count recommendations as duties.
    #[arg(long)]
    pub(in crate::cli) strict: bool,
    /// Release of the published schemas to hold messages against; the newest by default.
    #[arg(long, value_name = "RELEASE")]
    pub(in crate::cli) schema: Option<String>,
}

/// How scenarios are played, and how they are judged.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Play {
    #[command(flatten)]
    pub(in crate::cli) judge: Judge,
    /// Scenarios that are played at once, each with a subject of its own.
    #[arg(long, default_value_t = 6, value_name = "N")]
    pub(in crate::cli) jobs: usize,
    /// Play everything so often. A check that does not come to the same each time is failed, and said to be flaky.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(in crate::cli) repeat: u16,
    /// Keep a full transcript of each scenario in this folder; of several runs in one folder each, `run-1` and so on.
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) transcripts: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// For a person.
    Text,
    /// One JSON object per check, then one with the counts.
    Json,
    /// JUnit XML.
    Junit,
    /// Test Anything Protocol.
    Tap,
}

/// How long is waited for what is to come.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Waits {
    /// Until a request that needs no turn and opens no session is answered, and until a bridge has told of an agent that
    /// died: `30s`, `500ms`.
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub(in crate::cli) timeout: Duration,
    /// Until a turn has ended, or a session is open.
    #[arg(long, default_value = "2m", value_parser = duration)]
    pub(in crate::cli) turn_timeout: Duration,
}

impl Waits {
    pub(in crate::cli) fn limits(&self) -> Limits {
        Limits { step: self.timeout, turn: self.turn_timeout, ..Limits::default() }
    }
}
