//! Promises of a durable bridge, as an ACP client sees them through `_meta["acp-bridge"]`.

mod cancel;
mod choices;
mod ends;
mod history;
mod input;
mod leaving;
mod permission;
mod raw;
mod slow;
mod view;

use crate::core::scenario::Scenario;
use crate::core::schema::Side;
use crate::core::suite::Suite;

/// The promises P1 to P12 and P14, but for P2 and P9, which no client can see.
pub const DURABLE: Suite = Suite { subject: Side::Agent, scenarios: SCENARIOS, invariants: &[] };

const SCENARIOS: &[Scenario] = &[
    history::HISTORY,
    history::RESUME,
    leaving::LEAVING,
    cancel::CANCEL,
    leaving::KEYS,
    ends::ENDS,
    permission::PERMISSION,
    slow::SLOW,
    raw::RAW,
    input::INPUT,
    choices::CHOICES,
];
