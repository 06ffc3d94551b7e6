//! Which checks are about which transport, and about which version of the protocol.

use crate::check::Check;
use crate::history::Case;
use crate::verdict::Outcome;
use crate::{agent2, client2};

/// What only streams of bytes have: encoding and lines, a rest of output that is no message, an end of the input.
const STREAMS: [&str; 5] =
    ["TRANSPORT-stdio-01", "TRANSPORT-stdio-02", "TRANSPORT-stdio-03", "TRANSPORT-stdio-08", "TRANSPORT-stdio-09"];

/// Asks the check, unless it is about another transport than the one of this history, or about a version that the subject
/// does not speak.
pub(crate) fn judge(check: &Check, case: &Case<'_>) -> Outcome {
    let socket = case.note("transport").is_some_and(|transport| transport == "websocket");
    if socket && STREAMS.contains(&check.id) {
        return Outcome::NotApplicable("a WebSocket has frames, no stream of lines".to_owned());
    }
    if !socket && check.id.starts_with("WS-") {
        return Outcome::NotApplicable("the subject is not reached over a WebSocket".to_owned());
    }
    if let Some(why) = agent2::declined(case).or_else(|| client2::declined(case)) {
        return Outcome::NotApplicable(why);
    }
    agent2::without_sessions(case, (check.judge)(case))
}
