//! `acp-conformance client`.

use anyhow::Context as _;

use super::args;
use super::exit::{Exit, usage};
use super::play::{Plan, play};
use crate::client::SUITE;
use crate::probe::Limits;
use crate::subject::Subject;

pub(super) async fn run(args: args::Client) -> anyhow::Result<Exit> {
    let Some((program, rest)) = args.command.split_first() else {
        return Err(usage("there is no client to test; put its command line behind --"));
    };
    let agent = std::env::current_exe().context("cannot find this program, which is the agent that a client starts")?;
    let subject = Subject::Client { program: program.clone(), args: rest.to_vec(), agent };
    let limits = Limits { step: args.timeout, grace: args.grace, ..Limits::default() };
    let again = format!("acp-conformance client --select {{}} -- {}", args.command.join(" "));
    play(Plan { suites: vec![SUITE], subject, protocol: 1, limits, again }, &args.play).await
}
