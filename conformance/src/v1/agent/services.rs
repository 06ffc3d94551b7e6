//! Services of a client that has everything, and of one that has nothing, as the agent uses them.

use serde_json::{Value, json};

use crate::core::check::{Check, call};
use crate::core::history::{Call, Case};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// Content of the file that is read.
const MARK: &str = "conformance-mark-4711";

/// Files, commands and questions.
pub(super) const SERVICES: Scenario = Scenario {
    name: "services",
    about: "lets the agent read, write, run a command and ask, with a client that has everything and one that has nothing",
    play: |probe| Box::pin(services(probe)),
    checks: &[
        Check::new("PROMPT-14", results_reach_the_model),
        Check::new("TOOL-01", the_tool_is_reported),
        Check::new("FS-08", null_and_empty_are_the_same),
        Check::new("FS-10", a_refused_read_ends_nothing),
        Check::new("SESS-06", relative_paths_stay_below_cwd),
        Check::new("ELICIT-02", |case| {
            let call = call!(case, "without/question");
            went_on(&call)
        }),
    ],
};

async fn services(probe: &mut Probe) -> Result<(), Stop> {
    probe.capabilities = json!({
        "fs": { "readTextFile": true, "writeTextFile": true },
        "terminal": true,
        "elicitation": { "form": {}, "url": {} },
        "session": { "notices": {}, "compaction": {} },
    });
    (probe.manners.files, probe.manners.terminals) = (true, true);
    let agent = probe.begin().await?;
    let session = probe.session("with/new").await?;
    let _ = probe.prompt("with/reply", &session, prompts::REPLY).await?;
    // What comes behind the answer has to come before the next prompt to be seen.
    probe.quiet("with/reply/after").await?;
    // The file is not there yet.
    let _ = probe.prompt("with/missing", &session, prompts::READ).await?;
    std::fs::write(probe.path(prompts::INPUT), format!("{MARK}\n"))?;
    let _ = probe.prompt("with/read", &session, prompts::READ).await?;
    for (label, null) in [("with/write-empty", false), ("with/write-null", true)] {
        let session = probe.session(&format!("{label}/new")).await?;
        probe.manners.null = null;
        let _ = probe.prompt(label, &session, prompts::WRITE).await?;
        // What was not written need not be removed.
        let _ = std::fs::remove_file(probe.path(prompts::NOTE));
    }
    probe.manners.null = false;
    let session = probe.session("with/terminal/new").await?;
    let _ = probe.prompt("with/terminal", &session, prompts::TERMINAL).await?;
    // What a terminal is needed for may end a little after its turn, and ends with its session.
    probe.quiet("with/terminal/after").await?;
    if !agent["agentCapabilities"]["sessionCapabilities"]["close"].is_null() {
        let _ = probe.call("with/terminal/close", "session/close", json!({ "sessionId": session })).await?;
        probe.quiet("with/terminal/closed").await?;
    }
    let session = probe.session("with/question/new").await?;
    let _ = probe.prompt("with/question", &session, prompts::QUESTION).await?;
    without(probe).await
}

/// The same with a client that has nothing, in a session with another root where the agent takes them.
async fn without(probe: &mut Probe) -> Result<(), Stop> {
    probe.capabilities = json!({});
    let agent = probe.begin().await?;
    let mut params = probe.new_session();
    if !agent["agentCapabilities"]["sessionCapabilities"]["additionalDirectories"].is_null() {
        let more = probe.path("more");
        std::fs::create_dir_all(&more)?;
        params["additionalDirectories"] = json!([more]);
    }
    let session = match probe.call("without/new", "session/new", params).await? {
        Ok(result) => result["sessionId"].as_str().unwrap_or_default().to_owned(),
        Err(error) => return Err(Stop::Refused(format!("session/new was answered with {error}"))),
    };
    let _ = probe.prompt("without/read", &session, prompts::READ).await?;
    let _ = probe.prompt("without/write", &session, prompts::WRITE).await?;
    let [cwd, more] = [".", "more"].map(|folder| probe.path(folder).join(prompts::NOTE).exists());
    probe.note("without/written", json!({ "cwd": cwd, "more": more }));
    let _ = probe.prompt("without/terminal", &session, prompts::TERMINAL).await?;
    let _ = probe.prompt("without/question", &session, prompts::QUESTION).await?;
    Ok(())
}

