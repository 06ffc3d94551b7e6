//! `acp-conformance list` and `explain`.

use std::fmt::Write as _;
use std::io::Write as _;

use acp_types::printable;

use super::exit::{Exit, usage};
use super::table::checked;
use super::{args, table};
use crate::core::catalogue::{self, Level, Requirement};
use crate::core::verdict::Outcome;

pub(super) fn list(args: &args::List) -> anyhow::Result<Exit> {
    let selected = |r: &&Requirement| args.select.is_empty() || args.select.iter().any(|s| r.is_selected_by(s));
    let mut out = if args.markdown { table::markdown(catalogue::all().iter().filter(selected)) } else { String::new() };
    for requirement in catalogue::all().iter().filter(selected).filter(|_| !args.markdown) {
        let where_ = checked(requirement).join(", ");
        let Requirement { id, level, text, .. } = requirement;
        if args.json {
            let mut line = serde_json::to_value(requirement)?;
            line["checked_in"] = serde_json::to_value(checked(requirement))?;
            writeln!(out, "{}", printable::json(&line.to_string()))?;
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
        let family = catalogue::all().iter().any(|requirement| requirement.is_selected_by(&args.id));
        let (id, hint) = (&args.id, catalogue::hint(&args.id));
        return Err(usage(match family {
            true => format!("{id} is a family; `acp-conformance list --select {id}` shows its requirements"),
            false => format!("there is no requirement {id}; {hint}`acp-conformance list` shows them all"),
        }));
    };
    let mut out = String::new();
    writeln!(out, "{} {}\n\n{}\n", requirement.id, requirement.level, requirement.text)?;
    let broken = Outcome::broken("", "", Vec::new()).verdict(requirement.level).as_str();
    let word = match requirement.level {
        Level::Indicative => "a plain sentence that can only be meant as a duty",
        Level::Derived => "in no sentence of the specification, but what others rest on",
        _ => "the word of the specification",
    };
    writeln!(out, "Level:      {}: {word}; not met it is told as {broken}", requirement.level)?;
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
