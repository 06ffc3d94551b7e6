//! Coming to a session and following it, over real WebSockets.

use crate::support::{World, client, name, names_until, text_of};
use acp_types::record::{Kind, Origin};
use serde_json::{Value, json};

fn workspace(session: &str, after: Option<u64>) -> Value {
    let mut params = json!({ "sessionId": session, "cwd": "/", "mcpServers": [] });
    if let Some(after) = after {
        params["_meta"] = json!({ "acp-bridge": { "after": after } });
    }
    params
}

#[test]
fn initialize_is_the_agents_with_what_the_bridge_adds() {
    let world = World::start();
    let mut client = client::Client::connect(&world.address);
    let result = client.initialize();
    assert_eq!((&result["agentInfo"]["name"], &result["_x"]), (&json!("stub"), &json!(100.0)));
    for name in ["list", "resume", "close", "delete"] {
        assert_eq!(result["agentCapabilities"]["sessionCapabilities"][name], json!({}), "{name}");
    }
    let roles = json!({ "roles": ["controller", "observer"] });
    assert_eq!(result["agentCapabilities"]["sessionCapabilities"]["attach"], roles);
    assert!(result["_meta"]["acp-bridge"]["version"].is_string());
}

#[test]
fn early_updates_of_a_new_session_come_after_its_answer() {
    let world = World::start();
    let mut client = world.client();
    let id = client.request("session/new", &json!({ "cwd": "/w", "mcpServers": [] }));
    assert_eq!(names_until(&mut client, "early"), [format!("answer {id}"), "early".into()]);
}

#[test]
fn load_is_history_joined_then_the_answer_then_live() {
    let world = World::start();
    let mut one = world.client();
    let session = one.new_session();
    let (_, turn) = world.prompt(&mut one, &session, "hello");
    for text in ["a", "b", "c"] {
        world.chunk(&session, Some(turn), text);
    }
    let seq = world.chunk(&session, Some(turn), "d");
    let mut two = world.client();
    let id = two.request("session/load", &workspace(&session, None));
    let answer = format!("answer {id}");
    assert_eq!(names_until(&mut two, &answer), ["early", "hello", "abcd", answer.as_str()]);
    world.chunk(&session, Some(turn), "live");
    assert_eq!(name(&two.next()), "live");

    let mut three = world.client();
    three.request("session/resume", &workspace(&session, Some(seq)));
    three.next();
    assert_eq!(names_until(&mut three, "_acp-bridge/caught_up"), ["live", "_acp-bridge/caught_up"]);
}

#[test]
fn resume_answers_first_and_then_shows_each_record_since() {
    let world = World::start();
    let mut one = world.client();
    let session = one.new_session();
    let (_, turn) = world.prompt(&mut one, &session, "hello");
    let after = world.chunk(&session, Some(turn), "a");
    world.chunk(&session, Some(turn), "b");
    world.chunk(&session, Some(turn), "c");
    let end = world.end(&session, turn);
    let mut two = world.client();
    let id = two.request("session/resume", &workspace(&session, Some(after)));
    assert_eq!(name(&two.next()), format!("answer {id}"));
    for (text, seq) in [("b", after + 1), ("c", after + 2)] {
        let update = two.next();
        assert_eq!((text_of(&update), &update["params"]["_meta"]["acp-bridge"]["seq"]), (text, &json!(seq)));
    }
    let ended = two.next();
    assert_eq!(ended["method"], "_acp-bridge/turn_ended");
    assert_eq!(ended["params"]["stopReason"], "end_turn");
    assert_eq!(two.next()["params"], json!({ "sessionId": session, "seq": end }));
}

#[test]
fn a_cursor_that_cannot_be_served_is_an_error_that_names_one_that_can() {
    let world = World::start();
    let mut client = world.client();
    let session = client.new_session();
    for text in ["a", "b", "c"] {
        world.chunk(&session, None, text);
    }
    let error = client.refused("session/resume", &workspace(&session, Some(7)));
    assert_eq!((&error["code"], &error["data"]["latest"]), (&json!(-32602), &json!(6)));
    let oldest = {
        use acp_bridge::log::LogWriter;
        world.runtime.block_on(world.log.trim(&session.as_str().into(), 5)).expect("a trim")
    };
    let error = client.refused("session/resume", &workspace(&session, Some(oldest - 1)));
    assert_eq!((&error["code"], &error["data"]["oldest"]), (&json!(-32602), &json!(oldest)));
    let mut other = world.client();
    other.request("session/load", &workspace(&session, None));
    assert_eq!(name(&other.next()), "c", "load shows what there still is");
}