/// Returns whether a tool call was reported in a turn.
fn reported(case: &Case<'_>, call: &Call<'_>) -> bool {
    case.received().any(|message| {
        message.update_kind() == Some("tool_call") && message.index > call.request.index && message.index < call.until()
    })
}

/// The model repeats what it was given back.
fn results_reach_the_model(case: &Case<'_>) -> Outcome {
    let call = call!(case, "without/read");
    if call.result().is_none() || !reported(case, &call) {
        return Outcome::NotExercised("the agent has not read the file with a tool".to_owned());
    }
    let said = case.said(call.request.index, call.until());
    if said.contains(MARK) {
        return Outcome::Pass;
    }
    if !case.is_scripted() {
        return Outcome::NotExercised("the model did not say what the file says".to_owned());
    }
    Outcome::broken(format!("the text {MARK}, which the model repeats"), format!("{said:?}"), call.places())
}

fn the_tool_is_reported(case: &Case<'_>) -> Outcome {
    let call = call!(case, "without/terminal");
    match (reported(case, &call), case.is_scripted()) {
        (true, _) => Outcome::Pass,
        (false, false) => Outcome::NotExercised("nothing shows that the model wanted a tool".to_owned()),
        (false, true) if call.result().is_none() => Outcome::NotExercised(call.said()),
        (false, true) => Outcome::broken("a tool_call", "none", call.places()),
    }
}

/// Returns whether the agent asked the client for this within a turn.
fn asked(case: &Case<'_>, method: &str, call: &Call<'_>) -> bool {
    let asked = case.asked(method);
    asked.iter().any(|asked| asked.request.index > call.request.index && asked.request.index < call.until())
}

/// The turn was answered, whatever it came to.
pub(super) fn went_on(call: &Call<'_>) -> Outcome {
    match call.result() {
        Some(_) => Outcome::Pass,
        None if call.error().is_some() => Outcome::doubtful("a result", call.said(), call.places()),
        None => Outcome::broken("an answer to the prompt", "none", call.places()),
    }
}

/// A turn that ends well with one answer and in an error with the other tells them apart. Where both end in an error it
/// may be the model's (AMB-28).
fn null_and_empty_are_the_same(case: &Case<'_>) -> Outcome {
    let (empty, null) = (call!(case, "with/write-empty"), call!(case, "with/write-null"));
    if [&empty, &null].iter().any(|call| !asked(case, "fs/write_text_file", call)) {
        return Outcome::NotExercised("the agent does not write through the client".to_owned());
    }
    let broken = |call: &Call<'_>| Outcome::broken("a turn that goes on", call.said(), call.places());
    match (empty.result(), null.result()) {
        (Some(_), Some(_)) => Outcome::Pass,
        (Some(_), None) => broken(&null),
        (None, Some(_)) => broken(&empty),
        (None, None) => Outcome::NotExercised(format!("the turns ended with {}", empty.said())),
    }
}

fn a_refused_read_ends_nothing(case: &Case<'_>) -> Outcome {
    let call = call!(case, "with/missing");
    if !asked(case, "fs/read_text_file", &call) {
        return Outcome::NotExercised("the agent does not read through the client".to_owned());
    }
    Outcome::pass_if(call.answer.is_some(), || Outcome::broken("an answer to the prompt", "none", call.places()))
}

fn relative_paths_stay_below_cwd(case: &Case<'_>) -> Outcome {
    let call = call!(case, "without/write");
    let made = case.call("without/new");
    if made.and_then(|made| made.request.params()).is_none_or(|params| params["additionalDirectories"].is_null()) {
        return Outcome::NotApplicable("the agent does not have sessionCapabilities.additionalDirectories".to_owned());
    }
    let Some(written) = case.note("without/written") else {
        return Outcome::NotExercised(case.why_not("without/written"));
    };
    match (&written["cwd"], &written["more"]) {
        (Value::Bool(true), Value::Bool(false)) => Outcome::Pass,
        (_, Value::Bool(true)) if case.is_scripted() => {
            Outcome::broken("a file below cwd", "it is below the other root", call.places())
        }
        (_, Value::Bool(true)) => Outcome::NotExercised("the model may have chosen the other root".to_owned()),
        _ => Outcome::NotExercised("the agent has not written the file".to_owned()),
    }
}
