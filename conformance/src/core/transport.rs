//! Which checks are about which transport, and about which version of the protocol.

use crate::core::check::Check;
use crate::core::history::{Case, Message};
use crate::core::verdict::Outcome;
use crate::v2::{agent as agent2, client as client2};

/// What only processes and streams of bytes have: encoding and lines, a rest of output that is no message, an end of the
/// input.
const STREAMS: [&str; 8] = [
    "TRANSPORT-stdio-01",
    "TRANSPORT-stdio-02",
    "TRANSPORT-stdio-03",
    "TRANSPORT-stdio-04",
    "TRANSPORT-stdio-05",
    "TRANSPORT-stdio-06",
    "TRANSPORT-stdio-08",
    "TRANSPORT-stdio-09",
];
/// What HTTP has statuses for: arrays, and requests before there is a connection.
const STATUSES: [&str; 2] = ["TRANSPORT-stdio-07", "ERR-08"];
/// What needs an order between an answer and updates that may come on different streams.
const ORDER: [&str; 2] = ["LOAD-03", "LOAD-04"];

/// Asks the check, unless it is about another transport than the one of this history, or about a version that the subject
/// does not speak.
pub(crate) fn judge(check: &Check, case: &Case<'_>) -> Outcome {
    let transport = case.note("transport").and_then(serde_json::Value::as_str).unwrap_or_default();
    let not = |why: &str| Outcome::NotApplicable(why.to_owned());
    if check.id.starts_with("HTTP-") {
        let over_http = ["exchange", "http"].contains(&transport);
        return if over_http { (check.judge)(case) } else { not("it is about streamable HTTP") };
    }
    match transport {
        "exchange" => return not("it is asked of connections, not of single requests"),
        "websocket" if STREAMS.contains(&check.id) => return not("a WebSocket has frames, no stream of lines"),
        "http" if STREAMS.contains(&check.id) => return not("HTTP has bodies and events, no stream of lines"),
        "http" if STATUSES.contains(&check.id) => return not("over HTTP it is told by a status, see HTTP-*"),
        _ => {}
    }
    if transport != "websocket" && check.id.starts_with("WS-") {
        return not("the subject is not reached over a WebSocket");
    }
    if let Some(status) = case.note("http/none") {
        return not(&format!("POST is answered with {status}: the server serves WebSockets only"));
    }
    let draft = case.history().scenario.starts_with(agent2::PREFIX);
    if draft && let Some(why) = agent2::declined(case).or_else(|| client2::declined(case)) {
        return Outcome::NotApplicable(why);
    }
    let outcome = (check.judge)(case);
    match if draft { agent2::without_sessions(case, outcome) } else { outcome } {
        Outcome::Broken(_) if ORDER.contains(&check.id) && case.note("http/apart").is_some() && is_late(case) => {
            Outcome::NotExercised("the answer and the replay came on two streams, which have no order".to_owned())
        }
        outcome => outcome,
    }
}

/// Whether updates of a session that was loaded came after the answer and before anything else was asked of it.
fn is_late(case: &Case<'_>) -> bool {
    let Some(call) = case.call("load") else { return false };
    let end = case.quiet("load").unwrap_or(usize::MAX);
    let late = |message: &Message| message.index > call.until() && message.index < end && message.update().is_some();
    case.received().any(late)
}
