//! The table of requirements: where each is checked, by which broken peer that is proven, and what is not and why.

use std::fmt::Write as _;

use crate::agent::SUITE;
use crate::catalogue::{self, Requirement, Who};
use crate::mock;

/// Where a requirement is checked.
pub(super) fn checked(requirement: &Requirement) -> Vec<&'static str> {
    SUITE
        .checks()
        .filter(|(check, _)| check.requirement().is_some_and(|of| of.id == requirement.id))
        .map(|(_, scenario)| scenario.map_or("every scenario", |scenario| scenario.name))
        .collect()
}

/// The broken peers that fail the checks of a requirement.
fn proven(requirement: &Requirement) -> Vec<String> {
    let of = |id: &&str| catalogue::find(id).is_some_and(|of| of.id == requirement.id);
    let agents = mock::agent_breaks().iter().map(|(id, _)| *id).filter(of);
    agents.map(|id| format!("`mock-agent --fail {id}`")).collect()
}

/// Why it is not checked.
fn gap(requirement: &Requirement) -> &str {
    let how = |code: &str| requirement.how.split([',', ' ']).any(|of| of == code);
    match catalogue::gap(&requirement.id) {
        Some(why) => why,
        None if requirement.how == "M" => "a person has to judge it",
        None if requirement.how == "N" => "cannot be seen from outside",
        None if requirement.id.starts_with("V2-") => "version 2 is not tested yet",
        None if requirement.who == Who::Client => "clients are not tested yet",
        None if matches!(requirement.who, Who::Bridge | Who::Server) => "bridges and servers are not tested yet",
        None if how("C") && !how("A") && !how("P") => "clients are not tested yet",
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
