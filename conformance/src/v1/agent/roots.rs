//! The directories of a session: its own, and additional ones.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::core::check::{Check, all, call, fails, needs, succeeds};
use crate::core::history::{Call, Case};
use crate::core::probe::{Permit, Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Sessions with and without additional roots.
pub(super) const ROOTS: Scenario = Scenario {
    name: "roots",
    about: "reads in the session's directory and beside it, with an additional root there and without, and resumes",
    play: |probe| Box::pin(roots(probe)),
    checks: &[
        Check::new("SESS-07", the_own_directory_is_a_root),
        Check::new("SESS-18", |case| {
            needs!(case, "sessionCapabilities"."additionalDirectories");
            roots_are_those_of_the_request(case)
        }),
        Check::new("SESS-19", |case| {
            needs!(case, "sessionCapabilities"."additionalDirectories");
            succeeds(case, "with/new")
        }),
        Check::new("SESS-20", |case| {
            needs!(case, "sessionCapabilities"."additionalDirectories");
            all(["bad/relative", "bad/empty"].map(|label| fails(case, label)))
        }),
    ],
};

/// The sessions that have no additional root, each opened in another way.
const WITHOUT: [&str; 3] = ["empty", "resumed", "loaded"];

/// Directories of a scenario's sessions.
struct SessionRoots {
    home: PathBuf,
    more: PathBuf,
    further: PathBuf,
}

impl SessionRoots {
    fn new(probe: &Probe) -> Result<Self, Stop> {
        let [home, more, further] = ["home", prompts::BESIDE, "further"].map(|name| probe.path(name));
        for directory in [&home, &more, &further] {
            std::fs::create_dir_all(directory)?;
        }
        Ok(Self { home, more, further })
    }

    /// The params of a `session/new` here.
    fn session(&self, roots: Option<Value>) -> Value {
        let mut params = json!({ "cwd": self.home, "mcpServers": [] });
        if let Some(roots) = roots {
            params["additionalDirectories"] = roots;
        }
        params
    }
}

async fn roots(probe: &mut Probe) -> Result<(), Stop> {
    let agent = probe.begin().await?;
    let can = &agent["agentCapabilities"];
    let place = SessionRoots::new(probe)?;
    // Whatever has to be asked for is not to be had.
    probe.manners.permit = Permit::Reject;
    let none = made(probe, "none/new", place.session(None)).await?;
    look(probe, "none/own", &none, prompts::READ, &place.home).await?;
    if can["sessionCapabilities"]["additionalDirectories"].is_null() {
        return Ok(());
    }
    look(probe, "none/beside", &none, prompts::READ_BESIDE, &place.more).await?;
    let empty = made(probe, "empty/new", place.session(Some(json!([])))).await?;
    look(probe, "empty/beside", &empty, prompts::READ_BESIDE, &place.more).await?;
    let _ = probe.call("bad/relative", "session/new", place.session(Some(json!(["relative/path"])))).await?;
    let _ = probe.call("bad/empty", "session/new", place.session(Some(json!([""])))).await?;
    let with = made(probe, "with/new", place.session(Some(json!([place.more, place.further])))).await?;
    look(probe, "with/own", &with, prompts::READ, &place.home).await?;
    look(probe, "with/beside", &with, prompts::READ_BESIDE, &place.more).await?;
    let resumes = !can["sessionCapabilities"]["resume"].is_null();
    let ways = [("resumed", "session/resume", resumes), ("loaded", "session/load", can["loadSession"] == true)];
    let closes = !can["sessionCapabilities"]["close"].is_null();
    for (way, method, _) in ways.into_iter().filter(|(_, _, can)| *can) {
        if closes {
            let _ = probe.call(&format!("{way}/close"), "session/close", json!({ "sessionId": with })).await?;
        }
        probe.begin().await?;
        let mut params = place.session(None);
        params["sessionId"] = json!(with);
        if probe.call(&format!("{way}/open"), method, params).await?.is_ok() {
            look(probe, &format!("{way}/beside"), &with, prompts::READ_BESIDE, &place.more).await?;
        }
    }
    Ok(())
}

/// Makes a session.
async fn made(probe: &mut Probe, label: &str, params: Value) -> Result<String, Stop> {
    let made = probe.call(label, "session/new", params).await?;
    let refused = |error| Stop::Refused(format!("session/new was answered with {error}"));
    Ok(made.map_err(refused)?["sessionId"].as_str().unwrap_or_default().to_owned())
}

/// Content of the file that is read under this label: another for each.
fn mark(label: &str) -> String {
    format!("conformance-mark-{}", label.replace('/', "-"))
}

/// Has a file read that was not there before.
async fn look(probe: &mut Probe, label: &str, session: &str, sentence: &str, directory: &Path) -> Result<(), Stop> {
    std::fs::write(directory.join(prompts::INPUT), format!("{}\n", mark(label)))?;
    probe.prompt(label, session, sentence).await.map(drop)
}

/// Returns whether the model was given what the file says, which it repeats.
fn read(case: &Case<'_>, label: &str) -> Option<bool> {
    let call = case.call(label).filter(|call| call.answer.is_some())?;
    Some(case.said(call.request.index, call.until()).contains(&mark(label)))
}

/// A session without additional roots shows whether the agent can read at all.
fn the_own_directory_is_a_root(case: &Case<'_>) -> Outcome {
    let control = call!(case, "none/own");
    if read(case, "none/own") != Some(true) {
        return Outcome::NotExercised(format!("the agent has not read a file: {}", control.said()));
    }
    let Some(call) = case.call("with/own") else { return Outcome::Pass };
    match read(case, "with/own") {
        Some(true) => Outcome::Pass,
        Some(false) if case.is_scripted() => {
            let expected = "the file in the session's directory, as in a session without additional roots";
            let said = case.said(call.request.index, call.until());
            Outcome::broken(expected, format!("{said:?}"), call.places())
        }
        _ => Outcome::NotExercised("the agent has not read the file".to_owned()),
    }
}

/// Only an agent that reads beside its directory with the root, and not without, shows which roots it knows.
fn roots_are_those_of_the_request(case: &Case<'_>) -> Outcome {
    match (read(case, "none/beside"), read(case, "with/beside")) {
        (Some(false), Some(true)) => {}
        (Some(true), _) => return Outcome::NotExercised("the agent reads everywhere".to_owned()),
        (_, Some(false)) => return Outcome::NotExercised("the agent does not read in the root, either".to_owned()),
        _ => return Outcome::NotExercised(case.why_not("with/beside")),
    }
    let looked = |way: &str| case.call(&format!("{way}/beside")).map(|call| judge(case, way, &call));
    all(WITHOUT.iter().filter_map(|way| looked(way)))
}

fn judge(case: &Case<'_>, way: &str, call: &Call<'_>) -> Outcome {
    match read(case, &format!("{way}/beside")) {
        Some(false) => Outcome::Pass,
        // What a server makes of the roots of a session that is open there is not said.
        Some(true) if may_be_open(case, way) => {
            Outcome::NotExercised("the session may be open in the server".to_owned())
        }
        Some(true) => {
            let expected = "a session that reads in its own directory only";
            Outcome::broken(expected, "it reads where a root was that this request does not name", call.places())
        }
        None => Outcome::NotExercised(call.said()),
    }
}

/// Returns whether the session that was opened once more was served on another connection before, and not closed there.
fn may_be_open(case: &Case<'_>, way: &str) -> bool {
    let closed = case.call(&format!("{way}/close")).is_some_and(|call| call.result().is_some());
    way != "empty" && !closed && case.note("transport").is_some()
}
