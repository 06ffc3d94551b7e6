//! Peers that are good in another way than ours: each makes use of what the specification leaves to it, and may not be
//! told that it fails. What they do otherwise is done to the lines of the good mocks.

#[path = "freedoms/agent.rs"]
mod agent;
#[path = "freedoms/client.rs"]
mod client;

use std::sync::Arc;
use std::time::Duration;

use conformance::mock::{self, Breaks, Store};
use conformance::probe::Limits;
use conformance::schema::Schemas;
use conformance::subject::Subject;
use conformance::suite::{Options, Suite};
use conformance::verdict::Verdict;
use futures_util::StreamExt;

use agent::{Free, Way, Way::*};

/// Agents, each with what it does in its own way, and how many checks it has to pass at least.
const AGENTS: [(&[Way], usize); 12] = [
    (&[Codes, Strings, Pieces, Greeting, Depends], 140),
    (&[Nulls, Members, Chatter, Lines, OneQuestion, Terminals], 140),
    (&[Slow, Loads], 110),
    (&[Bare, Codes], 90),
    (&[Resumes], 110),
    (&[Forgetful], 110),
    (&[Login], 15),
    (&[Fails], 40),
    (&[Idle], 60),
    (&[Silent], 50),
    (&[GivesUp], 130),
    (&[Elsewhere], 130),
];

fn options() -> Options {
    let limit = Duration::from_secs(60);
    Options {
        select: Vec::new(),
        limits: Limits { step: limit, turn: limit, quiet: Duration::from_millis(50), grace: Duration::from_secs(2) },
        jobs: 6,
        schemas: Schemas::of(None, 1).expect("the newest schemas"),
    }
}

/// Clients, likewise.
const CLIENTS: [(&[client::Way], usize); 3] = [
    (&[client::Way::Codes, client::Way::Strings, client::Way::Members, client::Way::Notes, client::Way::Second], 70),
    (&[client::Way::Nulls, client::Way::Lines, client::Way::Cancels, client::Way::Slow], 70),
    (&[client::Way::Bare, client::Way::Errs], 50),
];

/// An agent that does these things in its own way.
fn subject(ways: &'static [Way]) -> Subject {
    let store = Store::default();
    let make = Box::new(move || {
        let forgets = ways.contains(&Forgetful);
        let breaks = match () {
            () if forgets => Breaks::of("DELETE-04").expect("a known break"),
            () if ways.contains(&Terminals) => Breaks::of("TERM-06").expect("a known break"),
            () => Breaks::default(),
        };
        let store = if forgets { Store::default() } else { store.clone() };
        mock::changed(mock::inside(breaks, store), Free::new(ways))
    });
    let name = format!("an agent with {ways:?}");
    // What a model does that is not ours is not the agent's doing.
    let own = [Fails, Idle, Silent, GivesUp, Elsewhere];
    match own.iter().any(|way| ways.contains(way)) {
        true => Subject::Free { name, make },
        false => Subject::Inside { name, make },
    }
}

/// A client that does these things in its own way.
fn client(ways: &'static [client::Way]) -> Subject {
    let make = Box::new(move || mock::changed(mock::client_inside(Breaks::default()), client::Free::new(ways)));
    Subject::Inside { name: format!("a client with {ways:?}"), make }
}

/// What is said of a subject that should not be: that it fails, or too little.
async fn accused(suite: Suite, subject: Subject, least: usize) -> Option<String> {
    let (name, options) = (subject.to_string(), options());
    let (histories, _) = suite.play(Arc::new(subject), suite.scenarios.iter().collect(), &options).await;
    // Judging takes a while and would hold up the others' scenarios.
    let results = tokio::task::spawn_blocking(move || suite.judge(&histories, &[], &options.schemas)).await;
    let results = results.expect("a judgement");
    let told: Vec<_> = results.iter().filter(|r| matches!(r.verdict, Verdict::Fail | Verdict::Error)).collect();
    let passed = results.iter().filter(|result| result.verdict == Verdict::Pass).count();
    (!told.is_empty() || passed < least).then(|| format!("{name}: {passed} passed, and {told:#?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_agent_fails_for_what_it_is_free_to_do() {
    let judged = futures_util::stream::iter(
        AGENTS.iter().map(|(ways, least)| accused(conformance::v1::agent::SUITE, subject(ways), *least)),
    );
    let accused: Vec<String> = judged.buffer_unordered(4).filter_map(std::future::ready).collect().await;
    assert!(accused.is_empty(), "{}", accused.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_client_fails_for_what_it_is_free_to_do() {
    let judged = futures_util::stream::iter(
        CLIENTS.iter().map(|(ways, least)| accused(conformance::v1::client::SUITE, client(ways), *least)),
    );
    let accused: Vec<String> = judged.buffer_unordered(4).filter_map(std::future::ready).collect().await;
    assert!(accused.is_empty(), "{}", accused.join("\n"));
}
