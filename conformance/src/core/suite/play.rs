//! One scenario from beginning to end, and whether anything was tested.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::core::fault;
use crate::core::history::{Body, ENDED_EARLY, Event, History, What};
use crate::core::probe::{Limits, Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::subject::Subject;

/// Parts of stderr that a report of a subject that did not start shows.
const STDERR_SHOWN: usize = 5;

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
        // What is missing, or who is gone, the history says itself.
        if matches!(stop, Stop::Refused(_) | Stop::Start(_)) {
            probe.note(ENDED_EARLY, stop.to_string().into());
        }
    }
    (probe.finish().await, played)
}

/// An instance of a subject that is there for the others to share what it has started; `None` where none is needed.
pub(super) async fn hold(subject: &Arc<Subject>, limits: Limits) -> Option<Probe> {
    if !subject.may_be_shared() {
        return None;
    }
    let mut probe = Probe::new(Arc::clone(subject), limits, "held").ok()?;
    // What is wrong with it the scenarios see.
    let _ = probe.begin().await;
    Some(probe)
}

/// The reason why nothing was tested: every scenario failed to start its subject, or got no single message from it.
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
    if matches!(stop, Stop::Start(_)) {
        return Some(stop.to_string());
    }
    let events = || played.iter().flat_map(|(history, _)| history.events.iter());
    let came = events().find_map(|event| match &event.what {
        What::Exited { code: Some(code), .. } => Some(format!("it exited with code {code} and answered nothing")),
        What::Exited { signal: Some(signal), .. } => {
            Some(format!("signal {signal} ended it before it answered anything"))
        }
        What::Missed { label, waited_ms } => Some(format!("`{label}` did not come within {waited_ms} ms")),
        _ => None,
    });
    let said = events().filter_map(|event| match &event.what {
        What::Stderr { text } => Some(text.as_str()),
        _ => None,
    });
    let mut said: Vec<&str> = said.collect();
    let last = said.split_off(said.len().saturating_sub(STDERR_SHOWN)).join("\n");
    let came = came.unwrap_or_else(|| stop.to_string());
    Some(match last.trim_end() {
        "" => format!("{came}, and it wrote nothing to stdout or stderr; does its command line make it speak ACP?"),
        text => format!("{came}; its stderr ends: {text}"),
    })
}

/// Returns whether no message came, and the scenario ended early.
pub(super) fn is_mute((history, played): &(History, Result<(), Stop>)) -> bool {
    let speaks = |event: &Event| match &event.what {
        What::Received { line } => line.text().is_some_and(|text| !matches!(Body::parse(text).0, Body::Junk { .. })),
        // It has said by its status that it speaks over WebSocket only.
        What::Note { label, .. } => label == "http/none",
        _ => false,
    };
    let ended = played.as_ref().is_err_and(|stop| !stop.is_ours());
    ended && !history.events.iter().any(speaks)
}
