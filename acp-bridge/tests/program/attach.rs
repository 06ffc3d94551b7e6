//! `session/attach` and `session/detach` on a running bridge with a real agent process.

use crate::support::client::{kind, text};
use crate::support::log::records;
use crate::support::{Bridge, Client, Options};
use serde_json::{Value, json};

fn attach(client: &mut Client, session: &str, params: &Value) -> Value {
    let mut params = params.clone();
    params["sessionId"] = json!(session);
    client.call("session/attach", &params)
}

fn asked(message: &Value) -> bool {
    message["method"] == "session/request_permission"
}

fn chosen(option: &str) -> Value {
    json!({ "outcome": { "outcome": "selected", "optionId": option } })
}

/// The next update of one of the kinds that only this way of attaching brings.
fn told(client: &mut Client, what: &str) -> Value {
    client.wait_for(what, |message| kind(message) == Some(what))["params"]["update"].clone()
}

/// Nothing that was sent so far is of this sort: what the bridge answers now comes after it.
fn assert_none(client: &mut Client, session: &str, what: &str, fits: impl Fn(&Value) -> bool) {
    client.call("session/list", &json!({}));
    for message in client.kept() {
        assert!(!fits(message), "{what} in {session}: {message}");
    }
}

#[test]
fn two_controllers_and_an_observer_share_a_session_and_one_answer_counts() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let (mut desk, mut phone, mut wall) = (bridge.client(), bridge.client(), bridge.client());
    let session = desk.new_session();
    attach(&mut desk, &session, &json!({ "clientId": "desk", "historyPolicy": "none" }));
    let info = json!({ "name": "phone", "version": "3" });
    let answer = attach(&mut phone, &session, &json!({ "clientId": "phone", "clientInfo": info }));
    assert_eq!((&answer["clientId"], &answer["role"]), (&json!("phone"), &json!("controller")));
    assert_eq!(answer["_meta"]["acp-bridge"]["session"]["modes"]["currentModeId"], "ask");
    let answer = attach(&mut wall, &session, &json!({ "clientId": "wall", "role": "observer" }));
    let there: Vec<_> = answer["connectedClients"].as_array().unwrap().iter().map(|one| &one["clientId"]).collect();
    assert_eq!(there, ["desk", "phone", "wall"]);
    assert_eq!(told(&mut desk, "client_connected")["client"]["name"], "phone");
    assert_eq!(told(&mut desk, "client_connected")["client"]["role"], "observer");

    let turn = desk.prompt(&session, "ask");
    let (to_desk, to_phone) = (desk.wait_for("request", asked), phone.wait_for("request", asked));
    phone.respond(&to_phone["id"], &chosen("yes"));
    let cancelled = desk.wait_for("$/cancel_request", |message| message["method"] == "$/cancel_request");
    assert_eq!(cancelled["params"]["requestId"], to_desk["id"]);
    desk.respond(&to_desk["id"], &chosen("no"));
    let (answer, chunks) = desk.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert!(text(&chunks).contains("\"yes\""), "the first answer counts: {chunks:?}");
    for client in [&mut desk, &mut phone, &mut wall] {
        let resolved = told(client, "permission_resolved");
        assert_eq!((&resolved["toolCallId"], &resolved["chosenOptionId"]), (&json!("c1"), &json!("yes")));
        assert_eq!(resolved["resolvedBy"]["clientId"], "phone");
    }
    wall.turn_ended();
    assert_none(&mut wall, &session, "a request to an observer", asked);

    drop(phone);
    assert_eq!(told(&mut desk, "client_disconnected")["client"]["clientId"], "phone");
    assert_eq!(told(&mut wall, "client_disconnected")["client"]["clientInfo"], info);
}

#[test]
fn an_observer_sees_the_turn_and_can_do_nothing_about_it() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let (mut one, mut observer) = (bridge.client(), bridge.client());
    let session = one.new_session();
    attach(&mut observer, &session, &json!({ "role": "observer" }));
    let turn = one.prompt(&session, "wait");
    observer.chunk();
    observer.cancel(&session);
    for (method, params) in [
        ("session/prompt", json!({ "sessionId": session, "prompt": [] })),
        ("session/set_mode", json!({ "sessionId": session, "modeId": "auto" })),
        ("session/close", json!({ "sessionId": session })),
        ("session/delete", json!({ "sessionId": session })),
    ] {
        let error = observer.refused(method, &params);
        assert_eq!((&error["code"], &error["data"]["acp-bridge"]["role"]), (&json!(-32600), &json!("observer")));
    }
    assert_none(&mut one, &session, "the end of a turn", |message| message["id"] == turn);
    attach(&mut observer, &session, &json!({ "historyPolicy": "none" }));
    observer.cancel(&session);
    assert_eq!(one.turn(turn).0["result"]["stopReason"], "cancelled", "as a controller it can");
}

