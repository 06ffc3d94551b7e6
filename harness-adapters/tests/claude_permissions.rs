//! What Claude Code asks before it acts.

mod claude;
mod support;

use acp_server::types::v1::{
    ClientCapabilities, CreateElicitationResponse, ElicitationAcceptAction, ElicitationAction, ElicitationCapabilities,
    ElicitationContentValue, ElicitationFormCapabilities, PermissionOptionKind, RequestPermissionOutcome,
    SessionUpdate, SetSessionModeRequest, StopReason, ToolCallContent, ToolCallStatus,
};
use claude::{Watch, call, messages, shown};
use serde_json::json;
use support::{Event, Harness, Setting, Stage, User};

const TWICE: &str = r#"
    [[prompt]]
    match = "touch it"
    replies = [[{ shell = "touch a1" }], [{ shell = "touch a1" }], [{ say = "done" }]]
"#;

#[tokio::test]
async fn what_is_allowed_once_is_asked_again() {
    let mut stage = Stage::claude(TWICE).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch it");
    for _ in 0..2 {
        let asked = stage.events.asked().await;
        assert_eq!(asked.kinds().first(), Some(&PermissionOptionKind::AllowOnce));
        assert_eq!(asked.kinds().last(), Some(&PermissionOptionKind::RejectOnce));
        asked.choose(PermissionOptionKind::AllowOnce);
    }
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    assert!(stage.read("a1").is_some());
    stage.leave().await;
}

#[tokio::test]
async fn what_is_allowed_for_the_session_is_not_asked_again_and_writes_no_settings() {
    for name in ["this exact command for this session", "Allow Bash(touch a1 *) and access to", "accept edits"] {
        let mut stage = Stage::claude(TWICE).await;
        std::fs::create_dir(stage.workspace().join(".git")).expect("a repository");
        let session = stage.new_session().await;
        let prompt = stage.prompt(&session, "touch it");
        stage.events.asked().await.choose_named(name);
        stage.answer(prompt).await.expect("an answer");
        let again = stage.events.drain().into_iter().any(|event| matches!(event, Event::Asked(_)));
        assert!(!again, "{name} was asked again");
        for folder in [stage.workspace().join(".claude"), stage.home().join(".claude/settings.json")] {
            assert!(!folder.exists(), "{name} wrote {}", folder.display());
        }
        stage.leave().await;
    }
}

/// Lines of which a part could stay unseen.
const LINES: [(&str, &str); 6] = [
    ("cat poem.txt | awk '{system(\"touch a1\")}'", "a1"),
    ("ls | xargs -I{} touch b1", "b1"),
    ("true && touch c1 || true", "c1"),
    ("cat > d1 <<'EOF'\nroses\n  EOF\nEOF", "d1"),
    ("echo 'it'\\''s [2K [asks: ls]' ü🙂 \\\n  > e1", "e1"),
    ("# List files\ntouch f1", "f1"),
];

#[tokio::test]
async fn the_whole_command_is_shown_and_is_what_runs() {
    let mut script = String::new();
    for (at, (line, _)) in LINES.iter().enumerate() {
        let line = serde_json::to_string(line).expect("JSON");
        let part =
            format!("[[prompt]]\nmatch = \"run {at}\"\nreplies = [[{{ shell = {line} }}], [{{ say = \"done\" }}]]\n");
        script.push_str(&part);
    }
    let mut stage = Stage::claude(&script).await;
    stage.write("poem.txt", "roses\n");
    let session = stage.new_session().await;
    for (at, (line, made)) in LINES.iter().enumerate() {
        let prompt = stage.prompt(&session, &format!("run {at}"));
        let asked = stage.events.asked().await;
        let fields = &asked.request.tool_call.fields;
        assert_eq!(fields.title.as_deref(), Some(*line));
        assert_eq!(fields.raw_input.as_ref().expect("an input")["command"], *line);
        asked.choose(PermissionOptionKind::AllowOnce);
        stage.answer(prompt).await.expect("an answer");
        assert!(stage.read(made).is_some(), "{line} did not run");
    }
    stage.leave().await;
}

