//! Steps of every scenario against a client: start it as its agent, let it come as far as its prompt, end the turn.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::core::history::{Body, Call, Case, Message};
use crate::core::probe::{Host, Probe, SESSION, Stop};
use crate::core::verdict::Outcome;

/// A request that no client knows, and every client answers.
pub(super) const PING: &str = "_conformance/ping";

/// A turn that the client has begun.
pub(super) struct Turn {
    /// Id of the prompt, which has no answer yet.
    pub(super) prompt: Value,
}

/// Starts the client and waits for its prompt. Whether it came is noted as `NAME/prompt`.
pub(super) async fn begin(probe: &mut Probe, name: &str, host: Host) -> Result<Turn, Stop> {
    probe.host = Some(host);
    probe.open().await?;
    let limit = probe.limits().step;
    let label = format!("{name}/prompt");
    let prompt = probe.until(&label, limit, |message| message.requests("session/prompt")).await;
    probe.note(&label, json!(prompt.is_ok()));
    Ok(Turn { prompt: prompt?.id().cloned().unwrap_or_default() })
}

impl Turn {
    /// Answers the prompt and waits for the client's end, at most the grace time. Both are noted as `NAME/end`.
    pub(super) async fn end(self, probe: &mut Probe, name: &str, outcome: Result<Value, Value>) -> Result<(), Stop> {
        let limit = probe.limits().grace;
        self.end_within(probe, name, outcome, limit).await
    }

    /// The same, and waits so long at most.
    pub(super) async fn end_within(
        self,
        probe: &mut Probe,
        name: &str,
        outcome: Result<Value, Value>,
        limit: Duration,
    ) -> Result<(), Stop> {
        probe.reply(&self.prompt, outcome).await?;
        let (gone, exited) = probe.farewell(limit).await;
        probe.note(&format!("{name}/end"), json!({ "gone": gone, "exited": exited }));
        Ok(())
    }

    /// Ends the turn as most turns end.
    pub(super) async fn done(self, probe: &mut Probe) -> Result<(), Stop> {
        self.end(probe, "turn", Ok(json!({ "stopReason": "end_turn" }))).await
    }
}

/// Sends the request that every client answers, and waits for the answer.
pub(super) async fn ping(probe: &mut Probe, label: &str) -> Result<(), Stop> {
    probe.call(label, PING, json!({})).await.map(drop)
}

/// Sends an update of the session.
pub(super) async fn update(probe: &mut Probe, label: &str, update: Value) -> Result<(), Stop> {
    probe.notify(label, "session/update", json!({ "sessionId": SESSION, "update": update })).await
}

/// Waits for the answers to all of these, in any order.
pub(super) async fn answers(probe: &mut Probe, label: &str, ids: &[Value]) -> Result<(), Stop> {
    let mut left = ids.to_vec();
    let limit = probe.limits().step;
    let all = |message: &Message| {
        if let Body::Response { id, .. } = &message.body {
            left.retain(|waiting| waiting != id);
        }
        left.is_empty()
    };
    probe.until(label, limit, all).await.map(drop)
}

/// A directory for files, in the session's own, which goes with it.
pub(super) fn workshop(probe: &Probe) -> Result<TempDir, Stop> {
    let cwd = probe.host.as_ref().and_then(|host| host.made["cwd"].as_str()).map(PathBuf::from);
    let cwd = cwd.filter(|cwd| cwd.is_absolute() && cwd.is_dir());
    let cwd = cwd.unwrap_or_else(|| probe.directory().to_owned());
    let made = tempfile::Builder::new().prefix("acp-conformance-").tempdir_in(&cwd);
    // It is the client's directory.
    made.map_err(|error| Stop::Refused(format!("{} cannot be written to: {error}", cwd.display())))
}

/// Returns whether the client that is being played with offers this; only for scenarios.
pub(super) fn has(probe: &Probe, path: &[&str]) -> bool {
    let introduced = probe.host.as_ref().map(|host| &host.introduced["clientCapabilities"]);
    introduced.and_then(|claimed| below(claimed, path)).is_some()
}

fn below<'v>(claimed: &'v Value, path: &[&str]) -> Option<&'v Value> {
    let value = path.iter().try_fold(claimed, |value, name| value.get(name))?;
    (!value.is_null() && value != &Value::Bool(false)).then_some(value)
}

