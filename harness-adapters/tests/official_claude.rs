//! What claude-agent-acp 0.49.0 does with sessions, questions, prompts in mid-turn and mishaps, for the comparison on the
//! page of the harnesses. A test that fails here says that the page has to be corrected.

#[path = "official/mod.rs"]
mod official;
mod support;

use std::time::Duration;

use acp_server::types::ErrorCode;
use acp_server::types::v1::{
    ClientCapabilities, ClientSessionCapabilities, CompactionCapabilities, CreateElicitationResponse,
    DeleteSessionRequest, ElicitationAction, ElicitationCapabilities, ElicitationFormCapabilities, ForkSessionRequest,
    Meta, NewSessionRequest, PermissionOptionKind, SessionUpdate, StopReason, ToolCallContent, ToolCallStatus,
};
use official::{TALK, calls, last_request, listed, load, messages, refused, session_in, setting, texts, wire, written};
use serde_json::json;
use support::{Harness, Stage, User, soon};

async fn stage(script: &str) -> Stage {
    Stage::set(setting(Harness::Claude, script)).await
}

#[tokio::test]
async fn a_refused_key_is_text_and_an_internal_error() {
    let script = "[[prompt]]\nmatch = \"fail\"\nrepeat = true\nreplies = [[{ status = 401 }]]";
    let mut stage = Stage::set(setting(Harness::Claude, script).env("CLAUDE_CODE_MAX_RETRIES", "1")).await;
    let session = stage.new_session().await;
    let answer = stage.answer(stage.prompt(&session, "fail")).await;
    assert_eq!(refused(answer.expect_err("a failure")).0, ErrorCode::INTERNAL_ERROR);
    let said = texts(&stage.events.updates());
    assert!(said.starts_with("Failed to authenticate."), "{said}");
}

#[tokio::test]
async fn a_stream_that_broke_off_goes_on_in_a_second_message() {
    let script = r#"
        [[prompt]]
        match = "drop it"
        replies = [[{ say = "Hel" }, { pause_ms = 200 }, { drop = true }], [{ say = "Hello" }]]
    "#;
    let mut stage = stage(script).await;
    let session = stage.new_session().await;
    stage.turn(&session, "drop it").await;
    let said: Vec<_> = messages(&stage.events.updates()).into_iter().map(|(_, text)| text).collect();
    assert_eq!(said, ["Hel", "lo"]);
}

#[tokio::test]
async fn what_a_command_says_is_shown_twice() {
    let mut stage = stage(TALK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "/context").await;
    assert_eq!(texts(&stage.events.updates()).matches("Context Usage").count(), 2);
}

#[tokio::test]
async fn the_mode_in_which_a_session_begins_asks_the_user() {
    let script = "[[prompt]]\nmatch = \"touch\"\nreplies = [[{ write = \"a1\", text = \"x\" }], [{ say = \"Done.\" }]]";
    let mut stage = stage(script).await;
    let opened = stage.opened(NewSessionRequest::new(stage.workspace())).await;
    assert_eq!(&*opened.modes.expect("modes").current_mode_id.0, "default");
    let prompt = stage.prompt(&opened.session_id, "touch");
    stage.events.asked().await.choose(PermissionOptionKind::AllowOnce);
    stage.answer(prompt).await.expect("an answer");
    assert!(stage.read("a1").is_some());
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
async fn steering_is_unknown() {
    let mut stage = stage(TALK).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "first");
    stage.events.said("One").await;
    let error = official::steer(&stage, &session, "second").await.expect_err("an error");
    assert_eq!(refused(error).0, ErrorCode::METHOD_NOT_FOUND);
    stage.model.release("gate");
    stage.answer(prompt).await.expect("an answer");
}

#[tokio::test]
async fn work_that_ends_after_its_turn_answers_no_other_prompt() {
    let script = r#"
        [[prompt]]
        match = "task-notification"
        replies = [[{ say = "The background is done." }]]

        [[prompt]]
        match = "start"
        replies = [
          [{ shell = "until test -e go; do sleep 0.05; done; echo done", background = true }],
          [{ say = "It runs." }],
        ]

        [[prompt]]
        match = "next"
        replies = [[{ say = "Next" }, { wait = "gate" }, { say = "." }]]
    "#;
    let mut stage = stage(script).await;
    let session = session_in(&stage, "bypassPermissions").await;
    stage.turn(&session, "start").await;
    stage.write("go", "");
    stage.events.said("The background is done.").await;
    let prompt = stage.prompt(&session, "next");
    stage.events.said("Next").await;
    assert!(!prompt.is_finished(), "the background's result answered the prompt");
    stage.model.release("gate");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
}

