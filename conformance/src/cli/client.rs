//! `acp-conformance client`.

use anyhow::Context as _;

use super::args;
use super::exit::{Exit, usage};
use super::play::{Plan, play};
use crate::Offer;
use crate::client::{REMOTE, SUITE};
use crate::probe::Limits;
use crate::subject::Subject;

pub(super) async fn run(args: args::Client) -> anyhow::Result<Exit> {
    let Some((program, rest)) = args.command.split_first() else {
        return Err(usage("there is no client to test; put its command line behind --"));
    };
    let suites = if args.listen.is_some() { vec![SUITE, REMOTE] } else { vec![SUITE] };
    let agent = std::env::current_exe().context("cannot find this program, which is the agent that a client starts")?;
    let (program, rest) = (program.clone(), rest.to_vec());
    let (subject, how) = match args.listen {
        None => (Subject::Client { program, args: rest, agent }, ""),
        Some(args::Listen::Ws) => (Subject::Caller { program, args: rest, offer: Offer::Socket }, "--listen ws "),
        Some(args::Listen::Http) => (Subject::Caller { program, args: rest, offer: Offer::Http }, "--listen http "),
    };
    let limits = Limits { step: args.timeout, grace: args.grace, ..Limits::default() };
    let again = format!("acp-conformance client --select {{}} {how}-- {}", args.command.join(" "));
    play(Plan { suites, subject, protocol: 1, limits, again }, &args.play).await
}
