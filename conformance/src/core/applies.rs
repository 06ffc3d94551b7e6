//! Applicability of a check: whether it is about the transport and the version of a history. The catalogue says which
//! transports and versions each requirement is about.

mod version;

use crate::core::catalogue::{Requirement, Transport};
use crate::core::check::Check;
use crate::core::history::{Case, Message};
use crate::core::scenario;
use crate::core::verdict::Outcome;

/// Asks the check, unless it is about another transport than the one of this history, or about a version that the subject
/// does not speak.
pub(crate) fn judge(check: &Check, case: &Case<'_>) -> Outcome {
    let requirement = check.requirement();
    let over = requirement.map_or(Transport::ALL, Requirement::transports);
    let not = |why: &str| Outcome::NotApplicable(why.to_owned());
    let noted = case.note("transport").and_then(serde_json::Value::as_str).unwrap_or_default();
    // Single requests, outside of any connection.
    let exchange = noted == "exchange";
    if over == [Transport::Http] {
        return if exchange || noted == "http" { (check.judge)(case) } else { not("it is about streamable HTTP") };
    }
    if exchange {
        return not("it is asked of connections, not of single requests");
    }
    let transport = Transport::noted(noted);
    if !over.contains(&transport) {
        return not(elsewhere(over, transport));
    }
    if let Some(status) = case.note("http/none") {
        return not(&format!("POST is answered with {status}: the server serves WebSockets only"));
    }
    let version = scenario::version_of(&case.history().scenario);
    if requirement.is_some_and(|of| !of.versions.contains(&version)) {
        return not(&format!("it is not asked for in version {version} of the protocol"));
    }
    if let Some(why) = version::declined(case) {
        return Outcome::NotApplicable(why);
    }
    match version::without_sessions(case, (check.judge)(case)) {
        Outcome::Broken(_) if requirement.is_some_and(|of| of.one_order) && came_apart(case) => {
            Outcome::NotExercised("the answer and the replay came on two streams, which have no order".to_owned())
        }
        outcome => outcome,
    }
}

/// The reason why a check of these transports has nothing to ask on another.
fn elsewhere(over: &[Transport], transport: Transport) -> &'static str {
    match transport {
        _ if over == [Transport::WebSocket] => "the subject is not reached over a WebSocket",
        Transport::WebSocket => "a WebSocket has frames, no stream of lines",
        Transport::Http if over == [Transport::Stdio] => "HTTP has bodies and events, no stream of lines",
        Transport::Http | Transport::Stdio => "over HTTP it is told by a status, see HTTP-*",
    }
}

/// Returns whether updates of a session that was loaded came on another stream than the answer, after it, and before
/// anything else was asked of the session.
fn came_apart(case: &Case<'_>) -> bool {
    let (Some(_), Some(call)) = (case.note("http/apart"), case.call("load")) else { return false };
    let end = case.quiet("load").unwrap_or(usize::MAX);
    let late = |message: &Message| message.index > call.until() && message.index < end && message.update().is_some();
    case.received().any(late)
}