#[tokio::test]
async fn what_a_hook_has_changed_is_shown_and_is_what_runs() {
    let mut stage = Stage::claude(TWICE).await;
    let changed = json!({ "hookSpecificOutput": {
        "hookEventName": "PreToolUse", "permissionDecision": "ask",
        "updatedInput": { "command": "touch b1", "description": "List files" },
    }});
    let hook = json!({ "type": "command", "command": format!("echo '{changed}'") });
    stage.settings(&json!({ "hooks": { "PreToolUse": [{ "matcher": "Bash", "hooks": [hook] }] } }));
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch it");
    let mut watch = Watch::default();
    for _ in 0..2 {
        let asked = watch.asked(&mut stage.events).await;
        assert_eq!(asked.request.tool_call.fields.title.as_deref(), Some("touch b1"));
        assert_eq!(asked.request.tool_call.fields.raw_input.as_ref().expect("an input")["command"], "touch b1");
        asked.choose(PermissionOptionKind::AllowOnce);
    }
    stage.answer(prompt).await.expect("an answer");
    assert_eq!((stage.read("a1"), stage.read("b1").is_some()), (None, true));
    let items = watch.screen(&mut stage.events);
    assert!(claude::calls(&items).iter().all(|call| call.title == "touch b1"), "{items:#?}");
    stage.leave().await;
}

#[tokio::test]
async fn a_call_that_a_rule_forbids_says_so() {
    let mut stage = Stage::claude(TWICE).await;
    stage.settings(&json!({ "permissions": { "deny": ["Bash(touch *)"] } }));
    let session = stage.new_session().await;
    stage.turn(&session, "touch it").await;
    let items = shown(&mut stage);
    let refused = claude::calls(&items)[0];
    assert_eq!(refused.status, ToolCallStatus::Failed);
    assert!(claude::output(refused).contains("has been denied"), "{refused:?}");
    assert_eq!(stage.read("a1"), None);
    stage.leave().await;
}

#[tokio::test]
async fn a_plan_made_where_everything_is_allowed_can_go_back_there() {
    let script = r##"
        [[prompt]]
        match = "plan it"
        replies = [[{ exit_plan = "# The plan" }], [{ shell = "touch a1" }], [{ say = "Done." }]]
    "##;
    let mut stage = Stage::set(Setting::new(Harness::Claude, script).user(User::Nobody)).await;
    let session = stage.new_session().await;
    for mode in ["bypassPermissions", "plan"] {
        let request = SetSessionModeRequest::new(session.clone(), mode);
        stage.agent.set_session_mode(request).await.expect("a mode");
    }
    let prompt = stage.prompt(&session, "plan it");
    let asked = stage.events.asked().await;
    let first = &asked.request.options[0];
    assert!(first.name.contains("bypassPermissions"), "{first:?}");
    asked.choose_named("bypassPermissions");
    stage.answer(prompt).await.expect("an answer");
    assert!(stage.read("a1").is_some());
    let modes = stage.events.updates().into_iter().filter_map(|update| match update {
        SessionUpdate::CurrentModeUpdate(update) => Some(update.current_mode_id.0.to_string()),
        _ => None,
    });
    assert_eq!(modes.last().as_deref(), Some("bypassPermissions"));
    stage.leave().await;
}

