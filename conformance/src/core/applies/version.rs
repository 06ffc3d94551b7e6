//! Version of the protocol that a subject speaks, as far as it decides whether there is anything to ask.

use crate::core::history::{Case, brief};
use crate::core::scenario;
use crate::core::schema::Side;
use crate::core::verdict::Outcome;

/// The reason why this history says nothing about its version: the subject does not speak it.
pub(super) fn declined(case: &Case<'_>) -> Option<String> {
    let version = scenario::version_of(&case.history().scenario);
    if version == 1 {
        return None;
    }
    match case.subject {
        Side::Agent => by_agent(case, version),
        Side::Client => by_client(case, version),
    }
}

/// The agent was asked for the version and answers another one.
fn by_agent(case: &Case<'_>, version: u8) -> Option<String> {
    let asked = case.sent().find(|message| message.requests("initialize"))?;
    if asked.params()?["protocolVersion"] != version {
        return None;
    }
    let call = case.call_of(asked)?;
    // No version at or below the one asked for.
    if call.code() == Some(-32022) {
        return Some(format!("the agent refuses version {version}"));
    }
    let answered = &call.result()?["protocolVersion"];
    let other = answered.is_u64() && *answered != version;
    other.then(|| {
        format!("the agent answers version {answered} to version {version}, so it does not speak version {version}")
    })
}

/// The client asks for an older version.
fn by_client(case: &Case<'_>, version: u8) -> Option<String> {
    let asked = case.received().find(|message| message.requests("initialize"))?;
    let wanted = &asked.params()?["protocolVersion"];
    let older = wanted.as_u64().is_some_and(|wanted| wanted < u64::from(version));
    older.then(|| format!("the client asks for version {wanted}, so it does not speak version {version}"))
}

/// The outcome of a check. In version 2 sessions are optional: what could not be seen because the agent offers none does
/// not concern it.
pub(super) fn without_sessions(case: &Case<'_>, outcome: Outcome) -> Outcome {
    let version = scenario::version_of(&case.history().scenario);
    let Outcome::NotExercised(_) = outcome else { return outcome };
    if version == 1 {
        return outcome;
    }
    let mut results = case.sent().filter(|message| message.requests("initialize")).filter_map(|asked| {
        let result = case.call_of(asked)?.result()?;
        (result["protocolVersion"] == version).then_some(result)
    });
    match results.next() {
        Some(result) if result["capabilities"]["session"].is_null() => {
            Outcome::NotApplicable(format!("the agent offers no sessions: {}", brief(&result["capabilities"])))
        }
        _ => outcome,
    }
}
