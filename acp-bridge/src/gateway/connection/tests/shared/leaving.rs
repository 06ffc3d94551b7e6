//! Clients that detach or go.

use serde_json::json;

use super::busy;
use crate::gateway::connection::tests::kit::{Kit, Log, raw};
use crate::gateway::connection::{Effect, EffectOutcome};
use crate::log::LogError;
use crate::session::{Command, Reply};
use crate::view::Role;

#[test]
fn a_client_that_goes_while_a_session_is_opened_is_not_there() {
    let (log, ..) = busy();
    let mut kit = Kit::ready();
    kit.request(7, "session/attach", &json!({ "sessionId": "s" }));
    let Effect::Open { session, coming, id, .. } = kit.effect() else { panic!() };
    kit.connection.leave();
    let opened = crate::gateway::connection::Opened { result: raw("{}"), seen: log.seen(), follower: None, after: 0 };
    kit.connection.done(EffectOutcome::Opened { session, coming, id, opened: Ok(Box::new(opened)) });
    assert!(kit.effects().is_empty() && kit.attended.is_empty());
    assert!(kit.other("two", Role::Controller).roster().len() == 1);
}

#[test]
fn detaching_answers_what_waits_withdraws_what_was_asked_and_changes_no_turn() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    log.ask(Some(turn));
    kit.prompt(2, turn);
    kit.connection.records(attachment, log.after(0));
    kit.request(3, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    let Effect::Submit { then, .. } = kit.effect() else { panic!() };
    kit.out();
    kit.request(4, "session/detach", &json!({ "sessionId": "s" }));
    let out = kit.out();
    assert_eq!((&out[0]["id"], &out[0]["error"]["code"]), (&json!(2), &json!(-32800)));
    assert_eq!(out[0]["error"]["data"]["acp-bridge"], json!({ "outcome": "detached", "turn": turn }));
    assert_eq!(out[1], json!({ "cancel": 1 }));
    assert_eq!(out[2], json!({ "id": 4, "result": { "sessionId": "s", "status": "detached" } }));
    assert!(matches!(kit.effects()[..], [Effect::Untail { .. }]), "nothing is stopped");
    kit.connection.done(EffectOutcome::Submitted { then, answer: Ok(Reply::Turn(turn)) });
    let late = kit.only();
    assert_eq!((&late["id"], &late["error"]["data"]["acp-bridge"]["turn"]), (&json!(3), &json!(turn)));
    kit.respond(1, &json!({ "outcome": { "outcome": "cancelled" } }));
    log.end(turn);
    kit.connection.records(attachment, log.after(5));
    assert!(kit.out().is_empty() && kit.effects().is_empty());
    kit.request(5, "session/detach", &json!({ "sessionId": "s" }));
    assert_eq!(kit.only()["error"]["code"], -32002);
}

#[test]
fn a_stop_of_a_prompt_that_the_client_then_left_still_stops_it() {
    let mut kit = Kit::ready();
    kit.created("s");
    kit.request(2, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    let Effect::Submit { then, .. } = kit.effect() else { panic!() };
    kit.notify("$/cancel_request", &json!({ "requestId": 2 }));
    kit.connection.leave();
    kit.effects();
    kit.connection.done(EffectOutcome::Submitted { then, answer: Ok(Reply::Turn(9)) });
    assert_eq!(kit.command(), (Some("s".into()), Command::cancel(Some(9))));
}

/// Whatever a client is in the middle of, going answers all it asked for and leaves nothing behind.
#[test]
fn detaching_and_going_are_possible_in_every_state() {
    let (log, ..) = busy();
    for params in [json!({}), json!({ "historyPolicy": "none" }), json!({ "_meta": { "acp-bridge": { "after": 3 } } })]
    {
        for shown in 0..6 {
            for goes in ["detach", "leave", "deleted", "replaced"] {
                let mut kit = Kit::ready();
                let after = match params["historyPolicy"].as_str() {
                    Some(_) => log.records.len() as u64,
                    None => params["_meta"]["acp-bridge"]["after"].as_u64().unwrap_or(0),
                };
                let attachment = kit.attach(7, &params, &log, after);
                let records = log.after(after);
                kit.connection.records(attachment, &records[..shown.min(records.len())]);
                match goes {
                    "detach" => kit.request(8, "session/detach", &json!({ "sessionId": "s" })),
                    "leave" => kit.connection.leave(),
                    "deleted" => {
                        kit.connection.tail_failed(attachment, LogError::NotFound { session: "s".into() });
                    }
                    _ => {
                        kit.attach(9, &json!({ "historyPolicy": "none" }), &log, log.records.len() as u64);
                    }
                }
                let out = kit.out();
                let case = format!("{params} {shown} {goes}: {out:?}");
                let answers = out.iter().filter(|message| message["id"] == 7).count();
                assert!(answers == 1 || goes == "leave", "{case}");
                let count = |what: &str| out.iter().filter(|message| !message[what].is_null()).count();
                match goes {
                    "detach" | "deleted" => assert_eq!(count("ask"), count("cancel"), "{case}"),
                    "replaced" => assert_eq!(count("ask"), count("cancel") + 1, "{case}"),
                    _ => {}
                }
                kit.effects();
                let there = kit.other("two", Role::Observer).roster().len();
                assert_eq!(there, if goes == "replaced" { 2 } else { 1 }, "{case}");
                if goes != "deleted" {
                    assert_eq!(kit.attended.last(), Some(&(goes == "replaced")), "{case}");
                }
            }
        }
    }
}