/// A client's capability by its path, on the first connection that it initialized: absent, null and false are none.
pub(super) fn offers<'c>(case: &'c Case<'_>, path: &[&str]) -> Option<&'c Value> {
    let on = case.messages().iter().find(|message| message.requests("initialize"))?.on;
    below(case.introduced(on)?.get("clientCapabilities")?, path)
}

/// That the client offers this, or that the check does not concern it.
macro_rules! offered {
    ($case:expr, $($name:literal).+) => {
        if $case.received().all(|message| !message.requests("initialize")) {
            return $crate::core::verdict::Outcome::NotExercised($case.why_not("initialize"));
        }
        if $crate::v1::client::stage::offers($case, &[$($name),+]).is_none() {
            let path = [$($name),+].join(".");
            return $crate::core::verdict::Outcome::NotApplicable(format!("the client does not have {path}"));
        }
    };
}

pub(super) use offered;

/// The client got as far as its prompt, where it did so under the same conditions without what is tested.
pub(super) fn prompted(case: &Case<'_>, name: &str, control: &str) -> Outcome {
    if case.note(&format!("{control}/prompt")) != Some(&Value::Bool(true)) {
        return Outcome::NotExercised(case.why_not(&format!("{control}/prompt")));
    }
    match case.note(&format!("{name}/prompt")) {
        Some(Value::Bool(true)) => Outcome::Pass,
        Some(_) => Outcome::broken("a session and a prompt", "none came", last(case, name)),
        None => Outcome::NotExercised(case.why_not(&format!("{name}/prompt"))),
    }
}

/// The last messages before the note of this name.
fn last(case: &Case<'_>, name: &str) -> Vec<usize> {
    let label = format!("{name}/prompt");
    let noted = case.history().events.iter().position(
        |event| matches!(&event.what, crate::core::history::What::Note { label: known, .. } if *known == label),
    );
    let before = case.messages().iter().rev().filter(|message| noted.is_some_and(|noted| message.index < noted));
    let mut places: Vec<usize> = before.take(3).map(|message| message.index).collect();
    places.reverse();
    places
}

/// The ping that shows that this client answers pings was answered; else nothing that pings show can be judged.
pub(super) fn answers_pings(case: &Case<'_>) -> Result<(), Outcome> {
    match case.call("control") {
        Some(Call { answer: Some(_), .. }) => Ok(()),
        _ => Err(Outcome::NotExercised(case.why_not("control"))),
    }
}

/// After what was sent as `sent`, the ping `after` was answered.
pub(super) fn lives_on(case: &Case<'_>, sent: &str, after: &str) -> Outcome {
    if let Err(why) = answers_pings(case) {
        return why;
    }
    let Some(bad) = case.labelled(sent) else { return Outcome::NotExercised(case.why_not(sent)) };
    match case.call(after) {
        Some(Call { answer: Some(_), .. }) => Outcome::Pass,
        Some(call) => Outcome::broken("an answer to the next request", "none", vec![bad.index, call.request.index]),
        None => Outcome::broken("a client that goes on", case.why_not(after), vec![bad.index]),
    }
}

/// Answers that came to what was sent as `sent`, which wants none: until its quiet window had passed, and then until the
/// ping `after` was answered, for a client that is slow.
pub(super) fn answers_to<'c>(case: &'c Case<'_>, sent: &str, after: &str) -> Result<Vec<&'c Message>, Outcome> {
    let Some(message) = case.labelled(sent) else { return Err(Outcome::NotExercised(case.why_not(sent))) };
    let Some(end) = case.quiet(sent) else { return Err(Outcome::NotExercised(case.why_not(sent))) };
    let ponged = case.call(after).and_then(|ping| ping.answer).map(|answer| answer.index);
    let within = |index: usize| index > message.index && index < ponged.unwrap_or(end).max(end);
    let answers = case.received().filter(|m| matches!(m.body, Body::Response { .. }) && within(m.index));
    Ok(answers.filter(|answer| ponged != Some(answer.index)).collect())
}

/// Nothing answered what was sent as `KIND/WHAT`, which wants no answer.
pub(super) fn silence(case: &Case<'_>, kind: &str, what: &str) -> Outcome {
    let label = format!("{kind}/{what}");
    let answers = match answers_to(case, &label, &format!("after/{what}")) {
        Ok(answers) => answers,
        Err(why) => return why,
    };
    match (answers.first(), case.labelled(&label)) {
        (Some(answer), Some(sent)) => Outcome::broken("no answer", "one came", vec![sent.index, answer.index]),
        _ => Outcome::Pass,
    }
}
