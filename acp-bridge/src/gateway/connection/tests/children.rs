//! Child sessions: what clients that understand them see, and what others do.

use acp_types::record::body::ChildUpdated;
use acp_types::record::{Kind, Origin, Seq};
use serde_json::{Value, json};

use super::kit::{Kit, Log, raw};
use crate::gateway::Limits;
use crate::session::{Command, Reply};

fn with_children() -> Kit {
    Kit::with_limits(Limits::default()).initialized_with(&json!({ "subagents": {} }))
}

/// A record of a child, or of the session itself.
fn update(log: &mut Log, of: &str, update: &Value) -> Seq {
    let seq = log.records.len() as Seq + 1;
    let meta = json!({ "acp-bridge": { "seq": seq, "at": seq, "lane": "main" } });
    log.add(Kind::Update, None, Origin::Agent, &json!({ "sessionId": of, "update": update, "_meta": meta }))
}

fn announce(log: &mut Log, parent: Option<&str>, changed: &str) -> String {
    let child = format!("s~{}", log.records.len() + 1);
    let updated = ChildUpdated {
        session: child.as_str().into(),
        agent_session: Some("sub".into()),
        parent: parent.map(Into::into),
        changed: raw(changed),
    };
    log.add(Kind::ChildUpdated, None, Origin::Agent, &updated);
    update(log, parent.unwrap_or("s"), &json!({ "sessionUpdate": "subagent_update", "sessionId": child }));
    child
}

fn chunk(log: &mut Log, of: &str, kind: &str, text: &str) -> Seq {
    let content = json!({ "type": "text", "text": text });
    update(log, of, &json!({ "sessionUpdate": kind, "messageId": "m", "content": content }))
}

fn said(log: &mut Log, of: &str, text: &str) -> Seq {
    chunk(log, of, "agent_message_chunk", text)
}

fn ask(log: &mut Log, of: &str) -> Seq {
    let tool = json!({ "toolCallId": "c", "content": [{ "type": "session", "sessionId": of }] });
    log.add(Kind::PermissionRequested, None, Origin::Agent, &json!({ "sessionId": of, "toolCall": tool }))
}

/// Session, and text or child, of updates; and whatever else there is.
fn shown(kit: &mut Kit) -> Vec<String> {
    let name = |message: &Value| {
        let (of, update) = (&message["params"]["sessionId"], &message["params"]["update"]);
        let of = of.as_str().unwrap_or_default();
        match (update["sessionUpdate"].as_str(), message["method"].as_str()) {
            (Some("subagent_update"), _) => format!("{of} has {}", update["sessionId"].as_str().unwrap()),
            (Some(_), _) => format!("{of}: {}", update["content"]["text"].as_str().unwrap_or("-")),
            (None, Some(_)) if message["ask"].is_u64() => format!("{of} asks"),
            (None, Some(method)) => method.to_owned(),
            (None, None) if message["cancel"].is_u64() => "cancelled".to_owned(),
            (None, None) => format!("answer {}", message["id"]),
        }
    };
    kit.out().iter().map(name).collect()
}

