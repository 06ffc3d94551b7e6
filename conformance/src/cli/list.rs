//! `acp-conformance list` and `explain`.

use std::fmt::Write as _;
use std::io::Write as _;

use super::args;
use super::exit::{Exit, usage};
use crate::agent::{SOCKET, SUITE};
use crate::catalogue::{self, Requirement};
use crate::suite::Suite;
use crate::{bridge, client, http};

/// Where a requirement is checked.
fn checked(requirement: &Requirement) -> Vec<&'static str> {
    [SUITE, SOCKET, http::SUITE, client::SUITE, bridge::SUITE, bridge::DURABLE]
        .iter()
        .flat_map(Suite::checks)
        .filter(|(check, _)| check.requirement().is_some_and(|of| of.id == requirement.id))
        .map(|(_, scenario)| scenario.map_or("every scenario", |scenario| scenario.name))
        .collect()
}

pub(super) fn list(args: &args::List) -> anyhow::Result<Exit> {
    let mut out = String::new();
    if args.markdown {
        out.push_str(
            "| Id | Level | Who | Requirement | Source | Checked in |\n| --- | --- | --- | --- | --- | --- |\n",
        );
    }
    let selected = |r: &&Requirement| args.select.is_empty() || args.select.iter().any(|s| r.is_selected_by(s));
    for requirement in catalogue::all().iter().filter(selected) {
        let where_ = checked(requirement).join(", ");
        let Requirement { id, level, text, source, .. } = requirement;
        if args.markdown {
            let text = text.replace('|', "\\|");
            let who = serde_json::to_value(requirement.who)?;
            writeln!(out, "| {id} | {level} | {} | {text} | {source} | {where_} |", who.as_str().unwrap_or_default())?;
        } else if args.json {
            let mut line = serde_json::to_value(requirement)?;
            line["checked_in"] = serde_json::to_value(checked(requirement))?;
            writeln!(out, "{line}")?;
        } else {
            let mark = if where_.is_empty() { " " } else { "*" };
            writeln!(out, "{mark} {id:<20} {level:<10} {text}")?;
        }
    }
    if out.is_empty() {
        return Err(usage(format!("{} selects nothing", args.select.join(" "))));
    }
    std::io::stdout().lock().write_all(out.as_bytes())?;
    Ok(Exit::Ok)
}

pub(super) fn explain(args: &args::Explain) -> anyhow::Result<Exit> {
    let Some(requirement) = catalogue::find(&args.id) else {
        return Err(usage(format!("there is no requirement {}; `acp-conformance list` shows them all", args.id)));
    };
    let mut out = String::new();
    writeln!(out, "{} {}\n\n{}\n", requirement.id, requirement.level, requirement.text)?;
    if let Some(expect) = &requirement.expect {
        writeln!(out, "Shown by:   {expect}")?;
    }
    if let Some(needs) = &requirement.needs {
        writeln!(out, "Needs:      {needs}")?;
    }
    writeln!(out, "How:        {}", requirement.how)?;
    writeln!(out, "Source:     {}", requirement.source)?;
    if let Some(page) = requirement.page() {
        writeln!(out, "Page:       {page}")?;
    }
    let scenarios = checked(requirement);
    let scenarios = if scenarios.is_empty() { "nowhere".to_owned() } else { scenarios.join(", ") };
    writeln!(out, "Checked in: {scenarios}")?;
    std::io::stdout().lock().write_all(out.as_bytes())?;
    Ok(Exit::Ok)
}
