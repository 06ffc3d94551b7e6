//! One scenario from beginning to end, and whether anything was tested.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::fault;
use crate::history::{Event, History, What};
use crate::probe::{Limits, Probe, Stop};
use crate::scenario::Scenario;
use crate::subject::Subject;

/// Plays it: what happened, and why it ended early.
pub(super) async fn play(subject: Arc<Subject>, limits: Limits, scenario: &Scenario) -> (History, Result<(), Stop>) {
    let mut probe = match Probe::new(subject, limits, scenario.name) {
        Ok(probe) => probe,
        Err(error) => {
            let stop = Stop::from(error);
            let what = What::Fault { why: stop.to_string() };
            let events = vec![Event { at: 0, on: 0, what }];
            return (History { scenario: scenario.name.to_owned(), events }, Err(stop));
        }
    };
    let played = AssertUnwindSafe((scenario.play)(&mut probe)).catch_unwind().await;
    let played = played.unwrap_or_else(|panic| Err(Stop::Panicked(fault::panicked(&*panic))));
    if let Err(stop) = &played {
        tracing::info!(scenario = scenario.name, %stop, "the scenario ended early");
        if stop.is_ours() {
            probe.fault(stop.to_string());
        }
    }
    (probe.finish().await, played)
}

/// Why nothing was tested: every scenario failed to start its subject, or got no single message from it.
pub(super) fn not_started(played: &[(History, Result<(), Stop>)]) -> Option<String> {
    let silent = |history: &History| !history.events.iter().any(|e| matches!(e.what, What::Received { .. }));
    // A scenario may have talked to somebody else before it tried.
    let failed = |(history, played): &(History, Result<(), Stop>)| match played {
        Err(stop) if stop.is_ours() => false,
        played => silent(history) || matches!(played, Err(Stop::Start(_))),
    };
    if played.is_empty() || !played.iter().all(failed) {
        return None;
    }
    let stop = played.iter().find_map(|(_, played)| played.as_ref().err())?;
    let stderr = played.iter().find_map(|(history, _)| {
        history.events.iter().rev().find_map(|event| match &event.what {
            What::Stderr { text } => Some(text.clone()),
            _ => None,
        })
    });
    Some(match stderr {
        Some(text) => format!("{stop}; its stderr ends: {text}"),
        None => format!("{stop}; it wrote nothing to stdout or stderr"),
    })
}
