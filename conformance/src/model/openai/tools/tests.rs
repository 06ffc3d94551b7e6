use serde_json::json;

use super::*;
use crate::model::script::{Part, Script};

/// Items of a part when a model has these tools.
fn items_of(part: &str, offered: &[Value]) -> Vec<Item> {
    let script = Script::parse(&format!("[[prompt]]\nmatch = \"*\"\nreplies = [[{part}]]")).unwrap();
    let Part::Call(call) = script.prompts[0].replies[0][0].clone() else { panic!("{part} calls nothing") };
    let request = Request::read(&json!({ "model": "m", "input": "hi", "tools": offered })).unwrap();
    items(&call, &request)
}

fn function_tool(name: &str) -> Value {
    json!({ "type": "function", "name": name })
}

fn plain_model() -> Vec<Value> {
    vec![function_tool("exec_command"), json!({ "type": "custom", "name": "apply_patch" })]
}

fn code_model() -> Vec<Value> {
    let exec = json!({ "type": "custom", "name": "exec" });
    let agents = [function_tool("spawn_agent"), function_tool("wait_agent")];
    vec![
        json!({ "type": "namespace", "name": "functions", "tools": [exec] }),
        json!({ "type": "namespace", "name": "collaboration", "tools": agents }),
    ]
}

fn call(namespace: Option<&str>, name: &str, arguments: Value) -> Item {
    function(namespace.map(str::to_owned), name, arguments)
}

#[test]
fn a_shell_command_asks_with_a_reason_and_a_rule() {
    assert_eq!(
        items_of(r#"{ shell = "touch a b", ask = true }"#, &plain_model()),
        [call(
            None,
            "exec_command",
            json!({
                "cmd": "touch a b",
                "sandbox_permissions": "require_escalated",
                "justification": "May I run this?",
                "prefix_rule": ["touch"],
            })
        )]
    );
}

#[test]
fn a_command_in_the_background_is_hardly_waited_for() {
    assert_eq!(
        items_of(r#"{ shell = "x", background = true }"#, &plain_model()),
        [call(None, "exec_command", json!({ "cmd": "x", "yield_time_ms": 250 }))]
    );
    assert_eq!(
        items_of(r#"{ shell = "x", timeout_ms = 9000 }"#, &plain_model()),
        [call(None, "exec_command", json!({ "cmd": "x", "yield_time_ms": 9000 }))]
    );
}

#[test]
fn a_patch_goes_the_way_that_the_model_has() {
    let part = r#"{ delete = "a" }"#;
    let patch = "*** Begin Patch\n*** Delete File: a\n*** End Patch\n".to_owned();
    assert_eq!(items_of(part, &plain_model()), [Item::Custom { name: "apply_patch", input: patch.clone() }]);
    let heredoc = format!("apply_patch <<'END_OF_PATCH'\n{patch}END_OF_PATCH\n");
    let shell = call(None, "exec_command", json!({ "cmd": heredoc }));
    assert_eq!(items_of(part, &[function_tool("exec_command")]), [shell]);
    let [Item::Custom { name: "exec", input }] = &items_of(part, &code_model())[..] else { panic!("no script") };
    assert!(input.contains("tools.apply_patch(\"*** Begin Patch\\n"), "{input}");
}

#[test]
fn in_code_mode_a_command_is_a_script_and_a_question_is_not() {
    let [Item::Custom { name: "exec", input }] = &items_of(r#"{ shell = "echo 'x'" }"#, &code_model())[..] else {
        panic!("no script")
    };
    assert!(input.contains(r#"await tools.exec_command({"cmd":"echo 'x'"})"#), "{input}");
    let question = items_of(r#"{ question = "Which?", options = ["A"] }"#, &code_model());
    assert!(matches!(&question[..], [Item::Function { name, .. }] if name == "request_user_input"), "{question:?}");
}

#[test]
fn a_sub_agent_is_started_in_the_family_s_words() {
    let v1 = Some("multi_agent_v1");
    let part = r#"{ agent = "work" }"#;
    assert_eq!(items_of(part, &plain_model()), [call(v1, "spawn_agent", json!({ "message": "work" }))]);
    let names: Vec<String> = items_of(part, &code_model())
        .into_iter()
        .map(|item| match item {
            Item::Function { namespace, name, .. } => format!("{}.{name}", namespace.unwrap_or_default()),
            other => panic!("{other:?} is no function"),
        })
        .collect();
    assert_eq!(names, ["collaboration.spawn_agent", "collaboration.wait_agent"]);
    assert_eq!(items_of(r#"{ agent = "work", background = true }"#, &code_model()).len(), 1);
}

#[test]
fn agents_that_were_started_are_waited_for_by_id() {
    let body = json!({
        "model": "m",
        "input": [{ "type": "function_call_output", "call_id": "c", "output": "{\"agent_id\":\"a1\"}" }],
    });
    let request = Request::read(&body).unwrap();
    assert_eq!(
        items(&Call::WaitAgents(10_000), &request),
        [call(Some("multi_agent_v1"), "wait_agent", json!({ "targets": ["a1"], "timeout_ms": 10_000 }))]
    );
}

#[test]
fn a_tool_of_a_server_has_its_namespace() {
    let part = r#"{ mcp = "demo.ping", arguments = { n = 1 } }"#;
    assert_eq!(items_of(part, &plain_model()), [call(Some("mcp__demo"), "ping", json!({ "n": 1 }))]);
    let [Item::Custom { input, .. }] = &items_of(part, &code_model())[..] else { panic!("no script") };
    assert!(input.contains(r#"tools.mcp__demo__ping({"n":1})"#), "{input}");
}

#[test]
fn a_plan_to_leave_plan_mode_with_is_text() {
    assert_eq!(
        items_of(r##"{ exit_plan = "# Plan" }"##, &plain_model()),
        [Item::Text("<proposed_plan>\n# Plan\n</proposed_plan>".to_owned())]
    );
}
