//! Scenarios against a client, each next to the checks that ask about it. The tester is the agent that the client starts;
//! the client has to connect, open a session and send one prompt, and what is wanted happens in that turn.

mod children;
mod connect;
mod crossing;
mod files;
mod interrupt;
mod invitations;
mod permission;
mod refusals;
mod remote;
mod sessions;
mod stage;
mod terminals;
mod turns;
mod wire;

use crate::core::scenario::Scenario;
use crate::core::schema::Side;
use crate::core::suite::Suite;
use crate::v1::invariants;

/// Everything that is asked of a client over version 1 of the protocol.
pub const SUITE: Suite = Suite { subject: Side::Client, scenarios: SCENARIOS, invariants: invariants::CLIENT };

/// Additional checks of a client that connects to its agent over WebSocket or streamable HTTP.
pub const REMOTE: Suite = Suite { subject: Side::Client, scenarios: &[remote::REMOTE], invariants: &[] };

const SCENARIOS: &[Scenario] = &[
    connect::CONNECT,
    connect::CAPABILITIES,
    connect::VERSION,
    connect::NOISE,
    crossing::CROSSING,
    sessions::OPTIONS,
    sessions::META,
    wire::WIRE,
    wire::JUNK,
    refusals::REFUSALS,
    invitations::ELICITATION,
    turns::UPDATES,
    turns::ENDINGS,
    permission::PERMISSION,
    interrupt::INTERRUPT,
    files::FILES,
    terminals::TERMINALS,
    terminals::LIMITS,
    children::CHILDREN,
];