/// A session whose child works, and asks.
fn log() -> (Log, String) {
    let mut log = Log::new();
    said(&mut log, "s", "one");
    let child = announce(&mut log, None, r#"{"title":"t","state":{"state":"running"}}"#);
    said(&mut log, &child, "two");
    said(&mut log, "s", "three");
    ask(&mut log, &child);
    (log, child)
}

#[test]
fn whoever_understands_children_is_shown_all_and_asked_what_they_ask() {
    let (log, child) = log();
    let mut kit = with_children();
    let (attachment, _) = kit.open(7, "session/load", None, &log);
    kit.connection.records(attachment, log.after(0));
    let all = [
        "s: one",
        &format!("s has {child}"),
        &format!("{child}: two"),
        "s: three",
        "answer 7",
        &format!("{child} asks"),
    ];
    assert_eq!(shown(&mut kit), all);
}

#[test]
fn whoever_does_not_is_shown_and_asked_nothing_of_a_child_and_no_reference_to_one() {
    let (mut log, child) = log();
    let content = json!([{ "type": "session", "sessionId": child }, { "type": "content", "x": 1 }]);
    update(&mut log, "s", &json!({ "sessionUpdate": "tool_call", "toolCallId": "c", "content": content }));
    chunk(&mut log, "s", "session_message_chunk", "four");
    log.add(Kind::Extension, None, Origin::Agent, &json!({ "method": "_x", "params": { "sessionId": child } }));
    ask(&mut log, "s");
    for method in ["session/load", "session/resume"] {
        let mut kit = Kit::ready();
        let after = (method == "session/resume").then_some(0);
        let (attachment, _) = kit.open(7, method, after, &log);
        kit.connection.records(attachment, log.after(0));
        let out = kit.out();
        let text = serde_json::to_string(&out).unwrap();
        assert!(!text.contains(&child) && !text.contains("four"), "{method}: {text}");
        let call = out.iter().find(|message| message["params"]["update"]["toolCallId"] == "c").unwrap();
        assert_eq!(call["params"]["update"]["content"], json!([{ "type": "content", "x": 1 }]));
        let asked: Vec<_> = out.iter().filter(|message| message["ask"].is_u64()).collect();
        assert_eq!((asked.len(), &asked[0]["params"]["sessionId"]), (1, &json!("s")), "{method}");
    }
}

#[test]
fn whoever_goes_on_behind_an_announcement_is_told_of_the_children_first() {
    let (mut log, child) = log();
    let inner = announce(&mut log, Some(&child), "{}");
    let cursor = log.records.len() as Seq;
    let mut kit = with_children();
    let (attachment, _) = kit.open(7, "session/resume", Some(cursor), &log);
    said(&mut log, &inner, "live");
    kit.connection.records(attachment, log.after(cursor));
    let out = kit.out();
    let first = &out[1]["params"];
    assert_eq!(first["update"]["title"], "t");
    assert_eq!(first["update"]["state"], json!({ "state": "running" }));
    assert_eq!(first["_meta"]["acp-bridge"]["seq"], Value::Null, "it moves no cursor");
    assert_eq!(out[2]["params"]["sessionId"], json!(child), "the parent's own child");
    assert_eq!(out[2]["params"]["update"]["sessionId"], json!(inner));
    assert!(out.iter().any(|message| message["params"]["update"]["content"]["text"] == "live"));

    // From now on, and by an attach without history.
    let mut kit = with_children();
    kit.open(7, "session/resume", None, &log);
    let has = [format!("s has {child}"), format!("{child} has {inner}")];
    assert_eq!(shown(&mut kit)[1..3], has);
    let mut kit = with_children();
    kit.attach(7, &json!({ "historyPolicy": "none" }), &log, log.records.len() as Seq);
    assert_eq!(shown(&mut kit)[..2], has);
    let mut kit = Kit::ready();
    kit.open(7, "session/resume", None, &log);
    assert_eq!(shown(&mut kit), ["answer 7"]);
}

#[test]
fn what_is_told_of_children_first_is_counted_and_is_of_the_lanes_that_are_seen() {
    let (log, child) = log();
    let head = log.records.len() as Seq;
    for (lanes, count) in [(json!(["main"]), 1), (json!(["other"]), 0)] {
        let mut kit = with_children();
        let ours = json!({ "acp-bridge": { "lanes": lanes } });
        kit.attach(7, &json!({ "historyPolicy": "none", "role": "observer", "_meta": ours }), &log, head);
        let out = kit.out();
        let of = |message: &&Value| message["params"]["update"]["sessionId"] == child.as_str();
        assert_eq!(out.iter().filter(of).count(), count, "{lanes}: {out:?}");
        let answer = out.iter().find(|message| message["id"] == 7).unwrap();
        assert_eq!(answer["result"]["replayed"], count, "{lanes}");
    }
}

#[test]
fn whoever_is_asked_in_a_lane_that_it_does_not_see_is_told_of_the_children_that_ask() {
    let (mut log, child) = log();
    let inner = announce(&mut log, Some(&child), "{}");
    let head = log.records.len() as Seq;
    let mut kit = with_children();
    let ours = json!({ "acp-bridge": { "lanes": ["other"] } });
    let attachment = kit.attach(7, &json!({ "historyPolicy": "none", "_meta": ours }), &log, head);
    kit.request(8, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    let turn = log.prompt("me");
    kit.answer(Ok(Reply::Turn(turn)));
    said(&mut log, &inner, "unseen");
    let tool = json!({ "toolCallId": "c" });
    let asks = json!({ "sessionId": inner, "toolCall": tool });
    log.add(Kind::PermissionRequested, Some(turn), Origin::Agent, &asks);
    shown(&mut kit);
    kit.connection.records(attachment, log.after(head));
    let told = shown(&mut kit);
    let asked = [format!("s has {child}"), format!("{child} has {inner}"), format!("{inner} asks")];
    assert!(told.ends_with(&asked) && !told.join(" ").contains("unseen"), "{told:?}");
}

#[test]
fn chunks_of_different_sessions_are_never_joined_and_those_of_a_message_between_sessions_are() {
    let mut log = Log::new();
    let child = announce(&mut log, None, "{}");
    for text in ["a", "b"] {
        chunk(&mut log, &child, "session_message_chunk", text);
    }
    for (of, text) in [("s", "c"), (&*child, "d"), (&*child, "e"), ("s", "f")] {
        said(&mut log, of, text);
    }
    let mut kit = with_children();
    let (attachment, _) = kit.open(7, "session/load", None, &log);
    kit.connection.records(attachment, log.after(0));
    let joined = [format!("{child}: ab"), "s: c".into(), format!("{child}: de"), "s: f".into(), "answer 7".into()];
    assert_eq!(shown(&mut kit)[1..], joined);
}

#[test]
fn a_stop_of_a_child_is_for_its_parents_host_and_nothing_else_is_for_a_child() {
    let (log, child) = log();
    let mut kit = with_children();
    kit.open(7, "session/resume", None, &log);
    kit.out();
    let meta = json!({ "acp-bridge": { "reason": "enough" } });
    kit.notify("session/cancel", &json!({ "sessionId": child, "_meta": meta }));
    let cancel = Command::CancelChild { child: child.as_str().into(), reason: Some("enough".into()) };
    assert_eq!(kit.command(), (Some("s".into()), cancel));
    for method in ["session/prompt", "session/load", "session/set_mode", "session/close", "session/delete", "_x/y"] {
        kit.request(
            9,
            method,
            &json!({ "sessionId": child, "cwd": "/", "mcpServers": [], "prompt": [], "modeId": "m" }),
        );
        let answer = kit.only();
        assert_eq!(answer["error"]["code"], -32602, "{method}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("session/cancel"), "{answer}");
    }
    kit.notify("_x/y", &json!({ "sessionId": child }));
    assert!(kit.effects().is_empty());
    // Somebody who is not attached to its parent knows of no such session.
    let mut stranger = with_children();
    stranger.request(9, "session/prompt", &json!({ "sessionId": child, "prompt": [] }));
    assert_eq!(stranger.only()["error"]["code"], -32002);
}

#[test]
fn what_a_child_prints_is_told_under_its_own_id() {
    let mut log = Log::new();
    let child = announce(&mut log, None, "{}");
    for of in ["s", &*child] {
        let content = json!([{ "type": "terminal", "terminalId": format!("t-{of}") }]);
        update(&mut log, of, &json!({ "sessionUpdate": "tool_call", "toolCallId": "c", "content": content }));
        let output = json!({ "terminal_output": { "terminal_id": format!("t-{of}"), "data": format!("of {of}") } });
        update(&mut log, of, &json!({ "sessionUpdate": "tool_call_update", "toolCallId": "c", "_meta": output }));
    }
    let told = |kit: &mut Kit| {
        let out = kit.out();
        let calls = out.iter().filter(|message| message["params"]["update"]["toolCallId"] == "c");
        let text = |message: &Value| message["params"]["update"]["content"][0]["content"]["text"].clone();
        let said = calls.map(|call| (call["params"]["sessionId"].clone(), text(call)));
        said.filter(|(_, text)| text.is_string()).collect::<Vec<_>>()
    };
    let mut kit = with_children();
    let (attachment, _) = kit.open(7, "session/load", None, &log);
    kit.connection.records(attachment, log.after(0));
    let both = [(json!("s"), json!("of s")), (json!(child), json!(format!("of {child}")))];
    assert_eq!(told(&mut kit), both);
    // From where the beginnings are past.
    let cursor = log.records.len() as Seq;
    let mut kit = with_children();
    let (attachment, _) = kit.open(7, "session/resume", Some(cursor), &log);
    let more = json!({ "terminal_output": { "terminal_id": format!("t-{child}"), "data": "!" } });
    update(&mut log, &child, &json!({ "sessionUpdate": "tool_call_update", "toolCallId": "c", "_meta": more }));
    kit.connection.records(attachment, log.after(cursor));
    assert_eq!(told(&mut kit).last(), Some(&(json!(child), json!(format!("of {child}!")))));
}
