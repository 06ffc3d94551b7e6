//! Scenarios against an agent behind streamable HTTP. The text is an RFD and no page of the protocol yet.

mod ask;
mod exchange;
mod profiles;
mod reconnect;
mod routing;
mod sender;
mod turns;

pub(crate) use ask::{Ask, CONNECTION, NO_POST, SESSION, delete, get, post};
pub(crate) use exchange::{Exchange, Listener, exchange, listen};
pub(crate) use sender::parts;

use crate::scenario::Scenario;
use crate::schema::Side;
use crate::suite::Suite;

/// What is asked of an agent that is reached by `http://`: statuses, headers and streams.
pub const SUITE: Suite = Suite { subject: Side::Agent, scenarios: SCENARIOS, passive: &[] };

const SCENARIOS: &[Scenario] =
    &[routing::ROUTING, profiles::UPGRADE, profiles::VERSION, turns::STREAMS, turns::EARLY, reconnect::RECONNECT];
