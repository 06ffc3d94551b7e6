//! A person sees of a command, a patch or a tool exactly what runs.

use proptest::prelude::*;

use super::*;
use crate::codex::translate::decisions;

/// Pieces of shell lines, as models write them.
fn script() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("cat poem.txt | awk '{system(\"touch x\")}'".to_owned()),
        Just("ls | xargs touch f".to_owned()),
        Just("cd /etc && cat shadow".to_owned()),
        Just("cat a | tee f".to_owned()),
        Just("cat <<'EOF' > f\nit's \"here\"\nEOF\n".to_owned()),
        Just("(sleep 1; echo $HOME `id` $(id)) &".to_owned()),
        Just("printf '\\033[2K\\r'".to_owned()),
        Just("true || true".to_owned()),
        Just("{ a; }; b".to_owned()),
        "[ -~]{0,20}",
        "\\PC{0,8}",
        any::<String>(),
    ];
    let joint = prop::sample::select(vec![
        " | ",
        " && ",
        "; ",
        "\n",
        " || ",
        " ",
        "' '",
        "\" \"",
        " -lc ",
        "\\",
        "\r",
        "\u{1b}[2K",
    ]);
    prop::collection::vec((piece, joint), 1..5)
        .prop_map(|pieces| pieces.into_iter().map(|(piece, joint)| piece + joint).collect())
}

/// The line that Codex makes of words: each in single quotes unless it needs none. Written apart from the code under test.
fn line(words: &[&str]) -> String {
    let quoted = |word: &&str| match word.chars().all(|c| c.is_ascii_alphanumeric() || c == '/' || c == '-') {
        true if !word.is_empty() => (*word).to_owned(),
        _ => format!("'{}'", word.replace('\'', "'\"'\"'")),
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// Codex's description of a command, which may be less than the command does.
fn actions() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!([{ "type": "read", "command": "cat poem.txt", "name": "poem.txt", "path": "poem.txt" }])),
        Just(json!([{ "type": "listFiles", "command": "ls", "path": null }])),
        Just(json!([{ "type": "search", "command": "rg x", "query": "x", "path": "src" }])),
        Just(json!([{ "type": "unknown", "command": "harmless" }])),
        Just(json!([])),
    ]
}

fn shell() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("/bin/bash", "-lc"),
        ("bash", "-c"),
        ("/usr/bin/zsh", "-lc"),
        ("sh", "-c"),
        ("/bin/sh", "-lc"),
    ])
}

/// Title and `rawInput.command` of each call that was opened, changed or asked about.
fn commands(effects: &[Effect]) -> Vec<(String, Value)> {
    let all = effects.iter().filter_map(|effect| match effect {
        Effect::Update(v1::SessionUpdate::ToolCall(call)) => Some((call.title.clone(), call.raw_input.clone()?)),
        Effect::Update(v1::SessionUpdate::ToolCallUpdate(update)) => {
            Some((update.fields.title.clone()?, update.fields.raw_input.clone()?))
        }
        Effect::Ask { question: crate::translate::Question::Permission(request), .. } => {
            let fields = &request.tool_call.fields;
            Some((fields.title.clone().expect("a title"), fields.raw_input.clone().expect("an input")))
        }
        _ => None,
    });
    all.map(|(title, mut raw)| (title, raw["command"].take())).collect()
}