#[tokio::test]
async fn output_of_a_slow_command_comes_whole_at_its_end() {
    let script = r#"
        [[prompt]]
        match = "slow"
        replies = [[{ shell = "for n in 1 2 3; do echo line$n; sleep 1; done" }], [{ say = "Done." }]]
    "#;
    let mut stage = stage(script).await;
    let session = session_in(&stage, "bypassPermissions").await;
    stage.turn(&session, "slow").await;
    let updates = stage.events.updates();
    let with_output = updates.iter().filter(|update| match update {
        SessionUpdate::ToolCallUpdate(update) => update.fields.raw_output.is_some(),
        _ => false,
    });
    assert_eq!(with_output.count(), 1);
    assert_eq!(calls(&updates)[0].raw_output, Some(json!("line1\nline2\nline3")));
}

#[tokio::test]
async fn a_load_forgets_the_plan_and_shows_snippets() {
    let script = r#"
        [[prompt]]
        match = "work"
        replies = [
          [{ write = "n.txt", text = "one\ntwo\n" }],
          [{ edit = "n.txt", old = "two", new = "TWO" }],
          [{ plan = [{ step = "Look", status = "completed" }, { step = "Leap", status = "pending" }] }],
          [{ say = "Done." }],
        ]
    "#;
    let mut stage = stage(script).await;
    let session = session_in(&stage, "bypassPermissions").await;
    stage.turn(&session, "work").await;
    let live = stage.events.updates();
    written(&stage, &session, "Done.").await;
    stage.restart().await;
    load(&stage.agent, &stage, &session).await.expect("loaded");
    let replayed = stage.events.updates();
    let steps = |updates: &[SessionUpdate]| {
        let plans = updates.iter().rev().find_map(|update| match update {
            SessionUpdate::Plan(plan) => Some(plan.entries.len()),
            _ => None,
        });
        plans.expect("a plan")
    };
    let old_text = |updates: &[SessionUpdate]| {
        let content = calls(updates).into_iter().flat_map(|call| call.content);
        content.filter_map(|it| if let ToolCallContent::Diff(diff) = it { diff.old_text } else { None }).collect()
    };
    let (before, after): (Vec<String>, Vec<String>) = (old_text(&live), old_text(&replayed));
    assert_eq!((steps(&live), steps(&replayed)), (2, 0));
    assert_eq!((before, after), (vec!["one\ntwo".to_owned()], vec!["two".to_owned()]));
}

