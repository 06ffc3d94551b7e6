//! What codex-acp 2.6.0 does with sessions, questions, prompts in mid-turn and mishaps, for the comparison on the page of
//! the harnesses. A test that fails here says that the page has to be corrected.

#[path = "official/mod.rs"]
mod official;
mod support;

use acp_server::types::v1::{
    ClientCapabilities, ClientSessionCapabilities, CompactionCapabilities, CompactionStatus, CreateElicitationResponse,
    DeleteSessionRequest, ElicitationAction, ElicitationCapabilities, ElicitationFormCapabilities, ForkSessionRequest,
    Meta, NewSessionRequest, PermissionOptionKind, SessionId, SessionUpdate, SetSessionConfigOptionRequest, StopReason,
    SystemPrompt, SystemPromptMode,
};
use acp_server::types::{ErrorCode, v1};
use official::{TALK, calls, last_request, listed, load, messages, refused, session_in, setting, texts, wire};
use serde_json::json;
use support::{Harness, Stage, User, soon};

async fn stage(script: &str) -> Stage {
    Stage::set(setting(Harness::Codex, script)).await
}

fn terminals() -> ClientCapabilities {
    ClientCapabilities::new().meta(Meta::from_iter([("terminal_output".to_owned(), json!(true))]))
}

/// With a model that Codex does not know and warns of.
async fn with_unknown_model(script: &str) -> Stage {
    Stage::set(setting(Harness::Codex, script).env("CODEX_CONFIG", r#"{"model":"mock-model"}"#)).await
}

#[tokio::test]
async fn a_refused_key_asks_for_a_login() {
    let stage = stage("[[prompt]]\nmatch = \"fail\"\nrepeat = true\nreplies = [[{ status = 401 }]]").await;
    let session = stage.new_session().await;
    let answer = stage.answer(stage.prompt(&session, "fail")).await;
    assert_eq!(refused(answer.expect_err("a failure")).0, ErrorCode::AUTH_REQUIRED);
}

#[tokio::test]
async fn warnings_are_text_in_every_turn() {
    let mut stage = with_unknown_model(TALK).await;
    let session = stage.new_session().await;
    for _ in 0..2 {
        stage.turn(&session, "hello").await;
        let said = texts(&stage.events.updates());
        assert!(said.starts_with("Warning: Model metadata for `mock-model` not found."), "{said}");
        assert!(said.ends_with("Hello."), "{said}");
    }
}

#[tokio::test]
async fn a_stream_that_broke_off_goes_on_in_a_message_of_its_own() {
    let script = r#"
        [[prompt]]
        match = "drop it"
        replies = [[{ say = "Hel" }, { pause_ms = 200 }, { drop = true }], [{ say = "Hello" }]]
    "#;
    let mut stage = stage(script).await;
    let session = stage.new_session().await;
    stage.turn(&session, "drop it").await;
    let said: Vec<_> = messages(&stage.events.updates()).into_iter().map(|(_, text)| text).collect();
    assert_eq!(said, ["Hel", "Hello"]);
}

#[tokio::test]
async fn what_a_command_says_is_shown_once() {
    let mut stage = stage(TALK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "/status").await;
    assert_eq!(texts(&stage.events.updates()).matches("**Model:**").count(), 1);
}

#[tokio::test]
async fn a_second_prompt_waits_for_its_turn() {
    let mut stage = stage(TALK).await;
    let session = stage.new_session().await;
    let first = stage.prompt(&session, "first");
    stage.events.said("One").await;
    let second = stage.prompt(&session, "second");
    stage.model.release("gate");
    assert_eq!(stage.answer(first).await.expect("an answer").stop_reason, StopReason::EndTurn);
    assert_eq!(stage.answer(second).await.expect("an answer").stop_reason, StopReason::EndTurn);
    assert_eq!(texts(&stage.events.updates()), ".Two.");
}

#[tokio::test]
async fn steering_goes_into_a_turn_or_starts_one() {
    let mut stage = stage(TALK).await;
    let session = stage.new_session().await;
    assert_eq!(official::steer(&stage, &session, "hello").await.expect("an outcome"), "startedNewTurn");
    stage.events.said("Hello.").await;
    // The turn that nobody asked for has to end first.
    stage.events.find(|event| format!("{event:?}").contains("\"idle\"").then_some(())).await;
    let prompt = stage.prompt(&session, "first");
    stage.events.said("One").await;
    assert_eq!(official::steer(&stage, &session, "second").await.expect("an outcome"), "injected");
    stage.model.release("gate");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    assert!(texts(&stage.events.updates()).ends_with("Two."));
}

#[tokio::test]
async fn a_load_shows_the_line_that_was_lost_live() {
    let script = r#"
        [[prompt]]
        match = "slow"
        replies = [[{ shell = "for n in 1 2 3; do echo line$n; sleep 1; done" }], [{ say = "Done." }]]
    "#;
    let mut stage = Stage::set(setting(Harness::Codex, script).capabilities(terminals())).await;
    let session = session_in(&stage, "agent-full-access").await;
    stage.turn(&session, "slow").await;
    let live = stage.events.updates();
    stage.restart().await;
    load(&stage.agent, &stage, &session).await.expect("loaded");
    let replayed = stage.events.updates();
    assert_eq!(calls(&replayed)[0].title, calls(&live)[0].title);
    assert!(wire(&replayed).contains("line1\\n") && !wire(&live).contains("line1\\n"));
}

#[tokio::test]
async fn sessions_are_listed_forked_and_deleted() {
    let stage = stage(TALK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "hello there").await;
    let request = ForkSessionRequest::new(session.clone(), stage.workspace());
    let fork = soon("session/fork", stage.agent.fork_session(request)).await.expect("a fork").session_id;
    stage.turn(&fork, "hello again").await;
    assert!(last_request(&stage).contains("hello there"), "the fork has the past");
    let all = listed(&stage).await;
    assert!(all.len() == 2 && all.contains(&session) && all.contains(&fork), "{all:?}");
    let request = DeleteSessionRequest::new(session.clone());
    soon("session/delete", stage.agent.delete_session(request)).await.expect("deleted");
    assert_eq!(listed(&stage).await, [fork]);
    let error = load(&stage.agent, &stage, &session).await.expect_err("it is gone");
    assert_eq!(refused(error).0, ErrorCode::INTERNAL_ERROR);
}

#[tokio::test]
async fn two_processes_cannot_have_one_session() {
    let stage = stage(TALK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "hello").await;
    let (other, _handle, _events) = stage.second().await;
    let error = load(&other, &stage, &session).await.expect_err("it is open");
    assert_eq!(refused(error).0, ErrorCode::INVALID_REQUEST);
}

#[tokio::test]
async fn two_asks_are_open_at_once() {
    let script = r#"
        [[prompt]]
        match = "both"
        replies = [[{ shell = "touch x1", ask = true }, { shell = "touch x2", ask = true }], [{ say = "done" }]]
    "#;
    let mut stage = stage(script).await;
    let session = session_in(&stage, "read-only").await;
    let prompt = stage.prompt(&session, "both");
    let first = stage.events.asked().await;
    stage.events.asked().await.choose(PermissionOptionKind::AllowOnce);
    first.choose(PermissionOptionKind::AllowOnce);
    stage.answer(prompt).await.expect("an answer");
    assert!(stage.read("x1").is_some() && stage.read("x2").is_some());
}

#[tokio::test]
async fn always_writes_a_rule_for_all_sessions() {
    let script = r#"
        [[prompt]]
        match = "touch it"
        replies = [[{ shell = "touch a1", ask = true }], [{ say = "done" }]]
    "#;
    let mut stage = stage(script).await;
    let session = session_in(&stage, "read-only").await;
    let prompt = stage.prompt(&session, "touch it");
    let asked = stage.events.asked().await;
    use PermissionOptionKind::{AllowAlways, AllowOnce, RejectOnce};
    assert_eq!(asked.kinds(), [AllowOnce, AllowAlways, RejectOnce]);
    asked.choose(AllowAlways);
    stage.answer(prompt).await.expect("an answer");
    let rules = std::fs::read_to_string(stage.home().join(".codex/rules/default.rules")).expect("rules");
    assert!(rules.contains("touch"), "{rules}");
}

#[tokio::test]
async fn a_sub_agent_is_two_calls_without_its_doings() {
    let script = r#"
        [[prompt]]
        match = "delegate"
        replies = [[{ agent = "count the files" }], [{ wait_agents = 10000 }], [{ say = "delegated" }]]
        [[prompt]]
        match = "count the files"
        replies = [[{ shell = "echo counted" }], [{ say = "there are three" }]]
    "#;
    let mut stage = with_unknown_model(script).await;
    let session = session_in(&stage, "agent-full-access").await;
    stage.turn(&session, "delegate").await;
    let calls = calls(&stage.events.updates());
    let titles: Vec<_> = calls.iter().map(|call| call.title.as_str()).collect();
    assert_eq!(titles, ["spawnAgent", "wait"]);
}

#[tokio::test]
async fn an_mcp_tool_asks_and_its_secret_is_on_no_command_line() {
    assert!(!official::secret_is_shown(stage(TALK).await, "read-only").await);
}

#[tokio::test]
async fn usage_and_title_are_told() {
    let mut stage = stage(TALK).await;
    let session = stage.new_session().await;
    let usage = stage.turn(&session, "hello").await.usage.expect("usage");
    assert_eq!(usage.output_tokens, 40);
    let updates = stage.events.updates();
    let told = updates.iter().any(|update| matches!(update, SessionUpdate::UsageUpdate(usage) if usage.used == 1240));
    assert!(told, "{updates:?}");
    let title = |update: &SessionUpdate| match update {
        SessionUpdate::SessionInfoUpdate(info) => info.title.value().cloned(),
        _ => None,
    };
    assert_eq!(updates.iter().find_map(title).as_deref(), Some("hello"));
}

#[tokio::test]
async fn a_system_prompt_can_only_be_appended_and_not_in_meta() {
    let stage = stage(TALK).await;
    let new = || NewSessionRequest::new(stage.workspace());
    let prompt = |mode| SystemPrompt::new(vec!["Speak like a poet.".into()]).mode(mode);
    let append = new().system_prompt(prompt(SystemPromptMode::Append));
    stage.turn(&stage.opened(append).await.session_id, "hello").await;
    assert!(last_request(&stage).contains("Speak like a poet."));
    let replace = new().system_prompt(prompt(SystemPromptMode::Override));
    let error = soon("session/new", stage.agent.new_session(replace)).await.expect_err("no session");
    assert_eq!(refused(error).0, ErrorCode::INVALID_PARAMS);
    for meta in [json!("Speak like a poet."), json!({ "append": "Speak like a poet." })] {
        let meta = Meta::from_iter([("systemPrompt".to_owned(), meta)]);
        stage.turn(&stage.opened(new().meta(meta)).await.session_id, "hello").await;
        assert!(!last_request(&stage).contains("Speak like a poet."));
    }
}

#[tokio::test]
async fn questions_are_forms_or_go_unanswered() {
    let script = r#"
        [[prompt]]
        match = "which one"
        replies = [[{ question = "Which colour?", header = "Colour", options = ["Red", "Blue"] }], [{ say = "thanks" }]]
    "#;
    let forms = ElicitationCapabilities::new().form(ElicitationFormCapabilities::new());
    let forms = ClientCapabilities::new().elicitation(forms);
    for capabilities in [forms, ClientCapabilities::new()] {
        let asks = capabilities.elicitation.is_some();
        let mut stage = Stage::set(setting(Harness::Codex, script).capabilities(capabilities)).await;
        let session = stage.new_session().await;
        let plan = SetSessionConfigOptionRequest::new(session.clone(), "collaboration_mode", "plan");
        soon("plan mode", stage.agent.set_session_config_option(plan)).await.expect("plan mode");
        let prompt = stage.prompt(&session, "which one");
        if asks {
            stage.events.form().await.answer(CreateElicitationResponse::new(ElicitationAction::Decline));
        }
        assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
        assert!(texts(&stage.events.updates()).ends_with("thanks"));
    }
}

#[tokio::test]
async fn when_codex_is_killed_the_prompt_fails_and_the_next_works() {
    let mut stage = stage(TALK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "hello").await;
    let prompt = stage.prompt(&session, "talk");
    stage.events.said("tick").await;
    official::kill_harness(&stage, "codex");
    let (_, message) = refused(stage.answer(prompt).await.expect_err("a failure"));
    assert!(message.contains("killed by SIGKILL"), "{message}");
    assert_eq!(stage.turn(&session, "hello again").await.stop_reason, StopReason::EndTurn);
}

#[tokio::test]
async fn no_process_is_left_when_the_client_goes_in_mid_turn() {
    official::leaves_nothing(stage(TALK).await).await;
}

#[tokio::test]
async fn root_is_served() {
    let stage = Stage::set(setting(Harness::Codex, TALK).user(User::Root)).await;
    let session: SessionId = stage.new_session().await;
    assert_eq!(stage.turn(&session, "hello").await.stop_reason, StopReason::EndTurn);
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_taken() {
    let stage = stage(TALK).await;
    // It makes the directory.
    let absent = v1::NewSessionRequest::new(stage.workspace().join("absent"));
    let opened = soon("session/new", stage.agent.new_session(absent)).await;
    opened.expect("a session");
}

#[tokio::test]
async fn of_five_megabytes_the_beginning_is_missing() {
    let script = r#"
        [[prompt]]
        match = "a lot"
        replies = [
          [{ shell = "for n in $(seq 1 50); do seq ${n}00000 ${n}14000; sleep 0.02; done", timeout_ms = 30000 }],
          [{ say = "done" }],
        ]
    "#;
    let mut stage = Stage::set(setting(Harness::Codex, script).capabilities(terminals())).await;
    let session = session_in(&stage, "agent-full-access").await;
    stage.turn(&session, "a lot").await;
    let shown = wire(&stage.events.updates());
    assert!(shown.contains("5014000\\n"), "the end is there");
    assert!(!shown.contains("\"100000\\n") && !shown.contains("\\n100000\\n"), "so is the beginning");
}

/// A conversation that is compacted: how the turn ends, what the client sees of it, and what the model is told then.
async fn compacted(stage: &mut Stage) -> (StopReason, Vec<SessionUpdate>, String) {
    let session = stage.new_session().await;
    stage.turn(&session, "hello violets").await;
    stage.events.drain();
    let reason = stage.turn(&session, "/compact").await.stop_reason;
    let updates = stage.events.updates();
    stage.turn(&session, "second").await;
    (reason, updates, last_request(stage))
}

#[tokio::test]
async fn a_compaction_is_shown() {
    let script = format!("{TALK}\n[side]\nsummary = \"We spoke of violets.\"");
    let capabilities = CompactionCapabilities::new();
    let capabilities = ClientCapabilities::new().session(ClientSessionCapabilities::new().compaction(capabilities));
    let mut stage = Stage::set(setting(Harness::Codex, &script).capabilities(capabilities)).await;
    let (reason, updates, told) = compacted(&mut stage).await;
    assert_eq!(reason, StopReason::EndTurn);
    let statuses = updates.iter().filter_map(|update| match update {
        SessionUpdate::CompactionUpdate(update) => Some(update.status.clone()),
        _ => None,
    });
    assert_eq!(statuses.collect::<Vec<_>>(), [CompactionStatus::InProgress, CompactionStatus::Completed]);
    assert_eq!(texts(&updates), "");
    assert!(told.contains("We spoke of violets."), "{told}");
}
