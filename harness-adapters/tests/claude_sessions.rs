//! Sessions of Claude Code that outlive a process.

mod claude;
mod support;

use acp_server::CallError;
use acp_server::types::v1::{
    CloseSessionRequest, DeleteSessionRequest, ForkSessionRequest, ListSessionsRequest, LoadSessionRequest,
    NewSessionRequest, PermissionOptionKind, ResumeSessionRequest, SessionConfigOptionValue, SessionId, SessionUpdate,
    SetSessionConfigOptionRequest, SetSessionModeRequest, StopReason, ToolCallStatus,
};
use claude::{Item, Watch, messages, shown};
use serde_json::{Value, json};
use support::{Stage, soon};

const WORK: &str = r#"
    [[prompt]]
    match = "work"
    replies = [
      [{ think = "Hm." }, { say = "I work." }, { shell = "echo hi" }, { shell = "cat /dev/null/file" }],
      [{ write = "poem.txt", text = "roses\n" }],
      [{ edit = "poem.txt", old = "roses", new = "tulips" }],
      [{ plan = [{ step = "Look", status = "completed" }, { step = "Leap", status = "pending" }] }],
      [{ agent = "count the files" }],
      [{ say = "Done." }],
    ]

    [[prompt]]
    match = "count the files"
    replies = [[{ shell = "echo three" }], [{ say = "There are three." }]]

    [[prompt]]
    match = "more"
    replies = [[{ say = "More." }]]

    [[prompt]]
    match = "talk"
    replies = [[{ say = "I talk. " }, { endless = "tick ", every_ms = 20 }]]
"#;

async fn load(stage: &Stage, session: &SessionId) {
    let request = LoadSessionRequest::new(session.clone(), stage.workspace());
    soon("session/load", stage.agent.load_session(request)).await.expect("loaded");
}

async fn listed(stage: &Stage) -> Vec<(SessionId, Option<String>)> {
    let request = ListSessionsRequest::new().cwd(stage.workspace());
    let listed = soon("session/list", stage.agent.list_sessions(request)).await.expect("a list");
    listed.sessions.into_iter().map(|session| (session.session_id, session.title)).collect()
}

fn refused(error: CallError) -> (i32, String) {
    match error {
        CallError::Refused { error, .. } => (error.code().0, error.message().into_owned()),
        other => panic!("an error object, not {other}"),
    }
}

#[tokio::test]
async fn a_session_that_is_loaded_looks_as_it_did() {
    let mut stage = Stage::claude(WORK).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "work");
    let mut watch = Watch::default();
    for _ in 0..3 {
        watch.asked(&mut stage.events).await.choose(PermissionOptionKind::AllowOnce);
    }
    stage.answer(prompt).await.expect("an answer");
    stage.turn(&session, "more").await;
    stage.turn(&session, "/context").await;
    let mut live = watch.screen(&mut stage.events);

    stage.restart().await;
    load(&stage, &session).await;
    let replayed = shown(&mut stage);
    let prompts = replayed.iter().filter_map(|item| if let Item::User(text) = item { Some(&**text) } else { None });
    assert_eq!(prompts.collect::<Vec<_>>(), ["work", "more", "/context"]);
    // The client has shown its own prompts itself, and what a command said has an id of its own on disk.
    let mut replayed: Vec<_> = replayed.into_iter().filter(|item| !matches!(item, Item::User(_))).collect();
    for items in [&mut live, &mut replayed] {
        if let Some(Item::Message { id, .. }) = items.last_mut() {
            id.clear();
        }
    }
    assert_eq!(replayed, live);
    assert_eq!(stage.turn(&session, "more").await.stop_reason, StopReason::EndTurn);
    stage.leave().await;
}

