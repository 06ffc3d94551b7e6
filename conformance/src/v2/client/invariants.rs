//! Checks of every history of a client of version 2.

use serde_json::Value;

use crate::core::check::Check;
use crate::core::each::{each, items};
use crate::core::history::{Case, Message, brief};
use crate::core::verdict::Outcome;
use crate::v1::invariants::{envelope, order, stdio};
use crate::v2::agent::invariants::{everything_keeps_to_the_schema, messages};

pub(super) const CHECKS: &[Check] = &[
    Check::new("RPC-01", envelope::every_message_is_one_of_three),
    Check::new("RPC-03", envelope::every_answer_is_a_result_or_a_proper_error),
    Check::new("RPC-09", everything_keeps_to_the_schema),
    Check::new("TRANSPORT-stdio-04", stdio::nothing_but_messages),
    Check::new("INIT-01", order::initialize_comes_first),
    Check::new("V2-01", it_says_who_it_is),
    Check::new("V2-03", nobody_logs_in_without_a_way_to),
    Check::new("V2-20", messages::own_values_begin_with_an_underscore),
    Check::new("V2-21", servers_are_of_a_kind_that_is_taken),
    Check::new("V2-23", messages::ids_are_not_null_and_not_used_twice),
];

fn it_says_who_it_is(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| message.requests("initialize"),
        |message| {
            let params = message.params()?;
            let said = |member: &str| params["info"][member].as_str().is_some_and(|text| !text.is_empty());
            if !said("name") || !said("version") {
                return Some(Outcome::broken("info with name and version", brief(params), vec![message.index]));
            }
            // The schema lets them be absent; under their name of version 1 they are not.
            let old = params["capabilities"].is_null() && !params["clientCapabilities"].is_null();
            old.then(|| {
                Outcome::broken("capabilities", "clientCapabilities, their name in version 1", vec![message.index])
            })
        },
    )
}

/// The agents of these scenarios list no way to log in.
fn nobody_logs_in_without_a_way_to(case: &Case<'_>) -> Outcome {
    let logs = |message: &&Message| message.method().is_some_and(|method| method.starts_with("auth/"));
    match case.received().find(logs) {
        Some(message) => {
            let expected = "no auth/login or auth/logout, as the agent lists no method";
            Outcome::broken(expected, message.method().unwrap_or_default(), vec![message.index])
        }
        None if case.received().any(|message| message.requests("session/new")) => Outcome::Pass,
        None => Outcome::NotExercised(case.why_not("session/new")),
    }
}

fn servers(message: &Message) -> &[Value] {
    let lists = message.requests("session/new") || message.requests("session/resume");
    message.params().filter(|_| lists).map(|params| items(&params["mcpServers"])).unwrap_or_default()
}

fn servers_are_of_a_kind_that_is_taken(case: &Case<'_>) -> Outcome {
    each(
        case,
        |message| !servers(message).is_empty(),
        |message| {
            let taken = &case.initialized(message.on)?["capabilities"]["session"]["mcp"];
            servers(message).iter().find_map(|server| {
                let wrong = |expected: String| Some(Outcome::broken(expected, brief(server), vec![message.index]));
                match server["type"].as_str() {
                    None => wrong("a type of each MCP server".to_owned()),
                    Some(kind) if kind.starts_with('_') || taken[kind].is_object() => None,
                    Some(kind) => wrong(format!("no server over {kind}, which the agent does not take")),
                }
            })
        },
    )
}
