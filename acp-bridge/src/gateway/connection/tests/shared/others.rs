//! Who else is there, in which role, and what they are told of each other.

use acp_types::record::body::Resolved;
use acp_types::record::{Kind, Origin};
use serde_json::json;

use super::{busy, observer};
use crate::gateway::Limits;
use crate::gateway::connection::Effect;
use crate::gateway::connection::tests::kit::{Kit, Log, raw};
use crate::view::Role;

#[test]
fn an_observer_is_refused_everything_but_to_come_and_go() {
    let (mut log, turn, _) = busy();
    let mut kit = Kit::ready();
    let head = log.records.len() as u64;
    let attachment = kit.attach(7, &observer(), &log, head);
    kit.out();
    for method in [
        "session/prompt",
        "session/set_mode",
        "session/set_config_option",
        "session/close",
        "session/delete",
        "_acp-bridge/lane_add",
        "_x/y",
        "session/nonesuch",
    ] {
        kit.request(8, method, &json!({ "sessionId": "s", "prompt": [] }));
        let error = kit.only()["error"].clone();
        assert_eq!((&error["code"], &error["data"]["acp-bridge"]["role"]), (&json!(-32600), &json!("observer")));
        assert!(error["message"].as_str().unwrap().contains("controller"), "{error}");
    }
    kit.notify("session/cancel", &json!({ "sessionId": "s" }));
    kit.notify("_x/y", &json!({ "sessionId": "s" }));
    assert!(kit.effects().is_empty() && kit.out().is_empty());
    log.ask(Some(turn));
    log.chunk(turn, "live");
    kit.connection.records(attachment, log.after(head));
    assert_eq!(kit.shown(), ["live"], "it is asked nothing");
    kit.request(9, "session/list", &json!({}));
    assert!(matches!(kit.effect(), Effect::List { .. }), "what is about no session of its own is no matter of roles");
    assert!(kit.attended.is_empty(), "and nobody is there for the host");
}

#[test]
fn the_host_knows_whether_a_controller_is_there() {
    let (log, ..) = busy();
    let head = log.records.len() as u64;
    let mut kit = Kit::ready();
    kit.open(1, "session/load", None, &log);
    kit.open(2, "session/resume", None, &log);
    kit.attach(3, &json!({}), &log, 0);
    assert_eq!(kit.attended, [true], "it was there all the time");
    kit.attach(4, &observer(), &log, head);
    assert_eq!(kit.attended, [true, false]);
    kit.attach(5, &json!({ "historyPolicy": "none" }), &log, head);
    kit.request(6, "session/detach", &json!({ "sessionId": "s" }));
    kit.effects();
    assert_eq!(kit.attended, [true, false, true, false]);
    kit.open(7, "session/resume", None, &log);
    kit.connection.leave();
    kit.effects();
    assert_eq!(kit.attended, [true, false, true, false, true, false]);
}

#[test]
fn those_who_attached_learn_who_comes_and_goes_and_others_do_not() {
    let log = Log::new();
    let mut kit = Kit::ready();
    let info = json!({ "name": "dashboard", "version": "2", "title": "Board" });
    let early = kit.other("early", Role::Controller);
    kit.attach(7, &json!({ "clientId": "board", "clientInfo": info, "historyPolicy": "none" }), &log, 2);
    let answer = kit.only();
    assert_eq!(answer["result"]["clientId"], "board");
    assert_eq!(
        answer["result"]["connectedClients"],
        json!([
            { "clientId": "early", "role": "controller" },
            { "clientId": "board", "role": "controller", "name": "dashboard", "version": "2", "clientInfo": info },
        ])
    );
    let mut plain = Kit::beside(&kit.presence, "plain", Limits::default()).initialized();
    plain.open(1, "session/resume", None, &log);
    assert!(kit.heard());
    let came = kit.only();
    assert_eq!((&came["method"], &came["params"]["sessionId"]), (&json!("session/update"), &json!("s")));
    assert_eq!(
        came["params"]["update"],
        json!({ "sessionUpdate": "client_connected", "client": {
            "clientId": "plain", "role": "controller", "name": "kit", "clientInfo": { "name": "kit" } } })
    );
    assert!(came["params"]["_meta"].is_null(), "it is in no log");
    plain.out();
    drop(early);
    plain.connection.leave();
    assert!(kit.heard() && !plain.heard());
    assert_eq!(kit.shown(), ["client_disconnected early", "client_disconnected plain"]);
    assert!(plain.out().is_empty());
}

