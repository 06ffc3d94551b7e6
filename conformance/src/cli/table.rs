//! The table of requirements: where each is checked, by which broken peer that is proven, and what is not and why.

use std::fmt::Write as _;

use crate::core::catalogue::{self, Requirement};
use crate::core::suite::Suite;
use crate::mock;
use crate::suites;

/// Where a requirement is checked.
pub(super) fn checked(requirement: &Requirement) -> Vec<&'static str> {
    suites::all()
        .iter()
        .flat_map(Suite::checks)
        .filter(|(check, _)| check.requirement().is_some_and(|of| of.id == requirement.id))
        .map(|(_, scenario)| scenario.map_or("every scenario", |scenario| scenario.name))
        .collect()
}

/// The broken peers that fail the checks of a requirement. What stands before the id makes the peer.
fn proven(requirement: &Requirement) -> Vec<String> {
    let peers = [
        ("mock-agent", mock::agent_breaks()),
        ("mock-client", mock::client_breaks()),
        ("mock-agent --protocol 2", mock::v2_agent_breaks()),
        ("mock-client", mock::remote_client_breaks()),
        ("mock-client --protocol 2", mock::v2_client_breaks()),
        ("bridge", mock::bridge_breaks()),
        ("durable bridge", mock::durable_breaks()),
        ("WebSocket server", mock::socket_breaks()),
        ("HTTP server", mock::http_breaks()),
    ];
    let of = |id: &str| catalogue::find(id).is_some_and(|of| of.id == requirement.id);
    let fails = |(peer, breaks): (&'static str, &'static [(&'static str, &'static [&'static str])])| {
        breaks.iter().filter(move |(id, _)| of(id)).map(move |(id, _)| format!("{peer} {id}"))
    };
    peers.into_iter().flat_map(fails).collect()
}

/// The reason why it is not checked.
fn gap(requirement: &Requirement) -> &str {
    let how = |code: &str| requirement.how.split([',', ' ']).any(|of| of == code);
    match catalogue::gap(&requirement.id) {
        Some(why) => why,
        None if requirement.how == "M" => "a person has to judge it",
        None if requirement.how == "N" => "cannot be seen from outside",
        None if how("C*") && !how("C") => "a client would have to be driven",
        None => "not yet",
    }
}

/// The table as Markdown.
pub(super) fn markdown<'r>(requirements: impl Iterator<Item = &'r Requirement>) -> String {
    let mut out =
        String::from("| Id | Level | Who | Requirement | Checked in | Broken peer |\n|---|---|---|---|---|---|\n");
    for requirement in requirements {
        let Requirement { id, level, who, text, .. } = requirement;
        let text = text.replace('|', "\\|");
        let who = format!("{who:?}").to_lowercase();
        let mut scenarios = checked(requirement);
        scenarios.dedup();
        let (place, proof) = match scenarios.is_empty() {
            true => (format!("not: {}", gap(requirement)), String::new()),
            false => (scenarios.join(", "), proven(requirement).join(", ")),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "| {id} | {level} | {who} | {text} | {place} | {proof} |");
    }
    out
}
