//! Limits of a terminal's output.

use serde_json::json;

use super::commands::{output, run};
use crate::core::check::{Check, all, call};
use crate::core::history::Case;
use crate::core::probe::{Host, Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::v1::client::stage::{begin, has, offered};

/// Output that is longer than it may be.
pub(in super::super) const LIMITS: Scenario = Scenario {
    name: "client-terminal-limits",
    about: "runs commands that say more than is to be kept of it, in characters of several bytes",
    play: |probe| Box::pin(limits(probe)),
    checks: &[
        Check::new("TERM-07", the_end_is_kept),
        Check::new("TERM-08", |case| {
            all([("two", '\u{fc}'), ("four", '\u{1f680}')].map(|(name, c)| whole(case, name, c)))
        }),
        Check::new("TERM-09", truncated_tells),
    ],
};

/// Bytes of output that are kept; no multiple of any character's length.
const LIMIT: usize = 101;
/// Numbered lines that are said.
const LINES: usize = 1000;

async fn limits(probe: &mut Probe) -> Result<(), Stop> {
    let turn = begin(probe, "turn", Host::default()).await?;
    if !has(probe, &["terminal"]) {
        return turn.done(probe).await;
    }
    let limit = json!({ "outputByteLimit": LIMIT });
    let lines = format!("i=1; while [ $i -le {LINES} ]; do echo \"line $i\"; i=$((i+1)); done");
    run(probe, "lines", &lines, limit.clone()).await?;
    run(probe, "short", "echo short", limit.clone()).await?;
    for (name, character) in [("two", '\u{fc}'), ("four", '\u{1f680}')] {
        let text: String = std::iter::repeat_n(character, 100).collect();
        run(probe, name, &format!("printf '%s' '{text}'"), limit.clone()).await?;
    }
    turn.done(probe).await
}

fn the_end_is_kept(case: &Case<'_>) -> Outcome {
    offered!(case, "terminal");
    let call = call!(case, "lines/output");
    let expected = format!("the last {LIMIT} bytes or less of the output");
    let (Some(kept), Some(raw)) = (output(&call), call.result().and_then(|result| result["output"].as_str())) else {
        return Outcome::broken(expected, call.said(), call.places());
    };
    let whole: String = (1..=LINES).map(|line| format!("line {line}\n")).collect();
    if raw.len() > LIMIT || kept.is_empty() || !whole.contains(&kept) {
        return Outcome::broken(expected, format!("{} bytes: {}", raw.len(), call.said()), call.places());
    }
    // The last words of a command may come after its end.
    Outcome::pass_if(whole.ends_with(&kept), || match whole.starts_with(&kept) {
        true => Outcome::broken(expected, call.said(), call.places()),
        false => Outcome::doubtful(expected, call.said(), call.places()),
    })
}

fn whole(case: &Case<'_>, name: &str, character: char) -> Outcome {
    offered!(case, "terminal");
    let call = call!(case, &format!("{name}/output"));
    let kept = call.result().and_then(|result| result["output"].as_str()).unwrap_or_default();
    let good = !kept.is_empty() && kept.len() <= LIMIT && kept.chars().all(|kept| kept == character);
    Outcome::pass_if(good, || {
        let expected = format!("whole characters {character}, {LIMIT} bytes or less");
        Outcome::broken(expected, format!("{} bytes: {}", kept.len(), call.said()), call.places())
    })
}

fn truncated_tells(case: &Case<'_>) -> Outcome {
    offered!(case, "terminal");
    all([("lines", true), ("short", false)].map(|(name, cut)| {
        let call = call!(case, &format!("{name}/output"));
        Outcome::pass_if(call.result().is_some_and(|result| result["truncated"] == cut), || {
            Outcome::broken(format!("truncated: {cut}"), call.said(), call.places())
        })
    }))
}
