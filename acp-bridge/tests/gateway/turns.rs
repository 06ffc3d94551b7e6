//! Prompts and their answers, stops, and requests of agents, over real WebSockets.

use crate::support::{World, name, names_until, next, raw, text_of};
use acp_bridge::log::Signals;
use acp_bridge::session::Command;
use serde_json::{Value, json};

fn is_request(message: &Value) -> bool {
    message["method"] == "session/request_permission"
}

#[test]
fn the_answer_of_a_prompt_follows_its_updates_and_says_where_it_ended() {
    let world = World::start();
    let mut client = world.client();
    let session = client.new_session();
    client.update();
    let (id, turn) = world.prompt(&mut client, &session, "hello");
    world.chunk(&session, Some(turn), "a");
    world.chunk(&session, Some(turn), "b");
    let seq = world.end(&session, turn);
    assert_eq!(name(&next(&mut client)), "a", "one's own words do not come back");
    assert_eq!(name(&next(&mut client)), "b");
    assert_eq!(next(&mut client)["id"], json!(id));
    let expected = format!(
        r#""result":{{"stopReason":"end_turn","n":1e2,"_meta":{{"acp-bridge":{{"seq":{seq},"turn":{turn},"outcome":"completed"}}}}}}}}"#
    );
    assert!(client.wire.last_raw.ends_with(&expected), "{}", client.wire.last_raw);
}

#[test]
fn everybody_else_sees_the_prompt_and_the_end_of_the_turn() {
    let world = World::start();
    let (mut one, mut two) = (world.client(), world.client());
    let session = one.new_session();
    two.resume(&session, None);
    let (_, turn) = world.prompt(&mut one, &session, "hello");
    world.end(&session, turn);
    assert_eq!(names_until(&mut two, "_acp-bridge/turn_ended"), ["hello", "_acp-bridge/turn_ended"]);
}

#[test]
fn a_client_that_left_gets_the_answer_by_sending_the_prompt_again() {
    let world = World::start();
    let is_prompt = |command: &Command| matches!(command, Command::Prompt { .. });
    let mut one = world.client();
    let session = one.new_session();
    one.prompt_with_key(&session, "hello", "k");
    world.command("prompt", is_prompt);
    let turn = world.host.last_turn(&session);
    drop(one);

    let mut two = world.client();
    two.resume(&session, None);
    let running = two.prompt_with_key(&session, "hello", "k");
    world.command("retry", is_prompt);
    world.end(&session, turn);
    assert_eq!(two.answer(running)["result"]["_meta"]["acp-bridge"]["turn"], turn);

    let mut three = world.client();
    three.resume(&session, None);
    let finished = three.prompt_with_key(&session, "hello", "k");
    assert_eq!(three.answer(finished)["result"]["_meta"]["acp-bridge"]["turn"], turn);
}

/// Whatever the gateway is about to write as it goes: each round the two meet at another moment.
#[test]
fn what_a_client_asked_for_last_is_done_however_fast_it_leaves() {
    let world = World::start();
    let session = world.client().new_session();
    for _ in 0..300 {
        let mut client = world.client();
        client.resume(&session, None);
        let written = world.flood(&session, None, 200, 10);
        client.prompt(&session, "hello");
        drop(client);
        world.runtime.block_on(written).expect("no panic");
        world.command("prompt", |command| matches!(command, Command::Prompt { .. }));
        world.end(&session, world.host.last_turn(&session));
    }
}

#[test]
fn a_stop_reaches_the_host_and_ends_in_the_prompts_answer() {
    let world = World::start();
    let mut client = world.client();
    let session = client.new_session();
    let (id, turn) = world.prompt(&mut client, &session, "hello");
    client.cancel(&session);
    let answer = client.answer(id);
    assert_eq!(answer["result"]["stopReason"], "cancelled");
    assert_eq!(answer["result"]["_meta"]["acp-bridge"]["outcome"], "cancelled");

    let (id, second) = world.prompt(&mut client, &session, "hello");
    client.notify("$/cancel_request", &json!({ "requestId": id }));
    assert_eq!(client.answer(id)["result"]["_meta"]["acp-bridge"]["turn"], second);
    assert_ne!(turn, second);
    client.cancel("nonesuch");
    assert!(client.call("session/list", &json!({}))["sessions"].is_array(), "silence, and life");
}

#[test]
fn a_client_that_disappears_right_after_a_stop_has_stopped_the_turn() {
    let world = World::start();
    let mut client = world.client();
    let session = client.new_session();
    world.prompt(&mut client, &session, "hello");
    let mut watching = world.client();
    watching.resume(&session, None);
    client.cancel(&session);
    drop(client);
    assert_eq!(watching.turn_ended()["outcome"], "cancelled");
}

