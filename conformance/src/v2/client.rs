//! Scenarios against a client over version 2 of the protocol, a draft. The tester is the agent that the client starts; the
//! client has to connect, open a session and send one prompt.

mod passive;
mod turn;

use crate::core::history::Case;
use crate::core::scenario::Scenario;
use crate::core::schema::Side;
use crate::core::suite::Suite;
use crate::v2::agent::VERSION;

/// Everything that is asked of a client over version 2 of the protocol.
pub const SUITE: Suite = Suite { subject: Side::Client, scenarios: SCENARIOS, passive: passive::CHECKS };

const SCENARIOS: &[Scenario] = &[turn::TURN, turn::SERVERS];

/// Whether a scenario is one of these.
pub(crate) fn plays(scenario: &str) -> bool {
    SCENARIOS.iter().any(|known| known.name == scenario)
}

/// Why nothing in this history says anything about version 2: the client did not ask for it.
pub(crate) fn declined(case: &Case<'_>) -> Option<String> {
    if case.subject != Side::Client || !plays(&case.history().scenario) {
        return None;
    }
    let asked = case.received().find(|message| message.requests("initialize"))?;
    let version = &asked.params()?["protocolVersion"];
    let older = version.as_u64().is_some_and(|version| version < u64::from(VERSION));
    older.then(|| format!("the client asks for version {version}, so it does not speak version 2"))
}