#[tokio::test]
async fn a_stopped_command_shows_words_for_the_model_after_a_load() {
    let script = r#"
        [[prompt]]
        match = "loop"
        replies = [[{ shell = "while true; do echo tick | tee -a ticks; sleep 0.05; done", timeout_ms = 60000 }]]
    "#;
    let mut stage = stage(script).await;
    let session = session_in(&stage, "bypassPermissions").await;
    let prompt = stage.prompt(&session, "loop");
    let ticks = stage.workspace().join("ticks");
    soon("a running command", async {
        while !ticks.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    stage.cancel(&session).await;
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    written(&stage, &session, "interrupted by user").await;
    stage.restart().await;
    load(&stage.agent, &stage, &session).await.expect("loaded");
    let updates = stage.events.updates();
    let shown = wire(&updates);
    assert_eq!(calls(&updates)[0].status, ToolCallStatus::Failed);
    assert!(shown.contains("The user doesn't want to proceed with this tool use"), "{shown}");
    assert!(shown.contains("[Request interrupted by user"), "{shown}");
    assert!(!shown.contains("tick\\n"), "{shown}");
}

#[tokio::test]
async fn sessions_are_listed_forked_and_deleted() {
    let mut stage = stage(TALK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "hello there").await;
    let request = ForkSessionRequest::new(session.clone(), stage.workspace());
    let fork = soon("session/fork", stage.agent.fork_session(request)).await.expect("a fork").session_id;
    stage.turn(&fork, "hello again").await;
    assert!(last_request(&stage).contains("hello there"), "the fork has the past");
    written(&stage, &session, "Hello.").await;
    written(&stage, &fork, "hello again").await;
    let all = listed(&stage).await;
    assert!(all.len() == 2 && all.contains(&session) && all.contains(&fork), "{all:?}");
    // While it is open, its process may write it again.
    stage.restart().await;
    let request = DeleteSessionRequest::new(session.clone());
    soon("session/delete", stage.agent.delete_session(request)).await.expect("deleted");
    assert_eq!(listed(&stage).await, [fork]);
    let error = load(&stage.agent, &stage, &session).await.expect_err("it is gone");
    assert_eq!(refused(error).0, ErrorCode::RESOURCE_NOT_FOUND);
}

#[tokio::test]
async fn two_processes_have_one_session_and_do_not_know_of_each_other() {
    let stage = stage(TALK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "hello").await;
    written(&stage, &session, "Hello.").await;
    let (other, _handle, _events) = stage.second().await;
    load(&other, &stage, &session).await.expect("it is open twice");
    let request = acp_server::types::v1::PromptRequest::new(session.clone(), vec!["hello elsewhere".into()]);
    soon("an answer", other.prompt(request)).await.expect("an answer");
    stage.turn(&session, "hello here").await;
    let told = last_request(&stage);
    assert!(told.contains("hello here") && !told.contains("hello elsewhere"), "{told}");
}

#[tokio::test]
async fn two_asks_come_one_after_the_other() {
    let script = r#"
        [[prompt]]
        match = "both"
        replies = [[{ shell = "touch x1" }, { shell = "touch x2" }], [{ say = "done" }]]
    "#;
    let mut stage = stage(script).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "both");
    let first = stage.events.asked().await;
    let second = tokio::time::timeout(Duration::from_secs(1), stage.events.asked()).await;
    assert!(second.is_err(), "{second:?}");
    first.choose(PermissionOptionKind::AllowOnce);
    stage.events.asked().await.choose(PermissionOptionKind::AllowOnce);
    stage.answer(prompt).await.expect("an answer");
    assert!(stage.read("x1").is_some() && stage.read("x2").is_some());
}

#[tokio::test]
async fn always_writes_settings_into_the_workspace() {
    let script = "[[prompt]]\nmatch = \"touch it\"\nreplies = [[{ shell = \"touch a1\" }], [{ say = \"done\" }]]";
    let mut stage = stage(script).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch it");
    let asked = stage.events.asked().await;
    use PermissionOptionKind::{AllowAlways, AllowOnce, RejectOnce};
    assert_eq!(asked.kinds(), [AllowAlways, AllowOnce, RejectOnce]);
    asked.choose(AllowAlways);
    stage.answer(prompt).await.expect("an answer");
    let settings = stage.read(".claude/settings.local.json").expect("settings");
    assert!(settings.contains("Bash(touch a1 *)"), "{settings}");
}

#[tokio::test]
async fn a_sub_agent_has_its_doings_below_it_and_ends_with_words_for_the_model() {
    let script = r#"
        [[prompt]]
        match = "delegate"
        replies = [[{ agent = "count the files" }], [{ say = "It has reported." }]]

        [[prompt]]
        match = "count the files"
        replies = [[{ say = "I count." }, { shell = "echo three" }], [{ say = "There are three." }]]
    "#;
    let mut stage = stage(script).await;
    let session = session_in(&stage, "bypassPermissions").await;
    stage.turn(&session, "delegate").await;
    let calls = calls(&stage.events.updates());
    let [agent, command] = &calls[..] else { panic!("two calls, not {calls:#?}") };
    let meta = command.meta.clone().expect("_meta");
    assert_eq!(meta["claudeCode"]["parentToolUseId"], *agent.tool_call_id.0);
    let shown = serde_json::to_string(&agent.content).expect("JSON");
    assert!(shown.contains("There are three.") && shown.contains("subagent_tokens"), "{shown}");
    assert!(!shown.contains("I count."), "{shown}");
}

#[tokio::test]
async fn an_mcp_tool_asks_and_its_secret_is_on_a_command_line() {
    assert!(official::secret_is_shown(stage(TALK).await, "default").await);
}

#[tokio::test]
async fn usage_and_cost_are_told_and_no_title() {
    let mut stage = stage(TALK).await;
    let session = stage.new_session().await;
    let usage = stage.turn(&session, "hello").await.usage.expect("usage");
    assert_eq!(usage.output_tokens, 40);
    let updates = stage.events.updates();
    let cost = |update: &SessionUpdate| matches!(update, SessionUpdate::UsageUpdate(usage) if usage.cost.is_some());
    assert!(updates.iter().any(cost), "{updates:?}");
    let title = |update: &SessionUpdate| matches!(update, SessionUpdate::SessionInfoUpdate(_));
    assert!(!updates.iter().any(title), "{updates:?}");
}

#[tokio::test]
async fn a_system_prompt_replaces_or_is_appended() {
    let stage = stage(TALK).await;
    for (prompt, replaces) in [(json!("Speak like a poet."), true), (json!({ "append": "Speak like a poet." }), false)]
    {
        let meta = Meta::from_iter([("systemPrompt".to_owned(), prompt)]);
        let session = stage.opened(NewSessionRequest::new(stage.workspace()).meta(meta)).await.session_id;
        stage.turn(&session, "hello").await;
        let told = last_request(&stage);
        assert!(told.contains("Speak like a poet."));
        assert_eq!(!told.contains("You are an interactive agent"), replaces);
    }
}

#[tokio::test]
async fn questions_are_forms_or_not_offered() {
    let script = r#"
        [[prompt]]
        match = "which one"
        replies = [[{ question = "Which colour?", header = "Colour", options = ["Red", "Blue"] }], [{ say = "thanks" }]]
    "#;
    let forms = ElicitationCapabilities::new().form(ElicitationFormCapabilities::new());
    let forms = ClientCapabilities::new().elicitation(forms);
    for capabilities in [forms, ClientCapabilities::new()] {
        let asks = capabilities.elicitation.is_some();
        let mut stage = Stage::set(setting(Harness::Claude, script).capabilities(capabilities)).await;
        let session = stage.new_session().await;
        let prompt = stage.prompt(&session, "which one");
        if asks {
            stage.events.form().await.answer(CreateElicitationResponse::new(ElicitationAction::Decline));
        }
        assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
        let refused = wire(&stage.events.updates()).contains("No such tool available: AskUserQuestion");
        assert_eq!(refused, !asks);
    }
}

#[tokio::test]
async fn when_claude_code_is_killed_this_prompt_and_the_next_fail() {
    let mut stage = stage(TALK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "hello").await;
    let prompt = stage.prompt(&session, "talk");
    stage.events.said("tick").await;
    official::kill_harness(&stage, "claude");
    refused(stage.answer(prompt).await.expect_err("a failure"));
    refused(stage.answer(stage.prompt(&session, "hello again")).await.expect_err("a failure"));
}

#[tokio::test]
async fn no_process_is_left_when_the_client_goes_in_mid_turn() {
    official::leaves_nothing(stage(TALK).await).await;
}

#[tokio::test]
async fn root_is_served_without_the_mode_that_would_not_work() {
    let stage = Stage::set(setting(Harness::Claude, TALK).env("IS_SANDBOX", "").user(User::Root)).await;
    let opened = stage.opened(NewSessionRequest::new(stage.workspace())).await;
    let modes = opened.modes.expect("modes").available_modes;
    assert!(modes.iter().all(|mode| *mode.id.0 != *"bypassPermissions"), "{modes:?}");
    assert_eq!(stage.turn(&opened.session_id, "hello").await.stop_reason, StopReason::EndTurn);
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_refused() {
    let stage = stage(TALK).await;
    let absent = NewSessionRequest::new(stage.workspace().join("absent"));
    let opened = soon("session/new", stage.agent.new_session(absent)).await;
    assert_eq!(refused(opened.expect_err("no session")).0, ErrorCode::INVALID_PARAMS);
}

#[tokio::test]
async fn five_megabytes_of_output_are_a_note_for_the_model() {
    let script = "[[prompt]]\nmatch = \"a lot\"\nreplies = [[{ shell = \"seq 1 750000\" }], [{ say = \"done\" }]]";
    let mut stage = stage(script).await;
    let session = session_in(&stage, "bypassPermissions").await;
    stage.turn(&session, "a lot").await;
    let shown = wire(&stage.events.updates());
    assert!(shown.contains("Output too large"), "{shown}");
    assert!(shown.len() < 1_000_000 && !shown.contains("749999"));
}

/// A conversation that is compacted: how the turn ends, what the client sees of it, and what the model is told then.
async fn compacted(stage: &mut Stage) -> (StopReason, Vec<SessionUpdate>, String) {
    let session = stage.new_session().await;
    // One message is too little for it.
    stage.turn(&session, "hello violets").await;
    stage.turn(&session, "hello roses").await;
    stage.events.drain();
    let reason = stage.turn(&session, "/compact").await.stop_reason;
    let updates = stage.events.updates();
    stage.turn(&session, "second").await;
    (reason, updates, last_request(stage))
}

#[tokio::test]
async fn a_compaction_is_text_of_the_agent() {
    let capabilities = CompactionCapabilities::new();
    let capabilities = ClientCapabilities::new().session(ClientSessionCapabilities::new().compaction(capabilities));
    let mut stage = Stage::set(setting(Harness::Claude, TALK).capabilities(capabilities)).await;
    let (reason, updates, told) = compacted(&mut stage).await;
    assert_eq!(reason, StopReason::EndTurn);
    assert!(!updates.iter().any(|update| matches!(update, SessionUpdate::CompactionUpdate(_))), "{updates:#?}");
    let said = texts(&updates);
    assert!(said.starts_with("Compacting...") && said.contains("Compacting completed."), "{said}");
    assert!(told.contains("This session is being continued"), "{told}");
}
