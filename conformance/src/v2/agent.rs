//! Scenarios against an agent over version 2 of the protocol, a draft, each next to the checks that ask about it.

mod cancel;
mod carried;
mod children;
mod closing;
mod handshake;
pub(crate) mod invariants;
mod permission;
mod refusals;
mod reports;
mod resume;
mod retry;
mod settings;
mod skills;
mod stage;
mod turns;

use crate::core::scenario::Scenario;
use crate::core::schema::Side;
use crate::core::suite::Suite;

pub use super::VERSION;

/// Everything that is asked of an agent over version 2 of the protocol.
pub const SUITE: Suite = Suite { subject: Side::Agent, scenarios: SCENARIOS, invariants: invariants::CHECKS };

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
    retry::RETRY,
    children::CHILDREN,
    skills::SKILLS,
];
