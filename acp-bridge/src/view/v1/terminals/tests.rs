use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::record::{Kind, Origin, Record};
use acp_types::{Raw, RawBuf};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{MAX, MAX_PARAMS, TerminalView, VisibleUpdate};

/// One update record as a host writes it; `update` is its `update` member.
fn record(seq: u64, update: &Value) -> Arc<Record> {
    let meta = json!({ "acp-bridge": { "seq": seq, "at": seq * 100, "turn": 1, "lane": "main" } });
    let body = json!({ "sessionId": "s", "update": update, "_meta": meta });
    Arc::new(Record {
        seq,
        at: seq * 100,
        epoch: 1,
        lane: Record::MAIN_LANE.into(),
        origin: Origin::Agent,
        kind: Kind::Update,
        turn: Some(1),
        position: None,
        body: RawBuf::encode(&body).unwrap(),
    })
}

fn records(updates: &[Value]) -> Vec<Arc<Record>> {
    updates.iter().zip(1..).map(|(update, seq)| record(seq, update)).collect()
}

fn terminal(id: &str) -> Value {
    json!({ "type": "terminal", "terminalId": id })
}

fn words(text: &str) -> Value {
    json!({ "type": "content", "content": { "type": "text", "text": text } })
}

fn begin(call: &str) -> Value {
    let info = json!({ "terminal_info": { "terminal_id": call, "cwd": "/" } });
    json!({ "sessionUpdate": "tool_call", "toolCallId": call, "title": "t", "content": [terminal(call)], "_meta": info })
}

fn print(call: &str, text: &str) -> Value {
    let output = json!({ "terminal_output": { "terminal_id": call, "data": text } });
    json!({ "sessionUpdate": "tool_call_update", "toolCallId": call, "_meta": output })
}

fn end(call: &str, text: &str) -> Value {
    let exit = json!({ "terminal_id": call, "exit_code": 0, "signal": null });
    let meta = json!({ "terminal_output": { "terminal_id": call, "data": text }, "terminal_exit": exit });
    json!({ "sessionUpdate": "tool_call_update", "toolCallId": call, "status": "completed", "_meta": meta })
}

/// Messages to a client that shows no terminals. Records come in portions of these sizes, in turn.
fn told(view: &mut TerminalView, records: &[Arc<Record>], portions: &[usize]) -> Vec<Value> {
    let mut told = Vec::new();
    let (mut rest, mut sizes) = (records, portions.iter().cycle());
    while !rest.is_empty() {
        let (portion, later) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
        for record in portion {
            match view.update(record, |_| false) {
                VisibleUpdate::All => told.push(record.body.clone()),
                VisibleUpdate::Instead(params) => told.push(params),
                VisibleUpdate::Later => {}
            }
        }
        told.extend(view.flush(&"s".into(), portion.last().unwrap().seq));
        rest = later;
    }
    told.iter().map(|params| serde_json::from_str(params.as_str()).unwrap()).collect()
}

fn seq(params: &Value) -> Option<u64> {
    params["_meta"]["acp-bridge"]["seq"].as_u64()
}

/// Screen of a client: the text of each tool call.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Screen {
    calls: BTreeMap<String, Vec<Value>>,
    terminals: BTreeMap<String, String>,
}

impl Screen {
    fn show(&mut self, update: &Value) {
        let call = update["toolCallId"].as_str().unwrap().to_owned();
        let known = self.calls.entry(call).or_default();
        if let Some(content) = update["content"].as_array() {
            known.clone_from(content);
        }
        let meta = &update["_meta"];
        if let Some(id) = meta["terminal_info"]["terminal_id"].as_str() {
            self.terminals.insert(id.to_owned(), String::new());
        }
        if let Some(id) = meta["terminal_output"]["terminal_id"].as_str() {
            let text = self.terminals.entry(id.to_owned()).or_default();
            text.push_str(meta["terminal_output"]["data"].as_str().unwrap());
        }
    }