#[test]
fn a_client_that_detaches_is_told_that_its_turn_goes_on_and_can_come_back_to_it() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let (mut one, mut two) = (bridge.client(), bridge.client());
    let session = one.new_session();
    attach(&mut two, &session, &json!({ "historyPolicy": "none" }));
    let turn = one.prompt(&session, "count 100 2");
    let (seq, _) = one.chunk();
    let detached = one.call("session/detach", &json!({ "sessionId": session }));
    assert_eq!(detached, json!({ "sessionId": session, "status": "detached" }));
    let error = one.answer(turn)["error"].clone();
    assert_eq!((&error["code"], &error["data"]["acp-bridge"]["outcome"]), (&json!(-32800), &json!("detached")));
    told(&mut two, "client_disconnected");
    assert_eq!(one.refused("session/detach", &json!({ "sessionId": session }))["code"], -32002);
    assert_eq!(two.turn_ended()["outcome"], "completed", "it changed no turn");

    one.chunks();
    let answer = attach(&mut one, &session, &json!({ "_meta": { "acp-bridge": { "after": seq } } }));
    let missed = one.chunks();
    assert_eq!(answer["replayed"], missed.len());
    assert_eq!(missed.first().map(|(at, _)| *at), Some(seq + 1));
    assert_eq!(missed, two.chunks().into_iter().filter(|(at, _)| *at > seq).collect::<Vec<_>>());
}

#[test]
fn what_waits_is_delivered_to_whoever_attaches_and_a_restart_resolves_it() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    client.prompt(&session, "ask");
    client.wait_for("request", asked);
    drop(client);
    let mut late = bridge.client();
    let answer = attach(&mut late, &session, &json!({ "historyPolicy": "pending_only" }));
    assert_eq!(answer["replayed"], 0);
    assert_eq!(late.wait_for("request", asked)["params"]["toolCall"]["toolCallId"], "c1");

    // The agent that asked dies with the bridge: nobody can be answered any more, and nobody is asked.
    bridge.kill();
    bridge.restart();
    let mut again = bridge.client();
    attach(&mut again, &session, &json!({ "historyPolicy": "pending_only" }));
    assert_none(&mut again, &session, "a request of an agent that is gone", asked);
    assert_eq!(records(&bridge, &session, "permission_resolved")[0]["cause"], "recovered");
}

#[test]
fn another_client_with_the_same_id_takes_the_place() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let (mut one, mut two) = (bridge.client(), bridge.client());
    let session = one.new_session();
    attach(&mut one, &session, &json!({ "clientId": "laptop" }));
    attach(&mut two, &session, &json!({ "clientId": "laptop" }));
    let detached = one.wait_for("detached", |message| message["method"] == "_acp-bridge/detached");
    assert_eq!(detached["params"]["error"]["data"]["clientId"], "laptop");
    assert_eq!(one.refused("session/prompt", &json!({ "sessionId": session, "prompt": [] }))["code"], -32002);
    let turn = two.prompt(&session, "echo mine");
    assert_eq!(text(&two.turn(turn).1), "mine");
}

#[test]
fn history_begins_behind_a_message_and_an_unknown_one_is_named() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut one = bridge.client();
    let session = one.new_session();
    for words in ["messages m1 m2 m1", "messages m3"] {
        let turn = one.prompt(&session, words);
        one.turn(turn);
    }
    let mut two = bridge.client();
    for policy in ["full", "after_message"] {
        let params = json!({ "historyPolicy": policy, "afterMessageId": "m1" });
        let answer = attach(&mut two, &session, &params);
        assert_eq!((&answer["historyPolicy"], text(&two.chunks()).as_str()), (&json!(policy), "m3 "));
    }
    let unknown = json!({ "sessionId": session, "afterMessageId": "m9" });
    let error = two.refused("session/attach", &unknown);
    assert_eq!((&error["code"], &error["data"]["afterMessageId"]), (&json!(-32602), &json!("m9")));
}

#[test]
fn a_client_without_a_method_does_not_answer_for_one_that_has_it() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let (mut one, mut two) = (bridge.client(), bridge.client());
    let session = one.new_session();
    two.resume(&session, None);
    let turn = one.prompt(&session, "elicit");
    let create = |message: &Value| message["method"] == "elicitation/create";
    let (to_one, to_two) = (one.wait_for("elicitation", create), two.wait_for("elicitation", create));
    two.send_text(
        &json!({ "jsonrpc": "2.0", "id": to_two["id"], "error": { "code": -32601, "message": "what?" } }).to_string(),
    );
    // The bridge has taken it when it answers what came after it.
    two.call("session/list", &json!({}));
    one.respond(&to_one["id"], &json!({ "action": "accept", "content": { "name": "Ada" } }));
    assert!(text(&one.turn(turn).1).contains("Ada"));

    let turn = one.prompt(&session, "elicit");
    for client in [&mut one, &mut two] {
        let id = client.wait_for("elicitation", create)["id"].clone();
        let error = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "what?" } });
        client.send_text(&error.to_string());
    }
    assert!(text(&one.turn(turn).1).contains("-32601"), "when nobody has it, the agent is told");
}
