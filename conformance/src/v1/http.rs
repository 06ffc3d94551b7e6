//! Scenarios against an agent behind streamable HTTP. The text is an RFD and no page of the protocol yet.

mod profiles;
mod reconnect;
mod routing;
mod turns;

use crate::core::scenario::Scenario;
use crate::core::schema::Side;
use crate::core::suite::Suite;

/// Checks of an agent that is reached by `http://`: statuses, headers and streams.
pub const SUITE: Suite = Suite { subject: Side::Agent, scenarios: SCENARIOS, invariants: &[] };

const SCENARIOS: &[Scenario] =
    &[routing::ROUTING, profiles::UPGRADE, profiles::VERSION, turns::STREAMS, turns::EARLY, reconnect::RECONNECT];
