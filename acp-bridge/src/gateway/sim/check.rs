//! What each client saw against what the log says, once everything has settled.

use std::collections::{BTreeMap, HashMap, HashSet};

use acp_types::RawBuf;
use acp_types::record::body::{Outcome, PromptQueued, Resolved};
use acp_types::record::{Kind, Origin, Seq, Turn};
use serde_json::Value;

use super::client::{Client, Fate};
use super::world::World;

pub(super) fn promises(world: &World) {
    let turns = turns(world);
    for (key, count) in &world.given {
        assert_eq!(*count, 1, "P6: prompt {key} was given to the agent {count} times");
    }
    if world.agent.links {
        let (interrupted, died) = (world.faults.interrupted, world.faults.agent);
        assert!(interrupted <= died, "P7: {interrupted} turns were interrupted and the agent died {died} times");
    }
    words(world);
    requests(world);
    for client in &world.clients {
        updates(world, client);
        prompts(client, &turns);
    }
}

/// Every accepted prompt by its key, with how its turn ended: exactly once (P6, P7).
fn turns(world: &World) -> BTreeMap<String, (Turn, Outcome)> {
    let mut keys: BTreeMap<String, Turn> = BTreeMap::new();
    let mut ends: HashMap<Turn, Outcome> = HashMap::new();
    for record in &world.log.records {
        match record.kind {
            Kind::PromptQueued => {
                let key = record.decode::<PromptQueued>().expect("a prompt").key.expect("a key");
                assert!(keys.insert(key.clone(), record.seq).is_none(), "P6: {key} was accepted twice");
            }
            Kind::TurnEnded => {
                let turn = record.turn.expect("a turn");
                let outcome = record.decode().expect("an outcome");
                assert!(ends.insert(turn, outcome).is_none(), "P7: turn {turn} ended twice");
            }
            _ => {}
        }
    }
    let ended = keys.into_iter().map(|(key, turn)| {
        let outcome = ends.get(&turn).unwrap_or_else(|| panic!("P7: turn {turn} has no end")).clone();
        (key, (turn, outcome))
    });
    ended.collect()
}

/// What the agent said is in the log once and in order (P1), and all of it if the agent never died while it was connected
/// over a link.
fn words(world: &World) {
    let of_agent = world.log.records.iter().filter(|r| r.kind == Kind::Update && r.origin == Origin::Agent);
    let number = |body: &RawBuf| -> Option<u64> {
        body.as_raw().path(&["update", "content", "text"])?.as_string()?.trim().parse().ok()
    };
    let heard: Vec<u64> = of_agent.map(|record| number(&record.body).expect("a number")).collect();
    assert!(heard.is_sorted_by(|one, next| one < next), "P1: {heard:?}");
    if let Some(said) = world.agent.said_in_one_run() {
        assert!(
            heard.iter().copied().eq(1..=said),
            "P1: the agent said {said} things, and this is in the log: {heard:?}"
        );
    }
}

/// Every question has one answer in the log, and the agent got one at most (P8).
fn requests(world: &World) {
    let mut open = HashSet::new();
    for record in &world.log.records {
        match record.kind {
            Kind::PermissionRequested => assert!(open.insert(record.seq)),
            Kind::PermissionResolved => {
                let Resolved { request, .. } = record.decode().expect("an answer");
                assert!(open.remove(&request), "P8: request {request} was answered twice");
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "P8: nobody has answered {open:?}");
    for (question, answers) in &world.agent.answers {
        assert_eq!(*answers, 1, "P8: the agent got {answers} answers to question {question}");
    }
}

/// The client was shown every update once and in order, its own words aside (P3).
fn updates(world: &World, client: &Client) {
    let mut shown = client.shown.iter();
    let mut next = shown.next();
    for record in world.log.records.iter().filter(|record| record.kind == Kind::Update) {
        if next.is_some_and(|next| next.seq == record.seq) {
            next = shown.next();
            continue;
        }
        // Words that it said itself, on the connection on which it would have been shown them.
        let own = format!("client {} connection ", client.name);
        let by = record.origin.client().map(|by| by.to_string()).unwrap_or_default();
        assert!(by.starts_with(&own), "P3: client {} lost update {}", client.name, record.seq);
    }
    assert!(next.is_none(), "P3: client {} was shown {next:?}, which the log does not have", client.name);
}

/// The client's answers are what the log says (P2, P7).
fn prompts(client: &Client, turns: &BTreeMap<String, (Turn, Outcome)>) {
    for (key, fate) in &client.prompts {
        let Fate::Answered(answer) = fate else { panic!("{key} was never answered") };
        let Some((turn, outcome)) = turns.get(key) else {
            panic!("P2: {key} was answered with {answer} and is not in the log")
        };
        let ours = if answer["error"].is_null() {
            &answer["result"]["_meta"]["acp-bridge"]
        } else {
            &answer["error"]["data"]["acp-bridge"]
        };
        let said: (Option<Seq>, &Value) = (ours["turn"].as_u64(), &ours["outcome"]);
        assert_eq!(said, (Some(*turn), &Value::from(outcome.name())), "{key}: {answer}");
    }
}
