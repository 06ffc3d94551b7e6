//! `acp-conformance client`.

use anyhow::Context as _;

use super::args;
use super::exit::{Exit, usage};
use super::play::{Plan, play};
use crate::core::link::Offer;
use crate::core::probe::Limits;
use crate::core::subject::Subject;
use crate::v1::client::{REMOTE, SUITE};
use crate::v2;

pub(super) async fn run(args: args::Client) -> anyhow::Result<Exit> {
    let Some((program, rest)) = args.command.split_first() else {
        return Err(usage("there is no client to test; put its command line behind --"));
    };
    let protocol = args.protocol;
    let suites = match (protocol, args.listen) {
        (2, Some(_)) => {
            return Err(usage("--protocol 2 is tested with clients that start their agent: leave --listen out"));
        }
        (2, None) => vec![v2::client::SUITE],
        (_, Some(_)) => vec![SUITE, REMOTE],
        (_, None) => vec![SUITE],
    };
    let agent = std::env::current_exe().context("cannot find this program, which is the agent that a client starts")?;
    let (program, rest) = (program.clone(), rest.to_vec());
    let (subject, how) = match args.listen {
        None if protocol == 2 => (Subject::Client { program, args: rest, agent }, "--protocol 2 "),
        None => (Subject::Client { program, args: rest, agent }, ""),
        Some(args::Listen::Ws) => (Subject::Caller { program, args: rest, offer: Offer::Socket }, "--listen ws "),
        Some(args::Listen::Http) => (Subject::Caller { program, args: rest, offer: Offer::Http }, "--listen http "),
    };
    let limits = Limits { step: args.timeout, grace: args.grace, ..Limits::default() };
    let again = format!("acp-conformance client {how}--select {{}} -- {}", args.command.join(" "));
    play(Plan { suites, subject, protocol, limits, again }, &args.play).await
}
