//! Files that the client reads and writes.

use std::path::Path;

use serde_json::{Value, json};

use super::stage::{begin, has, offered, workshop};
use crate::core::check::{Check, all, call};
use crate::core::history::{Case, brief};
use crate::core::probe::{Host, Probe, SESSION, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// Reading and writing.
pub(super) const FILES: Scenario = Scenario {
    name: "client-files",
    about: "reads and writes files through a client that offers it",
    play: |probe| Box::pin(files(probe)),
    checks: &[
        Check::new("ERR-07", absent_files_are_not_found),
        Check::new("FS-03", |case| all(TEXTS.map(|(name, text)| reads(case, &format!("read/{name}"), &[text])))),
        Check::new("FS-04", |case| reads(case, "read/lines", &["line 3\nline 4", "line 3\nline 4\n"])),
        Check::new("FS-06", |case| on_disk(case, "write/new", NEW)),
        Check::new("FS-07", |case| on_disk(case, "write/again", AGAIN)),
        Check::new("FS-08", |case| all(["write/new", "write/again"].map(|label| says_nothing(case, label)))),
        Check::new("FS-11", files_outside_are_out_of_reach),
    ],
};

/// Files by name and content.
const TEXTS: [(&str, &str); 3] =
    [("text", "eins\nzwei \u{2014} drei \u{1f680}\n\n\tvier\n"), ("empty", ""), ("open", "no newline at the end")];
/// Content of a file that is in none of the session's directories.
const OUTSIDE: &str = "not for this session\n";
/// A file that was not there.
const NEW: &str = "first version,\nwhich is longer than the second \u{fc}\n";
/// The content that overwrites it.
const AGAIN: &str = "second\n";

async fn files(probe: &mut Probe) -> Result<(), Stop> {
    let turn = begin(probe, "turn", Host::default()).await?;
    let work = workshop(probe)?;
    let at = |name: &str| json!({ "sessionId": SESSION, "path": work.path().join(name) });
    if has(probe, &["fs", "readTextFile"]) {
        for (name, text) in TEXTS {
            std::fs::write(work.path().join(name), text)?;
            let _ = probe.call(&format!("read/{name}"), "fs/read_text_file", at(name)).await?;
        }
        let lines: String = (1..=10).map(|line| format!("line {line}\n")).collect();
        std::fs::write(work.path().join("lines"), lines)?;
        let mut slice = at("lines");
        (slice["line"], slice["limit"]) = (json!(3), json!(2));
        let _ = probe.call("read/lines", "fs/read_text_file", slice).await?;
        let _ = probe.call("read/absent", "fs/read_text_file", at("absent")).await?;
        let elsewhere = tempfile::Builder::new().prefix("acp-conformance-").tempdir()?;
        let outside = elsewhere.path().join("outside");
        std::fs::write(&outside, OUTSIDE)?;
        let params = json!({ "sessionId": SESSION, "path": outside });
        let _ = probe.call("read/outside", "fs/read_text_file", params).await?;
    }
    if has(probe, &["fs", "writeTextFile"]) {
        for (label, text) in [("write/new", NEW), ("write/again", AGAIN)] {
            let mut params = at("written");
            params["content"] = json!(text);
            let _ = probe.call(label, "fs/write_text_file", params).await?;
            probe.note(label, content(&work.path().join("written")));
        }
    }
    turn.done(probe).await
}

/// Content of a file, or null.
fn content(path: &Path) -> Value {
    std::fs::read(path).map_or(Value::Null, |bytes| json!(String::from_utf8_lossy(&bytes)))
}

fn absent_files_are_not_found(case: &Case<'_>) -> Outcome {
    offered!(case, "fs"."readTextFile");
    crate::core::check::fails_with(case, "read/absent", -32002)
}

fn reads(case: &Case<'_>, label: &str, wanted: &[&str]) -> Outcome {
    offered!(case, "fs"."readTextFile");
    let call = call!(case, label);
    if call.answer.is_none() {
        return Outcome::NotExercised(case.why_not(label));
    }
    let content = call.result().and_then(|result| result["content"].as_str());
    Outcome::pass_if(content.is_some_and(|content| wanted.contains(&content)), || {
        Outcome::broken(format!("the content {}", brief(&json!(wanted[0]))), call.said(), call.places())
    })
}

fn on_disk(case: &Case<'_>, label: &str, wanted: &str) -> Outcome {
    offered!(case, "fs"."writeTextFile");
    let call = call!(case, label);
    let Some(found) = case.note(label) else { return Outcome::NotExercised(case.why_not(label)) };
    Outcome::pass_if(found == wanted, || {
        let actual = format!("{} and {}", call.said(), brief(found));
        Outcome::broken(format!("a file with {}", brief(&json!(wanted))), actual, call.places())
    })
}

/// Null and an object are both right (AMB-26).
fn says_nothing(case: &Case<'_>, label: &str) -> Outcome {
    offered!(case, "fs"."writeTextFile");
    let call = call!(case, label);
    match call.result() {
        Some(Value::Null | Value::Object(_)) => Outcome::Pass,
        Some(_) => Outcome::broken("null or an object", call.said(), call.places()),
        None => Outcome::NotExercised(format!("{label}: {}", call.said())),
    }
}

/// Only a client that says it confines agents has to: what it does is told.
fn files_outside_are_out_of_reach(case: &Case<'_>) -> Outcome {
    offered!(case, "fs"."readTextFile");
    let call = call!(case, "read/outside");
    let path = call.request.params().and_then(|params| params["path"].as_str()).unwrap_or_default();
    let made = case.asked("session/new");
    let params = made.first().and_then(|made| made.request.params()).unwrap_or(&Value::Null);
    let more = params["additionalDirectories"].as_array().into_iter().flatten();
    let mut roots = std::iter::once(&params["cwd"]).chain(more).filter_map(Value::as_str);
    if roots.any(|root| Path::new(path).starts_with(root)) {
        return Outcome::NotExercised("the file is in a directory of the session".to_owned());
    }
    match call.result() {
        Some(result) if result["content"] == OUTSIDE => {
            Outcome::Info("agents read files outside of the session's directories through the client".to_owned())
        }
        _ if call.error().is_some() => Outcome::Pass,
        _ => Outcome::NotExercised(call.said()),
    }
}
