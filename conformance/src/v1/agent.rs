//! Scenarios against an agent, each next to the checks that ask about it.

mod announced;
mod cancel;
mod children;
mod crossing;
mod drafts;
mod framing;
mod handshake;
mod leaving;
mod listing;
mod mcp;
mod meanwhile;
mod memory;
mod permission;
mod questions;
mod refusals;
mod remote;
mod replay;
mod roots;
mod services;
mod sessions;
mod settings;
mod setup;
mod socket;
mod turns;

use crate::core::scenario::Scenario;
use crate::core::schema::Side;
use crate::core::suite::Suite;
use crate::v1::invariants;

/// Everything that is asked of an agent over version 1 of the protocol.
pub const SUITE: Suite = Suite { subject: Side::Agent, scenarios: SCENARIOS, invariants: invariants::AGENT };

/// Additional checks of an agent that is reached over WebSocket.
pub const SOCKET: Suite = Suite {
    subject: Side::Agent,
    scenarios: &[socket::UPGRADES, socket::FRAMES, socket::SESSIONS, leaving::LEAVING],
    invariants: &[socket::EVERY_FRAME],
};

const SCENARIOS: &[Scenario] = &[
    handshake::PLAIN,
    handshake::VERSIONS,
    handshake::STRANGERS,
    handshake::EARLY,
    refusals::REFUSALS,
    framing::FRAMING,
    framing::JUNK,
    sessions::NEW,
    sessions::LOAD,
    sessions::RESUME,
    sessions::CLOSE,
    listing::LIST,
    turns::TURNS,
    turns::CONTENT,
    turns::REPORTS,
    cancel::CANCEL,
    permission::PERMISSION,
    settings::SETTINGS,
    services::SERVICES,
    questions::QUESTIONS,
    roots::ROOTS,
    memory::MEMORY,
    crossing::CROSSING,
    meanwhile::MEANWHILE,
    mcp::MCP,
    remote::REMOTE,
    announced::ANNOUNCED,
    setup::SETUP,
    drafts::DRAFTS,
    children::CHILDREN,
];

// Bridges and version 2 ask these as well.
pub(crate) use children::{a_cancelled_child_stops, cancel_a_child};
pub(crate) use framing::ids_come_back_as_they_were;
pub(crate) use listing::{no_match_is_an_empty_array, the_filter_holds};
pub(crate) use refusals::{silent, silent_and_alive};
