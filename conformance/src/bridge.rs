//! Scenarios against a bridge: the tester is the client on one side, the mock agent stands on the other, and says what came
//! to it.

mod children;
mod direct;
mod durable;
mod golden;
mod ids;
mod order;
mod orphans;
mod payloads;
mod process;
mod seen;
mod setup;
mod sharing;
mod stops;

pub use durable::DURABLE;

use crate::core::scenario::Scenario;
use crate::core::schema::Side;
use crate::core::suite::Suite;

/// Everything that is asked of a bridge with [`crate::mock`]'s agent behind it.
pub const SUITE: Suite = Suite { subject: Side::Agent, scenarios: SCENARIOS, invariants: &[] };

const SCENARIOS: &[Scenario] = &[
    golden::GOLDEN,
    ids::IDS,
    payloads::PAYLOADS,
    payloads::ERRORS,
    order::ORDER,
    order::SIZES,
    stops::STOPS,
    stops::DEATH,
    orphans::ORPHANS,
    setup::CAPABILITIES,
    setup::VERSIONS,
    sharing::SHARING,
    children::CHILDREN,
];
