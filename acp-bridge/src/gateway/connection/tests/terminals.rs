//! Output of commands, on a connection whose client shows no terminals.

use acp_types::record::{Kind, Origin};
use serde_json::{Value, json};

use super::kit::{Kit, Log};

/// An update of the agent, with its place in the log.
fn update(log: &mut Log, turn: u64, update: &Value) -> u64 {
    let seq = log.records.len() as u64 + 1;
    let meta = json!({ "acp-bridge": { "seq": seq, "at": seq, "turn": turn, "lane": "main" } });
    log.add(Kind::Update, Some(turn), Origin::Agent, &json!({ "sessionId": "s", "update": update, "_meta": meta }))
}

fn begin(log: &mut Log, turn: u64) {
    let content = [json!({ "type": "terminal", "terminalId": "c" })];
    update(log, turn, &json!({ "sessionUpdate": "tool_call", "toolCallId": "c", "content": content }));
}

fn print(log: &mut Log, turn: u64, text: &str) -> u64 {
    let output = json!({ "terminal_output": { "terminal_id": "c", "data": text } });
    update(log, turn, &json!({ "sessionUpdate": "tool_call_update", "toolCallId": "c", "_meta": output }))
}

/// Text of chunks, text of calls with the seq that they carry, and what else there is.
fn shown(kit: &mut Kit) -> Vec<String> {
    let name = |message: &Value| {
        let update = &message["params"]["update"];
        let seq = &message["params"]["_meta"]["acp-bridge"]["seq"];
        if let Some(text) = update["content"]["text"].as_str() {
            return text.to_owned();
        }
        if let Some(content) = update["content"].as_array() {
            let text: String = content.iter().filter_map(|item| item["content"]["text"].as_str()).collect();
            return format!("call {text:?} {seq}");
        }
        match message["method"].as_str() {
            Some(method) => method.to_owned(),
            None => format!("answer {}", message["id"]),
        }
    };
    kit.out().iter().map(name).collect()
}

/// A turn in which a command prints while the agent speaks.
fn busy() -> (Log, u64) {
    let mut log = Log::new();
    let turn = log.prompt("other");
    log.chunk(turn, "a");
    begin(&mut log, turn);
    for (text, line) in [("b", "1\n"), ("c", "2\n")] {
        log.chunk(turn, text);
        print(&mut log, turn, line);
    }
    log.chunk(turn, "d");
    (log, turn)
}

#[test]
fn history_has_the_text_once_and_parts_no_message() {
    let (mut log, turn) = busy();
    log.end(turn);
    let mut kit = Kit::ready();
    let attachment = kit.attach(7, &json!({}), &log, 0);
    kit.connection.records(attachment, log.after(0));
    let out = kit.out();
    let answer = out.iter().find(|message| message["id"] == 7).unwrap();
    let updates = out.iter().filter(|message| message["method"] == "session/update").count();
    assert_eq!(answer["result"]["replayed"], json!(updates));

    let (attachment, _) = kit.open(8, "session/load", None, &log);
    kit.connection.records(attachment, log.after(0));
    let seen = shown(&mut kit);
    assert_eq!(seen[..5], ["other says", "a", "call \"\" 7", "bcd", "call \"1\\n2\\n\" null"], "{seen:?}");
}

#[test]
fn live_output_is_told_with_the_portion_in_which_it_comes() {
    let (mut log, turn) = busy();
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    kit.connection.records(attachment, log.after(0));
    assert_eq!(shown(&mut kit), ["other says", "a", "call \"\" 7", "b", "c", "d", "call \"1\\n2\\n\" null"]);
    let head = log.records.len() as u64;
    let seq = print(&mut log, turn, "3\n");
    kit.connection.records(attachment, log.after(head));
    assert_eq!(shown(&mut kit), [format!("call \"1\\n2\\n3\\n\" {seq}")]);
}

#[test]
fn whoever_goes_on_from_a_cursor_has_the_whole_text() {
    let (mut log, turn) = busy();
    let head = log.records.len() as u64;
    for cursor in 7..=head {
        let mut kit = Kit::ready();
        let (attachment, _) = kit.open(7, "session/resume", Some(cursor), &log);
        if cursor < head {
            kit.connection.records(attachment, log.after(cursor));
        }
        let seen = shown(&mut kit);
        assert!(seen.iter().any(|it| it.starts_with("call \"1\\n2\\n\"")), "{cursor}: {seen:?}");
        assert_eq!(seen.last().unwrap(), "_acp-bridge/caught_up");
    }
    // Without a cursor only what comes is told, and that is all of it.
    let mut kit = Kit::ready();
    let (attachment, after) = kit.open(7, "session/resume", None, &log);
    assert_eq!(shown(&mut kit), ["answer 7"]);
    let seq = print(&mut log, turn, "3\n");
    kit.connection.records(attachment, log.after(after));
    assert_eq!(shown(&mut kit), [format!("call \"1\\n2\\n3\\n\" {seq}")]);
}

#[test]
fn what_was_printed_is_told_before_the_turn_ends_and_before_a_question() {
    let (mut log, turn) = busy();
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    log.ask(Some(turn));
    print(&mut log, turn, "3\n");
    log.end(turn);
    kit.connection.records(attachment, log.after(0));
    let seen = shown(&mut kit);
    let at = |what: &str| seen.iter().position(|it| it == what).unwrap_or_else(|| panic!("{what} in {seen:?}"));
    assert!(at("call \"1\\n2\\n\" null") < at("session/request_permission"));
    assert!(at("call \"1\\n2\\n3\\n\" null") < at("_acp-bridge/turn_ended"));
}
