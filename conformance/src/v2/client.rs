//! Scenarios against a client over version 2 of the protocol, a draft. The tester is the agent that the client starts; the
//! client has to connect, open a session and send one prompt.

mod invariants;
mod turn;

use crate::core::scenario::Scenario;
use crate::core::schema::Side;
use crate::core::suite::Suite;

/// Everything that is asked of a client over version 2 of the protocol.
pub const SUITE: Suite = Suite { subject: Side::Client, scenarios: SCENARIOS, invariants: invariants::CHECKS };

const SCENARIOS: &[Scenario] = &[turn::TURN, turn::SERVERS];