#[test]
fn every_controller_is_asked_and_can_answer_after_the_one_that_prompted_has_gone() {
    let world = World::start();
    let (mut one, mut two) = (world.client(), world.client());
    let session = one.new_session();
    two.resume(&session, None);
    let (_, turn) = world.prompt(&mut one, &session, "hello");
    let request = world.ask(&session, Some(turn));
    let asked = one.wait_for("request", is_request);
    assert_eq!(asked["params"]["toolCall"]["toolCallId"], "t");
    let asked = two.wait_for("request", is_request);
    drop(one);
    two.respond(&asked["id"], &json!({ "outcome": { "outcome": "selected", "optionId": "x" } }));
    let (_, command) = world.command("answer", |command| matches!(command, Command::Answer { .. }));
    let answer = Ok(raw(r#"{"outcome":{"optionId":"x","outcome":"selected"}}"#));
    let Command::Answer { request: answered, answer: given } = command else { panic!("{command:?}") };
    assert_eq!(answered, request);
    let parse = |raw: acp_types::RawBuf| serde_json::from_str::<Value>(raw.as_str()).expect("JSON");
    assert_eq!(given.map(parse), answer.map(parse));
}

#[test]
fn what_was_asked_while_nobody_was_there_is_asked_of_whoever_comes() {
    let world = World::start();
    let mut one = world.client();
    let session = one.new_session();
    let (_, turn) = world.prompt(&mut one, &session, "hello");
    drop(one);
    let request = world.ask(&session, Some(turn));
    let (mut two, mut three) = (world.client(), world.client());
    let id = two.request("session/load", &json!({ "sessionId": session, "cwd": "/" }));
    let names = names_until(&mut two, "session/request_permission");
    assert_eq!(names, ["early", "hello", format!("answer {id}").as_str(), "session/request_permission"]);
    three.resume(&session, None);
    let asked = three.wait_for("request", is_request);
    world.resolve(&session, request);
    let cancelled = three.wait_for("cancellation", |m| m["method"] == "$/cancel_request");
    assert_eq!(cancelled["params"]["requestId"], asked["id"]);
    three.respond(&asked["id"], &json!({}));
    assert!(three.call("session/list", &json!({}))["sessions"].is_array(), "a late answer is ignored");
}

#[test]
fn a_log_that_cannot_be_written_is_told_to_everybody_and_the_session_goes_on() {
    let world = World::start();
    let (mut one, mut two) = (world.client(), world.client());
    let session = one.new_session();
    two.resume(&session, None);
    let (id, turn) = world.prompt(&mut one, &session, "hello");
    two.wait_for("prompt", |m| text_of(m) == "hello");
    world.runtime.block_on(world.log.fault(&session.as_str().into(), "no space left"));
    let error = one.answer(id)["error"].clone();
    assert_eq!(error["code"], -32603);
    assert!(error["message"].as_str().is_some_and(|m| m.contains("no space left")), "{error}");
    let told = two.turn_ended();
    assert_eq!((&told["outcome"], &told["turn"]), (&json!("failed"), &json!(turn)));
    world.chunk(&session, Some(turn), "again");
    assert_eq!(names_until(&mut one, "again").last().map(String::as_str), Some("again"));
    assert_eq!(names_until(&mut two, "again").last().map(String::as_str), Some("again"));
}

#[test]
fn loading_again_keeps_prompts_that_wait() {
    let world = World::start();
    let mut client = world.client();
    let session = client.new_session();
    let (id, turn) = world.prompt(&mut client, &session, "hello");
    world.chunk(&session, Some(turn), "a");
    client.load(&session);
    world.chunk(&session, Some(turn), "b");
    world.end(&session, turn);
    assert_eq!(client.answer(id)["result"]["stopReason"], "end_turn");
}

#[test]
fn the_host_is_told_when_a_controller_comes_and_when_its_connection_dies() {
    let world = World::start();
    let mut one = world.client();
    let session = one.new_session();
    let came = world.command("coming", |command| matches!(command, Command::SetPresence { present: true }));
    assert_eq!(came.0, Some(session.as_str().into()));
    drop(one);
    let went = world.command("going", |command| matches!(command, Command::SetPresence { present: false }));
    assert_eq!(went.0, Some(session.as_str().into()));
}

#[test]
fn a_client_of_which_nothing_is_heard_has_gone() {
    let mut config = acp_bridge::gateway::Config::default();
    config.keep_alive.ping = std::time::Duration::from_millis(100);
    config.keep_alive.lost = std::time::Duration::from_millis(500);
    let world = World::with(config);
    let mut one = world.client();
    one.new_session();
    world.command("coming", |command| matches!(command, Command::SetPresence { present: true }));
    // It is there and does not read: nobody answers the pings.
    world.command("going", |command| matches!(command, Command::SetPresence { present: false }));
}

#[test]
fn the_host_does_not_hear_of_an_observer() {
    let world = World::start();
    let mut one = world.client();
    let session = one.new_session();
    let mut two = world.client();
    for (role, name) in [("observer", "looker"), ("controller", "doer")] {
        let answer = two.call("session/attach", &json!({ "sessionId": session, "role": role, "clientId": name }));
        assert_eq!((&answer["role"], &answer["clientId"]), (&json!(role), &json!(name)));
        assert_eq!(answer["_meta"]["acp-bridge"]["session"]["modes"]["currentModeId"], "ask");
    }
    let (_, command) = world.command("attach", |command| matches!(command, Command::Attach { .. }));
    let Command::Attach { params } = command else { panic!("{command:?}") };
    assert!(params.as_str().contains("doer"), "an observer lets no queued prompt go on: {}", params.as_str());
}
