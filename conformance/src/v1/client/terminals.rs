//! Terminals that the client runs.

mod commands;
mod limits;

use std::time::Duration;

use serde_json::{Value, json};

use commands::{create, output, run};

use super::permission::one_answer_when_taken_back;
use super::stage::{begin, has, offered, workshop};
use crate::core::check::{Check, all, call, fails, fails_with};
use crate::core::history::Case;
use crate::core::probe::{Host, Probe, SESSION, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

pub(super) use limits::LIMITS;

/// Commands that end, that go on, that are killed, and that cannot be run.
pub(super) const TERMINALS: Scenario = Scenario {
    name: "client-terminals",
    about: "runs commands through a client that offers terminals: waits for them, kills them, releases them",
    play: |probe| Box::pin(terminals(probe)),
    checks: &[
        Check::new("ERR-07/a", |case| {
            offered!(case, "terminal");
            fails_with(case, "unknown/output", -32002)
        }),
        Check::new("ERR-11", a_cancelled_request_says_so),
        Check::new("CANCEL-17/a", |case| {
            offered!(case, "terminal");
            one_answer_when_taken_back(case, "long/wait")
        }),
        Check::new("TERM-03", all_methods_are_there),
        Check::new("TERM-04", create_does_not_wait),
        Check::new("TERM-05", arguments_environment_and_directory_count),
        Check::new("TERM-10", output_does_not_wait),
        Check::new("TERM-11", waiting_tells_the_code_and_holds_nothing_up),
        Check::new("TERM-12", killing_ends_the_command_and_not_the_terminal),
        Check::new("TERM-14", releasing_kills),
        Check::new("TERM-15", |case| {
            offered!(case, "terminal");
            after_release(case)
        }),
        Check::new("TERM-18", nothing_hangs),
    ],
};

/// Quiet windows, at most, in which a command has to begin, and in which a released one has to end.
const WINDOWS: usize = 20;
/// Quiet windows without a sign of life that show that it has.
const DEAD: usize = 5;

async fn terminals(probe: &mut Probe) -> Result<(), Stop> {
    let turn = begin(probe, "turn", Host::default()).await?;
    if !has(probe, &["terminal"]) {
        return turn.done(probe).await;
    }
    let work = workshop(probe)?;
    std::fs::create_dir(work.path().join("conformance-inner"))?;
    let place = json!({
        "cwd": work.path().join("conformance-inner"),
        "env": [{ "name": "CONFORMANCE_WORD", "value": "g\u{fc}lden $HOME" }],
    });
    run(probe, "echo", r#"printf '%s|%s|' "$1" "$CONFORMANCE_WORD"; pwd; exit 3"#, place).await?;

    // Ends by itself only after everything else.
    if let Some(long) = create(probe, "long/create", "echo begun; exec sleep 20", json!({})).await? {
        let _ = probe.call("long/output", "terminal/output", long.clone()).await?;
        let wait = probe.ask("long/wait", "terminal/wait_for_exit", long.clone()).await?;
        let _ = probe.call("long/meanwhile", "terminal/output", long.clone()).await?;
        probe.notify("long/take-back", "$/cancel_request", json!({ "requestId": wait })).await?;
        let _ = probe.call("long/after-take-back", "terminal/output", long.clone()).await?;
        probe.quiet("long/taken-back").await?;
        let _ = probe.call("long/kill", "terminal/kill", long.clone()).await?;
        let _ = probe.call("long/killed/wait", "terminal/wait_for_exit", long.clone()).await?;
        let _ = probe.call("long/killed/output", "terminal/output", long.clone()).await?;
        let _ = probe.call("long/release", "terminal/release", long.clone()).await?;
        let _ = probe.call("long/released", "terminal/output", long).await?;
    }

    let beats = work.path().join("beats");
    let heart = r#"while :; do echo beat >> "$BEATS"; sleep 0.02; done"#;
    let env = json!({ "env": [{ "name": "BEATS", "value": beats }] });
    if let Some(heart) = create(probe, "heart/create", heart, env).await? {
        let length = || std::fs::metadata(&beats).map_or(0, |file| file.len());
        for _ in 0..WINDOWS {
            probe.quiet("heart/beating").await?;
            if length() > 0 {
                break;
            }
        }
        let alive = length();
        let _ = probe.call("heart/release", "terminal/release", heart).await?;
        let mut same = 0;
        // A kill may take its time, and so may a beat on a busy machine.
        for _ in 0..WINDOWS {
            let before = length();
            probe.quiet("heart/dying").await?;
            same = if length() == before { same + 1 } else { 0 };
            if same == DEAD {
                break;
            }
        }
        probe.note("heart", json!({ "alive": alive > 0, "dead": same == DEAD }));
    }

    let nobody = json!({ "sessionId": SESSION, "terminalId": "conformance-no-such-terminal" });
    let _ = probe.call("unknown/output", "terminal/output", nobody).await?;
    let absent = json!({ "sessionId": SESSION, "command": "/dev/null/program" });
    if let Ok(result) = probe.call("absent/create", "terminal/create", absent).await? {
        let absent = json!({ "sessionId": SESSION, "terminalId": result["terminalId"] });
        let _ = probe.call("absent/wait", "terminal/wait_for_exit", absent.clone()).await?;
        let _ = probe.call("absent/release", "terminal/release", absent).await?;
    }
    turn.done(probe).await
}

fn all_methods_are_there(case: &Case<'_>) -> Outcome {
    offered!(case, "terminal");
    let labels = ["echo/create", "echo/output", "echo/wait", "long/kill", "echo/release"];
    all(labels.map(|label| {
        let call = call!(case, label);
        match call.code() {
            Some(-32601) => Outcome::broken("an answer", call.said(), call.places()),
            _ => Outcome::Pass,
        }
    }))
}

/// The command of the terminal runs for 20 s.
fn create_does_not_wait(case: &Case<'_>) -> Outcome {
    offered!(case, "terminal");
    let call = call!(case, "long/create");
    let Some(answer) = call.answer else {
        return Outcome::broken("an answer while the command runs", call.said(), call.places());
    };
    let took = Duration::from_micros(answer.at.saturating_sub(call.request.at));
    let named = call.result().is_some_and(|result| result["terminalId"].is_string());
    Outcome::pass_if(named && took < Duration::from_secs(15), || {
        let expected = "a terminalId while the command runs";
        Outcome::broken(expected, format!("{} after {} ms", call.said(), took.as_millis()), call.places())
    })
}

fn arguments_environment_and_directory_count(case: &Case<'_>) -> Outcome {
    offered!(case, "terminal");
    let call = call!(case, "echo/output");
    let said = output(&call).unwrap_or_default();
    let good = said.starts_with("two  words|g\u{fc}lden $HOME|/") && said.trim_end().ends_with("/conformance-inner");
    Outcome::pass_if(good, || {
        let expected = "two  words|g\u{fc}lden $HOME|, and the path of conformance-inner";
        Outcome::broken(expected, call.said(), call.places())
    })
}

fn has_exited(result: &Value) -> bool {
    result["exitStatus"].is_object()
}

fn output_does_not_wait(case: &Case<'_>) -> Outcome {
    offered!(case, "terminal");
    let (running, ended) = (call!(case, "long/output"), call!(case, "echo/output"));
    let Some(result) = running.result() else {
        return Outcome::broken("the output of a running command", running.said(), running.places());
    };
    if has_exited(result) {
        return Outcome::broken("no exitStatus while the command runs", running.said(), running.places());
    }
    Outcome::pass_if(ended.result().is_some_and(has_exited), || {
        Outcome::broken("an exitStatus once it has ended", ended.said(), ended.places())
    })
}

fn waiting_tells_the_code_and_holds_nothing_up(case: &Case<'_>) -> Outcome {
    offered!(case, "terminal");
    let call = call!(case, "echo/wait");
    if call.result().is_none_or(|result| result["exitCode"] != 3) {
        return Outcome::broken("exitCode 3", call.said(), call.places());
    }
    let (waiting, meanwhile) = (call!(case, "long/wait"), call!(case, "long/meanwhile"));
    let Some(answer) = meanwhile.answer else {
        return Outcome::broken("an answer while another request waits", "none", meanwhile.places());
    };
    Outcome::pass_if(waiting.until() > answer.index, || {
        Outcome::broken("no answer while the command runs", waiting.said(), waiting.places())
    })
}

fn killing_ends_the_command_and_not_the_terminal(case: &Case<'_>) -> Outcome {
    offered!(case, "terminal");
    let kill = call!(case, "long/kill");
    if kill.result().is_none() {
        return Outcome::broken("a result", kill.said(), kill.places());
    }
    all(["long/killed/wait", "long/killed/output"].map(|label| {
        let call = call!(case, label);
        Outcome::pass_if(call.result().is_some(), || {
            let places = [kill.places(), call.places()].concat();
            Outcome::broken("a result after the kill", call.said(), places)
        })
    }))
}

fn a_cancelled_request_says_so(case: &Case<'_>) -> Outcome {
    offered!(case, "terminal");
    let (call, end) = (call!(case, "long/wait"), case.quiet("long/taken-back"));
    let Some(end) = end else { return Outcome::NotExercised(case.why_not("long/taken-back")) };
    match call.code() {
        Some(-32800) => Outcome::Pass,
        Some(_) if call.until() < end => Outcome::broken("an error with code -32800", call.said(), call.places()),
        _ => Outcome::NotExercised("the client does not cancel requests, which it need not".to_owned()),
    }
}

fn releasing_kills(case: &Case<'_>) -> Outcome {
    offered!(case, "terminal");
    let Some(heart) = case.note("heart") else { return Outcome::NotExercised(case.why_not("heart")) };
    if heart["alive"] != true {
        return Outcome::NotExercised("the command had not begun when it was released".to_owned());
    }
    let call = call!(case, "heart/release");
    Outcome::pass_if(heart["dead"] == true, || {
        Outcome::broken("a command that ends with its terminal", "it went on", call.places())
    })
}

fn after_release(case: &Case<'_>) -> Outcome {
    let released = call!(case, "long/release");
    if released.result().is_none() {
        return Outcome::NotExercised(format!("the release was answered with {}", released.said()));
    }
    fails(case, "long/released")
}

/// A terminal that does not exist, a program that does not exist: an error, or a command that failed.
fn nothing_hangs(case: &Case<'_>) -> Outcome {
    offered!(case, "terminal");
    let unknown = fails(case, "unknown/output");
    let create = call!(case, "absent/create");
    if create.error().is_some() {
        return unknown;
    }
    let wait = call!(case, "absent/wait");
    let failed =
        wait.error().is_some() || wait.result().is_some_and(|result| result["exitCode"] != 0 && result != &Value::Null);
    unknown.and(Outcome::pass_if(failed, || {
        let places = [create.places(), wait.places()].concat();
        Outcome::broken("an error, or an exit code that is not 0", wait.said(), places)
    }))
}