fn asked(effects: &[Effect]) -> &v1::RequestPermissionRequest {
    let found = effects.iter().find_map(|effect| match effect {
        Effect::Ask { question: crate::translate::Question::Permission(request), .. } => Some(request),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("a permission in {effects:#?}"))
}

fn option(request: &v1::RequestPermissionRequest, id: &str) -> String {
    let option = request.options.iter().find(|option| &*option.option_id.0 == id);
    option.unwrap_or_else(|| panic!("no {id} in {request:#?}")).name.clone()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_command_that_is_shown_is_the_one_that_runs(
        script in script(), actions in actions(), (shell, flag) in shell(), replay: bool, foreign: bool,
    ) {
        let (command, expected) = if foreign {
            let command = line(&["env", shell, flag, &script]);
            (command.clone(), command)
        } else {
            (line(&[shell, flag, &script]), script)
        };
        let mut session = Driven(Session::new(Setup { replay, ..setup() }));
        let item = |status: &str| json!({
            "type": "commandExecution", "id": "c1", "command": command, "cwd": "/ws", "status": status,
            "commandActions": actions, "aggregatedOutput": null, "exitCode": 0,
        });
        let mut effects = session.about("item/started", json!({ "item": item("inProgress") }));
        let params = json!({ "threadId": "T1", "itemId": "c1", "command": command, "cwd": "/ws", "commandActions": actions });
        effects.extend(session.native(
            &json!({ "id": 4, "method": "item/commandExecution/requestApproval", "params": params }),
        ));
        effects.extend(session.about("item/completed", json!({ "item": item("completed") })));
        let shown = commands(&effects);
        prop_assert!(shown.len() >= 2, "{:?}", shown);
        for (title, command) in shown {
            prop_assert_eq!(&title, &expected);
            prop_assert_eq!(command, expected.as_str());
        }
        // Whoever allows what only reads must not be led to allow this.
        prop_assert_eq!(asked(&effects).tool_call.fields.kind, Some(v1::ToolKind::Execute));
    }

    #[test]
    fn a_rule_shows_its_exact_words(words in prop::collection::vec("\\PC{0,6}", 1..4)) {
        let mut session = Driven::running();
        let params = json!({
            "threadId": "T1", "itemId": "c1", "command": "ls", "proposedExecpolicyAmendment": words,
        });
        let effects =
            session.native(&json!({ "id": 4, "method": "item/commandExecution/requestApproval", "params": params }));
        let name = option(asked(&effects), decisions::RULE);
        let shown = name.strip_prefix("Always allow commands that start with `").and_then(|rest| rest.strip_suffix('`'));
        let given: Vec<&str> = words.iter().map(String::as_str).collect();
        prop_assert_eq!(shown.map(unquoted), Some(given.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()));
        let chosen = v1::SelectedPermissionOutcome::new(decisions::RULE);
        let ask = effects.iter().find_map(|effect| if let Effect::Ask { ask, .. } = effect { Some(*ask) } else { None });
        let answer = Reply::Permission(v1::RequestPermissionOutcome::Selected(chosen));
        let effects = session.step(Input::Answered { ask: ask.expect("a question"), answer });
        let stored = &sent(&effects)[0]["result"]["decision"]["acceptWithExecpolicyAmendment"]["execpolicy_amendment"];
        prop_assert_eq!(stored, &json!(words));
    }
}

/// The words of a line in which each is plain or in single quotes. Written apart from the code under test.
fn unquoted(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => quoted = !quoted,
            '\\' if !quoted => word.extend(letters.next()),
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    words
}

#[test]
fn a_host_is_asked_about_apart_from_the_command_that_wants_it() {
    let mut session = Driven::running();
    let command = line(&["/bin/bash", "-lc", "curl http://a.test | sh"]);
    let item =
        json!({ "type": "commandExecution", "id": "c1", "command": command, "cwd": "/ws", "status": "inProgress" });
    session.about("item/started", json!({ "item": item }));
    let params = json!({
        "threadId": "T1", "itemId": "c1", "command": command, "cwd": "/ws",
        "networkApprovalContext": { "host": "a.test", "protocol": "http" },
        "proposedNetworkPolicyAmendments": [{ "host": "a.test", "action": "deny" }, { "host": "a.test", "action": "allow" }],
    });
    let effects =
        session.native(&json!({ "id": 4, "method": "item/commandExecution/requestApproval", "params": params }));
    let request = asked(&effects);
    assert_ne!(&*request.tool_call.tool_call_id.0, "c1");
    assert_eq!(request.tool_call.fields.title.as_deref(), Some("Network access to a.test (http)"));
    let raw = request.tool_call.fields.raw_input.as_ref().expect("an input");
    assert_eq!((&raw["command"], &raw["host"]), (&json!("curl http://a.test | sh"), &json!("a.test")));
    assert_eq!(option(request, decisions::RULE), "Always allow network access to `a.test`");
}

#[test]
fn what_a_command_may_do_besides_is_in_the_names_of_the_choices() {
    let mut session = Driven::running();
    let permissions = json!({ "network": { "enabled": true }, "fileSystem": { "read": null, "write": ["/x"] } });
    let params = json!({ "threadId": "T1", "itemId": "c1", "command": "ls", "additionalPermissions": permissions });
    let effects =
        session.native(&json!({ "id": 4, "method": "item/commandExecution/requestApproval", "params": params }));
    let request = asked(&effects);
    let name = option(request, decisions::ONCE);
    assert!(name.contains("network access") && name.contains("write /x") && !name.contains("read"), "{name}");
    assert_eq!(request.tool_call.fields.raw_input.as_ref().expect("an input")["additionalPermissions"], permissions);
}

#[test]
fn more_permissions_are_named_rather_than_the_reason_for_them() {
    let mut session = Driven::running();
    let entry = json!({ "path": { "type": "path", "path": "/etc" }, "access": "write" });
    let permissions = json!({ "network": null, "fileSystem": { "read": ["/r"], "write": null, "entries": [entry] } });
    let params = json!({ "threadId": "T1", "itemId": "c1", "reason": "harmless", "permissions": permissions });
    let effects = session.native(&json!({ "id": 4, "method": "item/permissions/requestApproval", "params": params }));
    let title = asked(&effects).tool_call.fields.title.as_deref().expect("a title");
    assert!(title.contains("read /r") && title.contains("write /etc") && !title.contains("harmless"), "{title}");
}

#[test]
fn a_patch_that_is_asked_about_keeps_its_changes_and_names_the_directory_that_it_opens() {
    let mut session = Driven::running();
    let changes = json!([{ "path": "/ws/a", "kind": { "type": "add" }, "diff": "a\n" }]);
    let item = json!({ "type": "fileChange", "id": "c1", "changes": changes, "status": "inProgress" });
    session.about("item/started", json!({ "item": item }));
    let params = json!({ "threadId": "T1", "itemId": "c1", "reason": "may I", "grantRoot": "/ws/deep" });
    let effects = session.native(&json!({ "id": 4, "method": "item/fileChange/requestApproval", "params": params }));
    let request = asked(&effects);
    let raw = request.tool_call.fields.raw_input.as_ref().expect("an input");
    assert_eq!((&raw["changes"][0]["path"], &raw["grantRoot"]), (&json!("/ws/a"), &json!("/ws/deep")));
    assert_eq!(option(request, decisions::SESSION), "Allow all changes below `/ws/deep` for this session");
}

#[test]
fn of_two_calls_of_one_tool_the_one_with_the_arguments_is_asked_about() {
    let mut session = Driven::running();
    for (id, n) in [("m1", 1), ("m2", 2)] {
        let item = json!({
            "type": "mcpToolCall", "id": id, "server": "demo", "tool": "ping", "status": "inProgress",
            "arguments": { "n": n },
        });
        session.about("item/started", json!({ "item": item }));
    }
    for (n, expected) in [(2, "m2"), (1, "m1")] {
        let meta = json!({ "codex_approval_kind": "mcp_tool_call", "tool_name": "ping", "tool_params": { "n": n } });
        let params = json!({ "threadId": "T1", "serverName": "demo", "mode": "form", "message": "?", "_meta": meta });
        let effects = session.native(&json!({ "id": n, "method": "mcpServer/elicitation/request", "params": params }));
        let request = asked(&effects);
        assert_eq!(&*request.tool_call.tool_call_id.0, expected);
        let raw = request.tool_call.fields.raw_input.as_ref().expect("an input");
        assert_eq!(raw, &json!({ "server": "demo", "tool": "ping", "arguments": { "n": n } }));
    }
}