#[tokio::test]
async fn a_refused_call_fails_and_the_turn_goes_on() {
    let script = r#"
        [[prompt]]
        match = "touch it"
        replies = [[{ shell = "touch a1" }], [{ say = "I did not." }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch it");
    let mut watch = Watch::default();
    watch.asked(&mut stage.events).await.choose(PermissionOptionKind::RejectOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    let items = watch.screen(&mut stage.events);
    assert_eq!(messages(&items), ["I did not."]);
    assert_eq!(call(&items, "touch a1").status, ToolCallStatus::Failed);
    assert_eq!(stage.read("a1"), None);
    stage.leave().await;
}

#[tokio::test]
async fn a_client_that_cancels_the_question_stops_the_turn() {
    let mut stage = Stage::claude(TWICE).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch it");
    stage.events.asked().await.answer(RequestPermissionOutcome::Cancelled);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    assert_eq!(stage.read("a1"), None);
    stage.leave().await;
}

#[tokio::test]
async fn a_change_is_shown_whole_before_it_is_allowed() {
    let script = r#"
        [[prompt]]
        match = "change it"
        replies = [[{ edit = "poem.txt", old = "violets", new = "tulips" }], [{ say = "done" }]]
    "#;
    let mut stage = Stage::claude(script).await;
    stage.write("poem.txt", "roses\nviolets\nlilies\n");
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "change it");
    let asked = stage.events.asked().await;
    let content = asked.request.tool_call.fields.content.clone().expect("content");
    let [ToolCallContent::Diff(diff)] = &content[..] else { panic!("a diff, not {content:?}") };
    assert_eq!(diff.old_text.as_deref(), Some("roses\nviolets\nlilies\n"));
    assert_eq!(diff.new_text, "roses\ntulips\nlilies\n");
    asked.choose(PermissionOptionKind::AllowOnce);
    stage.answer(prompt).await.expect("an answer");
    stage.leave().await;
}

const QUESTION: &str = r#"
    [[prompt]]
    match = "ask me"
    replies = [[{ question = "Which color?", header = "Color", options = ["Red", "Blue"] }], [{ say = "Thank you." }]]
"#;

#[tokio::test]
async fn a_question_is_a_form_and_its_answer_reaches_the_model() {
    let form = ElicitationCapabilities::new().form(ElicitationFormCapabilities::new());
    let setting = Setting::new(Harness::Claude, QUESTION).capabilities(ClientCapabilities::new().elicitation(form));
    let mut stage = Stage::set(setting).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "ask me");
    let form = stage.events.form().await;
    assert_eq!(form.request.message, "Which color?");
    let content = [("question_1".to_owned(), ElicitationContentValue::String("Blue".to_owned()))];
    let accepted = ElicitationAcceptAction::new().content(std::collections::BTreeMap::from(content));
    form.answer(CreateElicitationResponse::new(ElicitationAction::Accept(accepted)));
    stage.answer(prompt).await.expect("an answer");
    let told = stage.model.requests().last().map(ToString::to_string).expect("a request");
    assert!(told.contains("\\\"Which color?\\\"=\\\"Blue\\\""), "{told}");
    stage.leave().await;
}

#[tokio::test]
async fn a_client_without_forms_is_not_asked_and_the_turn_goes_on() {
    let mut stage = Stage::claude(QUESTION).await;
    let session = stage.new_session().await;
    stage.turn(&session, "ask me").await;
    let items = shown(&mut stage);
    assert_eq!(messages(&items), ["Thank you."]);
    assert_eq!(call(&items, "Which color?").status, ToolCallStatus::Failed);
    stage.leave().await;
}

#[tokio::test]
async fn a_plan_is_shown_and_accepting_it_changes_the_mode() {
    let script = r##"
        [[prompt]]
        match = "plan it"
        replies = [[{ exit_plan = "# The plan" }], [{ say = "I begin." }]]
    "##;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    let request = SetSessionModeRequest::new(session.clone(), "plan");
    stage.agent.set_session_mode(request).await.expect("a mode");
    let prompt = stage.prompt(&session, "plan it");
    let asked = stage.events.asked().await;
    let shown_plan = format!("{:?}", asked.request.tool_call.fields.content);
    assert!(shown_plan.contains("# The plan"), "{shown_plan}");
    asked.choose_named("ask before each change");
    stage.answer(prompt).await.expect("an answer");
    let seen = format!("{:?}", stage.events.updates());
    assert!(seen.contains("CurrentModeUpdate"), "{seen}");
    stage.leave().await;
}

#[tokio::test]
async fn two_calls_at_once_are_both_asked_and_both_closed() {
    let script = r#"
        [[prompt]]
        match = "both"
        replies = [[{ shell = "touch a1" }, { shell = "touch b1" }], [{ say = "done" }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "both");
    stage.events.asked().await.choose(PermissionOptionKind::RejectOnce);
    stage.events.asked().await.choose(PermissionOptionKind::AllowOnce);
    stage.answer(prompt).await.expect("an answer");
    assert_eq!((stage.read("a1").is_some(), stage.read("b1").is_some()), (false, true));
    stage.leave().await;
}