#[test]
fn unknown_sessions_are_refused_and_unknown_cursors_of_lists_too() {
    let world = World::start();
    let mut client = world.client();
    for method in ["session/load", "session/resume", "session/close", "session/status"] {
        let error = client.refused(method, &workspace("nonesuch", None));
        assert_eq!((&error["code"], &error["data"]["sessionId"]), (&json!(-32002), &json!("nonesuch")), "{method}");
    }
    assert_eq!(client.refused("session/list", &json!({ "cursor": "nonesuch" }))["code"], -32602);
    client.call("session/delete", &json!({ "sessionId": "nonesuch" }));
}

#[test]
fn a_long_list_comes_in_pages() {
    let world = World::start();
    let mut client = world.client();
    let made: Vec<String> = (0..105).map(|_| client.new_session()).collect();
    let mut listed = Vec::new();
    let mut params = json!({ "cwd": "/" });
    loop {
        let page = client.call("session/list", &params);
        let sessions = page["sessions"].as_array().expect("a list");
        listed.extend(sessions.iter().map(|entry| entry["sessionId"].as_str().expect("an id").to_owned()));
        assert_eq!(sessions[0]["updatedAt"], "1970-01-01T00:00:03Z");
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        params["cursor"] = json!(cursor);
    }
    listed.sort();
    let mut expected = made;
    expected.sort();
    assert_eq!(listed, expected);
}

#[test]
fn close_detaches_after_the_end_of_the_turn_and_delete_ends_every_attachment() {
    let world = World::start();
    let (mut one, mut two) = (world.client(), world.client());
    let session = one.new_session();
    two.resume(&session, None);
    let id = one.request("session/close", &json!({ "sessionId": session }));
    assert_eq!(one.answer(id)["result"], json!({}));
    assert_eq!(one.refused("session/prompt", &json!({ "sessionId": session, "prompt": [] }))["code"], -32002);
    let (waiting, _) = world.prompt(&mut two, &session, "still here");
    one.call("session/delete", &json!({ "sessionId": session }));
    assert_eq!(two.answer(waiting)["error"]["code"], -32002);
    let told = two.wait_for("goodbye", |m| m["method"] == "_acp-bridge/detached");
    assert_eq!((&told["params"]["sessionId"], &told["params"]["error"]["code"]), (&json!(session), &json!(-32002)));
    assert_eq!(two.refused("session/prompt", &json!({ "sessionId": session, "prompt": [] }))["code"], -32002);
}

#[test]
fn what_the_agent_says_outside_acp_is_passed_on() {
    let world = World::start();
    let mut client = world.client();
    let session = client.new_session();
    client.update();
    let body = json!({ "method": "_x/news", "params": { "sessionId": session, "n": 1 } });
    world.append(&session, Kind::Extension, None, Origin::Agent, &body);
    let news = client.next();
    assert_eq!((&news["method"], &news["params"]["n"]), (&json!("_x/news"), &json!(1)));
}

#[test]
fn requests_for_the_agent_pass_through_with_its_answers_untouched() {
    let world = World::start();
    let mut client = world.client();
    let session = client.new_session();
    for method in ["session/set_mode", "session/set_config_option", "authenticate", "logout", "_x/thing"] {
        let params = json!({ "sessionId": session, "n": 1 });
        assert_eq!(client.call(method, &params), json!({ "method": method, "params": params }));
    }
    client.refused("_x/fail", &json!({}));
    assert!(
        client.wire.last_raw.ends_with(r#""error":{"code":4711,"message":"told to fail","_x":1e2}}"#),
        "{}",
        client.wire.last_raw
    );
}

/// P3: live never overtakes history, whatever is appended while a reader is on its way.
#[test]
fn readers_that_come_and_go_in_a_flood_miss_and_double_nothing() {
    const COUNT: usize = 30_000;
    let world = World::start();
    let mut owner = world.client();
    let session = owner.new_session();
    let flood = world.flood(&session, None, COUNT, 20);
    let number = |text: &str| text.split(' ').next().and_then(|number| number.parse::<usize>().ok());
    let (mut cursor, mut next) = (3, 0);
    for visit in 0.. {
        let mut reader = world.client();
        reader.request("session/resume", &workspace(&session, Some(cursor)));
        let mut left = 100 + visit * 37 % 911;
        while left > 0 && next < COUNT {
            let message = reader.next();
            if message["method"] == "session/update" {
                assert_eq!(number(text_of(&message)), Some(next));
                next += 1;
                left -= 1;
                cursor = message["params"]["_meta"]["acp-bridge"]["seq"].as_u64().expect("a seq");
            }
        }
        if next == COUNT {
            break;
        }
    }
    world.runtime.block_on(flood).expect("the flood");

    let mut loader = world.client();
    let id = loader.request("session/load", &workspace(&session, None));
    let mut all = String::new();
    loop {
        let message = loader.next();
        if message["id"] == json!(id) {
            break;
        }
        all.push_str(text_of(&message));
    }
    let expected: String = (0..COUNT).map(|number| format!("{number} {}", "x".repeat(20))).collect();
    assert!(all.strip_prefix("early") == Some(expected.as_str()), "the joined history is the whole text");
}