#[tokio::test]
async fn a_turn_that_was_cancelled_is_replayed_with_its_calls_closed() {
    let mut stage = Stage::claude(WORK).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "talk");
    stage.events.said("tick").await;
    stage.cancel(&session).await;
    stage.answer(prompt).await.expect("an answer");
    stage.restart().await;
    load(&stage, &session).await;
    let items = shown(&mut stage);
    claude::assert_closed(&items);
    assert!(messages(&items).concat().starts_with("I talk."), "{items:#?}");
    assert!(!format!("{items:?}").contains("interrupted by user"), "{items:#?}");
    stage.leave().await;
}

#[tokio::test]
async fn sessions_are_listed_with_titles_and_gone_when_deleted() {
    let stage = Stage::claude(WORK).await;
    let first = stage.new_session().await;
    stage.turn(&first, "more").await;
    let second = stage.new_session().await;
    stage.turn(&second, "more of it").await;
    let expected = [(second.clone(), Some("more of it".to_owned())), (first.clone(), Some("more".to_owned()))];
    assert_eq!(listed(&stage).await, expected);
    let delete = DeleteSessionRequest::new(second.clone());
    soon("session/delete", stage.agent.delete_session(delete)).await.expect("deleted");
    assert_eq!(listed(&stage).await.len(), 1);
    let request = LoadSessionRequest::new(second, stage.workspace());
    let error = soon("session/load", stage.agent.load_session(request)).await.expect_err("it is gone");
    assert_eq!(refused(error).0, -32002);
    stage.leave().await;
}

#[tokio::test]
async fn a_session_is_resumed_without_its_history() {
    let mut stage = Stage::claude(WORK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "more").await;
    stage.restart().await;
    let request = ResumeSessionRequest::new(session.clone(), stage.workspace());
    soon("session/resume", stage.agent.resume_session(request)).await.expect("resumed");
    stage.turn(&session, "more again").await;
    assert_eq!(messages(&shown(&mut stage)), ["More."]);
    let told = stage.model.requests().last().expect("a request")["body"]["messages"].to_string();
    assert!(told.contains("\"more\"") && told.contains("more again"), "the model knows what was before: {told}");
    stage.leave().await;
}

#[tokio::test]
async fn a_fork_leaves_its_original_alone() {
    let stage = Stage::claude(WORK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "more").await;
    let request = ForkSessionRequest::new(session.clone(), stage.workspace());
    let fork = soon("session/fork", stage.agent.fork_session(request)).await.expect("forked").session_id;
    assert_ne!(fork, session);
    stage.turn(&fork, "more here").await;
    stage.turn(&session, "more there").await;
    let told = stage.model.requests().last().expect("a request")["body"]["messages"].to_string();
    assert!(told.contains("more there") && !told.contains("more here"), "{told}");
    stage.leave().await;
}

#[tokio::test]
async fn a_session_is_open_in_one_process_at_a_time() {
    let stage = Stage::claude(WORK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "more").await;
    let (other, mut process, _events) = stage.second().await;
    let request = LoadSessionRequest::new(session.clone(), stage.workspace());
    let error = soon("session/load", other.load_session(request.clone())).await.expect_err("it is taken");
    assert!(refused(error).1.contains("open in another process"));
    soon("session/close", stage.agent.close_session(CloseSessionRequest::new(session))).await.expect("closed");
    soon("session/load", other.load_session(request)).await.expect("it is free");
    other.close().await;
    soon("the end", process.shutdown(Default::default())).await;
    stage.leave().await;
}

#[tokio::test]
async fn a_session_that_was_never_prompted_can_be_opened_again() {
    let mut stage = Stage::claude(WORK).await;
    let session = stage.new_session().await;
    stage.restart().await;
    load(&stage, &session).await;
    assert_eq!(stage.turn(&session, "more").await.stop_reason, StopReason::EndTurn);
    stage.leave().await;
}

