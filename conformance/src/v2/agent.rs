//! Scenarios against an agent over version 2 of the protocol, a draft, each next to the checks that ask about it.

mod cancel;
mod carried;
mod closing;
mod handshake;
pub(crate) mod passive;
mod permission;
mod refusals;
mod reports;
mod resume;
mod settings;
mod stage;
mod turns;

use crate::core::history::{Case, brief};
use crate::core::scenario::Scenario;
use crate::core::schema::Side;
use crate::core::suite::Suite;
use crate::core::verdict::Outcome;

/// The version that this is about.
pub const VERSION: u8 = 2;

/// How the names of all scenarios begin that are played in version 2, and of no others.
pub(crate) const PREFIX: &str = "v2-";

/// Everything that is asked of an agent over version 2 of the protocol.
pub const SUITE: Suite = Suite { subject: Side::Agent, scenarios: SCENARIOS, passive: passive::CHECKS };

const SCENARIOS: &[Scenario] = &[
    handshake::INITIALIZE,
    handshake::BASELINE,
    carried::CARRIED,
    refusals::REFUSALS,
    turns::TURN,
    cancel::CANCEL,
    permission::PERMISSION,
    reports::REPORTS,
    reports::CALL,
    settings::SETTINGS,
    resume::RESUME,
    closing::CLOSE,
];

/// Why nothing in this history says anything about version 2: the agent was asked for it and does not speak it.
pub(crate) fn declined(case: &Case<'_>) -> Option<String> {
    let asked = case.sent().find(|message| message.requests("initialize"))?;
    if asked.params()?["protocolVersion"] != VERSION {
        return None;
    }
    let call = case.call_of(asked)?;
    // No version at or below the one asked for.
    if call.code() == Some(-32022) {
        return Some("the agent refuses version 2".to_owned());
    }
    let answered = &call.result()?["protocolVersion"];
    let other = answered.is_u64() && *answered != VERSION;
    other.then(|| format!("the agent answers version {answered} to version 2, so it does not speak version 2"))
}

/// What could not be seen because the agent offers no sessions does not concern it.
pub(crate) fn without_sessions(case: &Case<'_>, outcome: Outcome) -> Outcome {
    let Outcome::NotExercised(_) = outcome else { return outcome };
    let mut results = case.sent().filter(|message| message.requests("initialize")).filter_map(|asked| {
        let result = case.call_of(asked)?.result()?;
        (result["protocolVersion"] == VERSION).then_some(result)
    });
    match results.next() {
        Some(result) if result["capabilities"]["session"].is_null() => {
            Outcome::NotApplicable(format!("the agent offers no sessions: {}", brief(&result["capabilities"])))
        }
        _ => outcome,
    }
}