    fn text(&self) -> BTreeMap<String, String> {
        let item = |item: &Value| match item["terminalId"].as_str() {
            Some(id) => self.terminals.get(id).cloned().unwrap_or_default(),
            None => item["content"]["text"].as_str().unwrap().to_owned(),
        };
        self.calls.iter().map(|(call, content)| (call.clone(), content.iter().map(item).collect())).collect()
    }
}

fn screen<'a>(updates: impl IntoIterator<Item = &'a Value>) -> Screen {
    let mut screen = Screen::default();
    updates.into_iter().for_each(|update| screen.show(update));
    screen
}

#[test]
fn output_comes_as_text_in_the_place_of_its_terminal() {
    let log = records(&[begin("c"), print("c", "one\n"), print("c", "\"two\"\n"), end("c", "three")]);
    let told = told(&mut TerminalView::default(), &log, &[1]);
    let update = |index: usize| &told[index]["update"];
    assert_eq!(
        *update(0),
        json!({ "sessionUpdate": "tool_call", "toolCallId": "c", "title": "t", "content": [] }),
        "no terminal and nothing of its stream"
    );
    assert_eq!(update(1)["content"], json!([words("one\n")]));
    assert_eq!(update(2)["content"], json!([words("one\n\"two\"\n")]));
    let last = json!({ "sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed",
        "content": [words("one\n\"two\"\nthree")] });
    assert_eq!(*update(3), last);
    assert_eq!(told.iter().map(seq).collect::<Vec<_>>(), [Some(1), Some(2), Some(3), Some(4)]);
    assert_eq!(told[1]["_meta"]["acp-bridge"], json!({ "seq": 2, "at": 200, "turn": 1, "lane": "main" }));
}

#[test]
fn output_that_comes_fast_is_told_once_a_portion() {
    let mut updates = vec![begin("c"), begin("d")];
    updates.extend((0..50).flat_map(|n| [print("c", &format!("{n} ")), print("d", "x")]));
    let told = told(&mut TerminalView::default(), &records(&updates), &[200]);
    assert_eq!(told.len(), 4);
    assert_eq!(told.iter().map(seq).collect::<Vec<_>>(), [Some(1), Some(2), None, Some(102)]);
    assert_eq!(told[3]["update"]["content"], json!([words(&"x".repeat(50))]));
}

#[test]
fn a_client_that_shows_terminals_gets_every_byte() {
    let mut view = TerminalView::default();
    for record in records(&[begin("c"), print("c", "one"), end("c", "two")]) {
        assert_eq!(view.update(&record, |_| true), VisibleUpdate::All);
    }
    assert!(view.flush(&"s".into(), 3).is_empty());
}

#[test]
fn whatever_has_no_terminal_stays_as_it_is() {
    for update in [
        json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": "\"terminal" } }),
        json!({ "sessionUpdate": "tool_call", "toolCallId": "c", "content": [words("plain")], "title": "terminal" }),
        json!({ "sessionUpdate": "tool_call", "toolCallId": "c", "content": [{ "type": "terminal" }, 7] }),
        json!({ "sessionUpdate": "tool_call_update", "toolCallId": "c", "_meta": { "terminal_output": 7 } }),
        json!({ "sessionUpdate": "later", "content": [terminal("c")] }),
        json!(7),
    ] {
        assert_eq!(TerminalView::default().update(&record(1, &update), |_| false), VisibleUpdate::All, "{update}");
    }
}

#[test]
fn what_stands_beside_a_terminal_stays_and_unknown_members_too() {
    let update = json!({ "sessionUpdate": "tool_call", "toolCallId": "c", "n": 1.0,
        "content": [{ "type": "diff", "x": [null] }, terminal("t"), words("after")],
        "_meta": { "theirs": 1, "terminal_output": { "terminal_id": "t", "data": "out" } } });
    let told = told(&mut TerminalView::default(), &records(&[update, print("c", "!")]), &[1]);
    assert_eq!(told[0]["update"]["content"], json!([{ "type": "diff", "x": [null] }, words("out"), words("after")]));
    assert_eq!((&told[0]["update"]["_meta"], &told[0]["update"]["n"]), (&json!({ "theirs": 1 }), &json!(1.0)));
    assert_eq!(told.len(), 1, "a terminal that the content does not show has no text");
}

