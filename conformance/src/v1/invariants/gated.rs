//! Methods that an agent may use only if the client has them.

use serde_json::Value;

use crate::core::each::each_update;
use crate::core::history::{Case, Message};
use crate::core::verdict::Outcome;

/// A method of the client, and where its capability stands.
pub(super) type Gate = (&'static str, &'static [&'static str]);

/// The files of the client.
pub(super) const FILES: &[Gate] =
    &[("fs/read_text_file", &["fs", "readTextFile"]), ("fs/write_text_file", &["fs", "writeTextFile"])];
/// Its terminals.
pub(super) const TERMINALS: &[Gate] = &[
    ("terminal/create", &["terminal"]),
    ("terminal/output", &["terminal"]),
    ("terminal/wait_for_exit", &["terminal"]),
    ("terminal/kill", &["terminal"]),
    ("terminal/release", &["terminal"]),
];
const ELICITATION: &[Gate] = &[("elicitation/create", &["elicitation"])];

/// Returns whether the client of a connection claimed this: absent, null and false are no.
pub(super) fn offered(case: &Case<'_>, on: u32, path: &[&str]) -> bool {
    let mut value = match case.introduced(on) {
        Some(params) => &params["clientCapabilities"],
        None => return false,
    };
    for name in path {
        value = &value[name];
    }
    !value.is_null() && value != &Value::Bool(false)
}

/// A use without the capability is wrong wherever it happens. That nothing is used is good only of an agent that has
/// used it where it could.
pub(super) fn gated(case: &Case<'_>, gates: &[Gate]) -> Outcome {
    let mut used = false;
    for message in case.received() {
        let gate = |gate: &&Gate| message.requests(gate.0);
        let Some((method, path)) = gates.iter().find(gate) else { continue };
        if !offered(case, message.on, path) {
            let actual = format!("{method} of a client without {}", path.join("."));
            return Outcome::broken("no use of what the client does not have", actual, vec![message.index]);
        }
        used = true;
    }
    let refused = |on: u32| gates.iter().any(|(_, path)| !offered(case, on, path));
    let also_without = case.sent().any(|message| message.requests("session/prompt") && refused(message.on));
    match (used, also_without) {
        (true, true) => Outcome::Pass,
        (true, false) => Outcome::NotExercised("the client had it all the time".to_owned()),
        _ => Outcome::NotExercised("the agent does not use it of a client that has it, either".to_owned()),
    }
}

pub(super) fn nothing_is_used_that_was_not_offered(case: &Case<'_>) -> Outcome {
    let all: Vec<Gate> = [FILES, TERMINALS, ELICITATION].concat();
    gated(case, &all)
}

/// Updates of these kinds come only to a client with `session.NAME`.
pub(super) fn update_needs(case: &Case<'_>, name: &str, kinds: &[&str]) -> Outcome {
    kinds_need(case, &["session", name], kinds)
}

/// Updates of these kinds come only to a client with the capability at this path.
pub(super) fn kinds_need(case: &Case<'_>, path: &[&str], kinds: &[&str]) -> Outcome {
    each_update(case, kinds, |message: &Message, _| {
        (!offered(case, message.on, path)).then(|| {
            let expected = format!("none for a client without {}", path.join("."));
            Outcome::broken(expected, "one", vec![message.index])
        })
    })
}
