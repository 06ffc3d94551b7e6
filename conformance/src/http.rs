//! Scenarios against an agent behind streamable HTTP. The text is an RFD and no page of the protocol yet.

mod exchange;
mod routing;
mod turns;

pub(crate) use exchange::{Ask, Exchange, Listener, exchange, listen};

use crate::scenario::Scenario;
use crate::schema::Side;
use crate::suite::Suite;

/// What is asked of an agent that is reached by `http://`: statuses, headers and streams.
pub const SUITE: Suite = Suite { subject: Side::Agent, scenarios: SCENARIOS, passive: &[] };

const SCENARIOS: &[Scenario] = &[routing::ROUTING, routing::UPGRADE, turns::STREAMS, turns::EARLY];