#[tokio::test]
async fn a_prompt_fails_when_its_process_is_killed_and_the_session_goes_on() {
    let mut stage = Stage::claude(WORK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "more").await;
    let prompt = stage.prompt(&session, "talk");
    let mut watch = Watch::default();
    watch.said(&mut stage.events, "tick").await;
    let harness = claude::processes(stage.directory.path());
    assert_eq!(harness.len(), 1, "one process per session");
    claude::kill(harness[0]);
    let error = stage.answer(prompt).await.expect_err("a failure");
    let (code, message) = refused(error);
    assert_eq!(code, -32603, "{message}");
    assert!(message.contains("signal 9"), "{message}");
    assert_eq!(stage.turn(&session, "more again").await.stop_reason, StopReason::EndTurn);
    load(&stage, &session).await;
    assert_eq!(stage.turn(&session, "more of it").await.stop_reason, StopReason::EndTurn);
    stage.leave().await;
}

#[tokio::test]
async fn what_was_chosen_is_in_force_again_after_its_process_was_killed() {
    let mut stage = Stage::claude(WORK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "more").await;
    for (option, value) in [("model", "sonnet"), ("effort", "high")] {
        let value = SessionConfigOptionValue::value_id(value);
        let request = SetSessionConfigOptionRequest::new(session.clone(), option, value);
        soon("an option", stage.agent.set_session_config_option(request)).await.expect("an option");
    }
    let request = SetSessionModeRequest::new(session.clone(), "plan");
    soon("session/set_mode", stage.agent.set_session_mode(request)).await.expect("a mode");
    let prompt = stage.prompt(&session, "talk");
    Watch::default().said(&mut stage.events, "tick").await;
    claude::kill(claude::processes(stage.directory.path())[0]);
    stage.answer(prompt).await.expect_err("a failure");
    stage.events.drain();
    stage.turn(&session, "more again").await;
    let modes = stage.events.updates().into_iter().filter_map(|update| match update {
        SessionUpdate::CurrentModeUpdate(update) => Some(update.current_mode_id.0.to_string()),
        _ => None,
    });
    assert_eq!(modes.last().as_deref(), Some("plan"));
    let requests = stage.model.requests();
    let request = requests.iter().rev().find(|request| request["side"].is_null()).expect("a request");
    assert!(request["model"].as_str().is_some_and(|model| model.contains("sonnet")), "{}", request["model"]);
    assert!(request["body"].to_string().contains("\"effort\":\"high\""), "{request}");
    assert!(request["body"].to_string().contains("Plan mode is active"), "{request}");
    stage.leave().await;
}