#[test]
fn content_without_the_terminal_takes_its_place() {
    let plain = json!({ "sessionUpdate": "tool_call_update", "toolCallId": "c", "content": [words("summary")] });
    let log = records(&[begin("c"), print("c", "one"), plain, print("c", "two")]);
    let told = told(&mut TerminalView::default(), &log, &[9]);
    assert_eq!(told.last().unwrap()["update"]["content"], json!([words("summary")]));
}

#[test]
fn a_command_whose_beginning_is_gone_says_so() {
    let told = told(&mut TerminalView::default(), &records(&[print("c", "late")]), &[1]);
    assert_eq!(told[0]["update"]["content"], json!([words("[earlier output is not shown]\nlate")]));
}

#[test]
fn the_output_of_a_clients_terminal_comes_from_what_it_answered() {
    let control = |seq, kind, body: &Value| {
        let body = RawBuf::encode(body).unwrap();
        Arc::new(Record { seq, kind, body, ..Record::clone(&record(seq, &json!({}))) })
    };
    let asks = |seq| {
        let params = json!({ "sessionId": "s", "terminalId": "t" });
        control(seq, Kind::Request, &json!({ "method": "terminal/output", "params": params }))
    };
    let answers = |seq, output: &str, truncated| {
        let result = json!({ "output": output, "truncated": truncated });
        control(seq, Kind::Response, &json!({ "request": seq - 1, "result": result }))
    };
    let mut view = TerminalView::default();
    let shows = json!({ "sessionUpdate": "tool_call", "toolCallId": "c", "content": [terminal("t")] });
    view.update(&record(1, &shows), |_| false);
    for (seq, output, truncated, text) in [
        (3, "one\n", false, Some("one\n")),
        (5, "one\ntwo\n", false, Some("one\ntwo\n")),
        (7, "one\ntwo\n", false, None),
        (9, "two\n", true, Some("[earlier output is not shown]\ntwo\n")),
    ] {
        view.control(&asks(seq - 1));
        view.control(&answers(seq, output, truncated));
        let told = view.flush(&"s".into(), seq);
        let shown = told.first().map(|params| serde_json::from_str::<Value>(params.as_str()).unwrap());
        assert_eq!(shown.map(|params| params["update"]["content"].clone()), text.map(|text| json!([words(text)])));
    }
}

#[test]
fn more_commands_than_are_remembered_say_what_is_missing() {
    let mut updates: Vec<_> = (0..=MAX).map(|n| begin(&n.to_string())).collect();
    updates.extend((0..=MAX).map(|n| print(&n.to_string(), "x")));
    let screen = screen_of(&told(&mut TerminalView::default(), &records(&updates), &[1]));
    assert!(screen.text().values().all(|text| text == "[earlier output is not shown]\nx"), "{screen:?}");
    let mut updates: Vec<_> = (0..=MAX).flat_map(|n| [begin(&n.to_string()), end(&n.to_string(), "x")]).collect();
    updates.push(print(&MAX.to_string(), "y"));
    let screen = screen_of(&told(&mut TerminalView::default(), &records(&updates), &[1]));
    assert_eq!(screen.text()[&MAX.to_string()], "xy", "those that are over go first");
}

/// The screen of a client that is sent these params.
fn screen_of(told: &[Value]) -> Screen {
    screen(told.iter().map(|params| &params["update"]))
}