#[test]
fn who_comes_while_history_is_shown_is_in_the_answer_and_told_once() {
    let (log, ..) = busy();
    let mut kit = Kit::ready();
    let attachment = kit.attach(7, &json!({}), &log, 0);
    let _two = kit.other("two", Role::Observer);
    kit.heard();
    assert!(kit.out().is_empty());
    kit.connection.records(attachment, log.after(0));
    let _three = kit.other("three", Role::Observer);
    kit.heard();
    let out = kit.out();
    let answer = out.iter().find(|message| message["id"] == 7).unwrap();
    assert_eq!(answer["result"]["connectedClients"].as_array().unwrap().len(), 2);
    assert_eq!(out.last().unwrap()["params"]["update"]["client"]["clientId"], "three");
}

#[test]
fn how_a_permission_was_resolved_and_by_whom_is_told_to_those_who_attached() {
    let (mut log, turn, request) = busy();
    let head = log.records.len() as u64;
    let mut kit = Kit::ready();
    let attachment = kit.attach(7, &json!({ "historyPolicy": "pending_only" }), &log, head);
    let mut plain = Kit::beside(&kit.presence, "plain", Limits::default()).initialized();
    let (to_plain, _) = plain.open(1, "session/resume", None, &log);
    kit.heard();
    kit.out();
    plain.out();
    let outcome = raw(r#"{"outcome":{"outcome":"selected","optionId":"yes","n":1e2}}"#);
    let resolved = Resolved { request, result: Some(outcome), error: None, cause: None, policy: None };
    log.add(Kind::PermissionResolved, Some(turn), Origin::Client("plain".into()), &resolved);
    kit.connection.records(attachment, log.after(head));
    plain.connection.records(to_plain, log.after(head));
    assert_eq!(plain.shown(), ["cancel 1"], "plain clients see nothing of it");
    let out = kit.out();
    assert_eq!(
        out[0]["params"],
        json!({
            "sessionId": "s",
            "update": {
                "sessionUpdate": "permission_resolved", "toolCallId": "call", "requestId": request,
                "outcome": { "outcome": "selected", "optionId": "yes", "n": 100.0 }, "chosenOptionId": "yes",
                "resolvedBy": { "clientId": "plain", "role": "controller", "name": "kit", "clientInfo": { "name": "kit" } },
            },
            "_meta": { "acp-bridge": { "seq": head + 1, "at": head + 1, "turn": turn, "lane": "main" } },
        })
    );
    assert_eq!(out[1], json!({ "cancel": 1 }));

    let next = log.ask(Some(turn));
    let result = Some(raw(r#"{"outcome":{"outcome":"cancelled"}}"#));
    let cause = Some("cancelled".to_owned());
    let resolved = Resolved { request: next, result, error: None, cause, policy: None };
    log.add(Kind::PermissionResolved, Some(turn), Origin::Host, &resolved);
    kit.connection.records(attachment, log.after(head + 1));
    let update = kit.out().remove(1)["params"].clone();
    assert_eq!(update["update"]["outcome"], json!({ "outcome": "cancelled" }));
    assert!(update["update"]["resolvedBy"].is_null(), "it was no client");
    assert_eq!(update["_meta"]["acp-bridge"]["cause"], "cancelled");
}

#[test]
fn the_later_of_two_with_one_client_id_has_the_session() {
    let (log, turn, _) = busy();
    let head = log.records.len() as u64;
    let params = json!({ "clientId": "phone", "historyPolicy": "none" });
    let mut first = Kit::ready();
    let attachment = first.attach(7, &params, &log, head);
    first.prompt(8, turn);
    first.out();
    let mut second = Kit::beside(&first.presence, "two", Limits::default()).initialized();
    second.attach(7, &params, &log, head);
    assert_eq!(second.out()[0]["result"]["connectedClients"].as_array().unwrap().len(), 1);
    assert!(first.heard());
    let out = first.out();
    assert_eq!((&out[0]["id"], &out[0]["error"]["data"]["clientId"]), (&json!(8), &json!("phone")));
    assert_eq!(out[1], json!({ "cancel": 1 }));
    assert_eq!((&out[2]["method"], &out[2]["params"]["sessionId"]), (&json!("_acp-bridge/detached"), &json!("s")));
    assert!(matches!(first.effects()[..], [Effect::Untail { attachment: gone }] if gone == attachment));
    assert_eq!((&first.attended[..], &second.attended[..]), (&[true, false][..], &[true][..]));
    second.heard();
    assert!(second.out().is_empty(), "it is the same client");
}

#[test]
fn a_controller_that_becomes_an_observer_is_let_off_and_its_answers_count_no_more() {
    let (log, ..) = busy();
    let head = log.records.len() as u64;
    let mut kit = Kit::ready();
    kit.open(1, "session/resume", None, &log);
    assert_eq!(kit.shown(), ["answer 1", "ask 1"]);
    kit.attach(2, &observer(), &log, head);
    assert_eq!(kit.shown(), ["cancel 1", "answer 2"]);
    kit.respond(1, &json!({ "outcome": { "outcome": "cancelled" } }));
    assert!(kit.effects().is_empty());
}