#[tokio::test]
async fn a_program_that_works_in_the_same_session_is_told_of() {
    let mut stage = Stage::claude(WORK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "more").await;
    let mut other = tokio::process::Command::new(support::harness("claude"));
    other
        .args(["-p", "--resume", &*session.0, "more of it, from elsewhere"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", stage.home())
        .env("CLAUDE_CONFIG_DIR", stage.home().join(".claude"))
        .env("ANTHROPIC_BASE_URL", &stage.model.url)
        .env("ANTHROPIC_API_KEY", "test-key")
        .env("DISABLE_TELEMETRY", "1")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .current_dir(stage.workspace())
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    let output = soon("the end of the other program", other.output()).await.expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let told = |items: &[Item]| {
        let thought = |item: &Item| matches!(item, Item::Thought { text, .. } if text.contains("from elsewhere"));
        items.iter().any(thought)
    };
    Watch::default().until(&mut stage.events, told).await;
    stage.leave().await;
}

#[tokio::test]
async fn what_others_did_within_a_session_is_no_session_and_titles_are_what_was_typed() {
    let stage = Stage::claude(WORK).await;
    let session = stage.new_session().await;
    stage.turn(&session, "more of this").await;
    let projects = stage.home().join(".claude/projects");
    let mut projects = std::fs::read_dir(projects).expect("a folder").flatten().map(|project| project.path());
    let name = format!("{session}.jsonl");
    let project = projects.find(|project| project.join(&name).exists()).expect("a project");
    let own = project.join(name);
    let text = std::fs::read_to_string(&own).expect("a transcript");
    for (id, key, value) in [
        ("00000000-0000-4000-8000-000000000001", "isSidechain", json!(true)),
        ("00000000-0000-4000-8000-000000000002", "teamName", json!("builders")),
    ] {
        let lines = text.lines().map(|line| {
            let mut record: Value = serde_json::from_str(line).expect("JSON");
            record[key] = value.clone();
            record.to_string() + "\n"
        });
        std::fs::write(project.join(format!("{id}.jsonl")), lines.collect::<String>()).expect("write");
    }
    // A line that is no text, and half a surrogate pair before the prompt.
    let odd = "{\"type\":\"attachment\",\"note\":\"\\ud83d\"}\n";
    std::fs::write(&own, [b"\xff\n".as_slice(), odd.as_bytes(), text.as_bytes()].concat()).expect("write");
    assert_eq!(listed(&stage).await, [(session, Some("more of this".to_owned()))]);
    stage.leave().await;
}

#[tokio::test]
async fn no_process_is_left_when_the_client_goes_away_in_mid_turn() {
    let mut stage = Stage::claude(WORK).await;
    let directory = stage.directory.path().to_owned();
    let session = stage.new_session().await;
    let _prompt = stage.prompt(&session, "talk");
    stage.events.said("tick").await;
    assert_eq!(claude::processes(&directory).len(), 1);
    stage.agent.close().await;
    soon("the end of the adapter", stage.handle.wait()).await;
    assert_eq!(claude::processes(&directory), Vec::<i32>::new());
}

#[tokio::test]
async fn instructions_and_directories_reach_the_program() {
    let stage = Stage::claude(WORK).await;
    let other = tempfile::tempdir().expect("a directory");
    let meta = serde_json::from_value(serde_json::json!({ "systemPrompt": { "append": "Speak like a poet." } }));
    let request = NewSessionRequest::new(stage.workspace())
        .additional_directories(vec![other.path().to_owned()])
        .meta(Some(meta.expect("an object")));
    let session = stage.opened(request).await.session_id;
    stage.turn(&session, "more").await;
    let told = stage.model.requests().last().expect("a request")["body"].to_string();
    assert!(told.contains("Speak like a poet."), "{told}");
    assert!(told.contains(&other.path().display().to_string()), "{told}");
    stage.leave().await;
}

#[tokio::test]
async fn instructions_of_the_client_can_stand_in_place_of_its_own() {
    let script = "[[prompt]]\nmatch = \"more\"\nrepeat = true\nreplies = [[{ say = \"More.\" }]]";
    let stage = Stage::claude(script).await;
    for (prompt, replaces) in [
        (serde_json::json!("Speak like a poet."), true),
        (serde_json::json!({ "append": "Speak like a poet." }), false),
    ] {
        let meta = serde_json::Map::from_iter([("systemPrompt".to_owned(), prompt)]);
        let session = stage.opened(NewSessionRequest::new(stage.workspace()).meta(meta)).await.session_id;
        stage.turn(&session, "more").await;
        let requests = stage.model.requests();
        let request = requests.iter().rev().find(|request| request["side"].is_null()).expect("a request");
        let told = request["body"]["system"].to_string();
        assert!(told.contains("Speak like a poet."), "{told}");
        assert_eq!(!told.contains("You are an agent working with the user"), replaces, "{told}");
    }
    stage.leave().await;
}

#[tokio::test]
async fn a_call_that_was_open_when_its_process_was_killed_is_closed() {
    let script = r#"
        [[prompt]]
        match = "touch"
        replies = [[{ shell = "touch a1" }], [{ say = "never" }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "touch");
    let mut watch = Watch::default();
    let _asked = watch.asked(&mut stage.events).await;
    claude::kill(claude::processes(stage.directory.path())[0]);
    stage.answer(prompt).await.expect_err("a failure");
    let items = watch.screen(&mut stage.events);
    assert_eq!(claude::call(&items, "touch a1").status, ToolCallStatus::Failed);
    stage.leave().await;
}