#[test]
fn no_message_is_longer_than_a_message_may_be() {
    let much = "x".repeat(MAX_PARAMS - 100_000);
    let update = json!({ "sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed",
        "content": [words(&much), terminal("c")],
        "_meta": { "terminal_output": { "terminal_id": "c", "data": "\u{1}".repeat(100_000) } } });
    let log = records(&[begin("c"), update]);
    let mut view = TerminalView::default();
    view.update(&log[0], |_| false);
    // The record itself is too long with what it streams; what the client gets is not.
    let VisibleUpdate::Instead(params) = view.update(&log[1], |_| false) else { panic!() };
    assert!(params.as_str().len() <= MAX_PARAMS, "{}", params.as_str().len());
    let value: Value = serde_json::from_str(params.as_str()).unwrap();
    assert_eq!(value["update"]["status"], "completed", "the state goes through");
    assert!(params.as_str().contains("the output is left out here"));
    assert!(Raw::parse(params.as_str()).is_ok());
}

#[derive(Debug, Clone)]
enum Doing {
    Print(usize, String),
    Restart(usize),
    End(usize, String),
    Beside(usize),
}

fn doing() -> impl Strategy<Value = Doing> {
    prop_oneof![
        8 => (0..4usize, "[a-z\n\"\\\\é]{0,9}").prop_map(|(call, text)| Doing::Print(call, text)),
        1 => (0..4usize).prop_map(Doing::Restart),
        1 => (0..4usize, "[a-z]{0,9}").prop_map(|(call, text)| Doing::End(call, text)),
        1 => (0..4usize).prop_map(Doing::Beside),
    ]
}

fn updates(doings: &[Doing]) -> Vec<Value> {
    let name = |call: &usize| format!("c{call}");
    let mut updates: Vec<_> = (0..4).map(|call| begin(&name(&call))).collect();
    updates.extend(doings.iter().map(|doing| match doing {
        Doing::Print(call, text) => print(&name(call), text),
        Doing::Restart(call) => begin(&name(call)),
        Doing::End(call, text) => end(&name(call), text),
        Doing::Beside(call) => {
            let content = [words("beside"), terminal(&name(call))];
            json!({ "sessionUpdate": "tool_call_update", "toolCallId": name(call), "content": content })
        }
    }));
    updates
}

proptest! {
    #[test]
    fn a_client_without_terminals_has_the_text_that_one_with_terminals_has(
        doings in prop::collection::vec(doing(), 0..60),
        portions in prop::collection::vec(1usize..9, 1..6),
        gone_at in 0usize..64,
    ) {
        let updates = updates(&doings);
        let log = records(&updates);
        let with = screen(&updates);
        let live = told(&mut TerminalView::default(), &log, &portions);
        let loaded = told(&mut TerminalView::default(), &log, &[log.len()]);
        prop_assert_eq!(screen_of(&live).text(), with.text(), "live");
        prop_assert_eq!(screen_of(&loaded).text(), with.text(), "on load");
        let stream = |params: &Value| params["update"]["_meta"].get("terminal_output").is_some();
        prop_assert!(!live.iter().chain(&loaded).any(stream));

        // Seqs grow, and each is a cursor: whoever comes back with it has the whole in the end.
        let carried: Vec<_> = live.iter().filter_map(seq).collect();
        prop_assert!(carried.is_sorted_by(|a, b| a < b));
        let gone_at = gone_at.min(live.len());
        let cursor = live[..gone_at].iter().filter_map(seq).next_back().unwrap_or(0);
        let mut view = TerminalView::default();
        for record in log.iter().filter(|record| record.seq <= cursor) {
            view.update(record, |_| false);
        }
        let first: Vec<_> = view.flush(&"s".into(), cursor);
        let first: Vec<Value> = first.iter().map(|params| serde_json::from_str(params.as_str()).unwrap()).collect();
        let cut = usize::try_from(cursor).unwrap();
        let rest = told(&mut view, &log[cut..], &portions);
        let seen: Vec<_> = live[..gone_at].iter().chain(&first).chain(&rest).cloned().collect();
        prop_assert_eq!(screen_of(&seen).text(), with.text(), "after a resume from {}", cursor);
    }
}
