//! What Claude Code does: commands, files, plans, sub-agents.

mod claude;
mod support;

use acp_server::types::RawBuf;
use acp_server::types::v1::{
    ClientCapabilities, Meta, PermissionOptionKind, PlanEntryStatus, SessionId, SessionUpdate, ToolCallContent,
    ToolCallStatus, ToolKind,
};
use claude::{Item, Watch, assert_closed, call, calls, diff, messages, output, shown};
use serde_json::{Value, json};
use support::{Harness, Setting, Stage, soon};

#[tokio::test]
async fn output_of_a_slow_command_is_complete_and_in_order() {
    let script = r#"
        [[prompt]]
        match = "slowly"
        replies = [[{ shell = "echo one; sleep 0.3; echo two; sleep 0.3; echo three" }], [{ say = "done" }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    stage.turn(&session, "slowly").await;
    let items = shown(&mut stage);
    let command = call(&items, "echo one; sleep 0.3; echo two; sleep 0.3; echo three");
    assert_eq!(output(command), "one\ntwo\nthree");
    assert_eq!((command.kind, command.status), (ToolKind::Execute, ToolCallStatus::Completed));
    stage.leave().await;
}

#[tokio::test]
async fn a_command_that_fails_shows_what_it_wrote_and_its_exit_code() {
    let script = r#"
        [[prompt]]
        match = "fail"
        replies = [[{ shell = "ls /dev/null/place" }], [{ say = "done" }]]
    "#;
    let terminal = Meta::from_iter([("terminal_output".to_owned(), json!(true))]);
    let setting = Setting::new(Harness::Claude, script).capabilities(ClientCapabilities::new().meta(terminal));
    let mut stage = Stage::set(setting).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "fail");
    let mut updates = Vec::new();
    stage
        .events
        .find(|event| match event {
            support::Event::Asked(asked) => {
                asked.choose(PermissionOptionKind::AllowOnce);
                None
            }
            support::Event::Update(_, update) => {
                let over = matches!(&*update, SessionUpdate::AgentMessageChunk(_));
                updates.push(*update);
                over.then_some(())
            }
            _ => None,
        })
        .await;
    stage.answer(prompt).await.expect("an answer");
    let last = updates.iter().rev().find_map(|update| match update {
        SessionUpdate::ToolCallUpdate(update) if update.fields.status == Some(ToolCallStatus::Failed) => Some(update),
        _ => None,
    });
    let meta = last.expect("the end of the call").meta.clone().expect("_meta");
    assert_eq!(meta["terminal_exit"]["exit_code"], 2, "{meta:?}");
    assert!(meta["terminal_output"]["data"].as_str().is_some_and(|data| data.contains("/dev/null/place")), "{meta:?}");
    let items = claude::screen(&updates);
    let content = &call(&items, "ls /dev/null/place").content;
    assert!(matches!(&content[..], [ToolCallContent::Terminal(_)]), "{content:?}");
    stage.leave().await;
}

#[tokio::test]
async fn five_megabytes_of_output_are_shown_whole() {
    let script = r#"
        [[prompt]]
        match = "a lot"
        replies = [[{ shell = "seq 1 750000" }], [{ say = "done" }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    stage.turn(&session, "a lot").await;
    let items = shown(&mut stage);
    let all = output(call(&items, "seq 1 750000"));
    assert!(all.len() > 5_000_000, "{} bytes", all.len());
    assert!(all.lines().zip(1_u32..).all(|(line, number)| line == number.to_string()), "a line is missing");
    stage.leave().await;
}

#[tokio::test]
async fn changes_of_files_have_the_whole_text_before_and_after() {
    let script = r#"
        [[prompt]]
        match = "write"
        replies = [
          [{ write = "poem.txt", text = "roses\nviolets\n" }],
          [{ edit = "poem.txt", old = "violets", new = "tulips" }],
          [{ delete = "poem.txt" }],
          [{ edit = "other.txt", old = "not there", new = "x" }],
          [{ say = "done" }],
        ]
    "#;
    let mut stage = Stage::claude(script).await;
    stage.write("other.txt", "something\n");
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "write");
    let mut watch = Watch::default();
    for _ in 0..3 {
        watch.asked(&mut stage.events).await.choose(PermissionOptionKind::AllowOnce);
    }
    stage.answer(prompt).await.expect("an answer");
    let items = watch.screen(&mut stage.events);
    let path = stage.workspace().join("poem.txt");
    let written = call(&items, "Write poem.txt");
    assert_eq!((diff(written).old_text.as_deref(), diff(written).new_text.as_str()), (None, "roses\nviolets\n"));
    assert_eq!((&diff(written).path, &written.locations[0].path), (&path, &path));
    let edited = call(&items, "Edit poem.txt");
    assert_eq!(diff(edited).old_text.as_deref(), Some("roses\nviolets\n"));
    assert_eq!(diff(edited).new_text, "roses\ntulips\n");
    assert_eq!(call(&items, "Edit other.txt").status, ToolCallStatus::Failed);
    assert_eq!((stage.read("poem.txt"), stage.read("other.txt").as_deref()), (None, Some("something\n")));
    assert_closed(&items);
    stage.leave().await;
}

#[tokio::test]
async fn a_plan_works_out_of_the_box_and_is_no_call() {
    let script = r#"
        [[prompt]]
        match = "plan"
        replies = [
          [{ plan = [{ step = "Look", status = "in_progress" }, { step = "Leap", status = "pending" }] }],
          [{ plan = [{ step = "Look", status = "completed" }, { step = "Leap", status = "in_progress" }] }],
          [{ say = "done" }],
        ]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    stage.turn(&session, "plan").await;
    let items = shown(&mut stage);
    assert!(calls(&items).is_empty(), "{items:#?}");
    let plan = items.iter().rev().find_map(|item| if let Item::Plan(plan) = item { Some(plan) } else { None });
    let expected = [("Look".to_owned(), PlanEntryStatus::Completed), ("Leap".to_owned(), PlanEntryStatus::InProgress)];
    assert_eq!(plan.expect("a plan")[..], expected);
    stage.leave().await;
}

#[tokio::test]
async fn a_sub_agent_speaks_within_its_call() {
    let script = r#"
        [[prompt]]
        match = "delegate"
        replies = [[{ agent = "count the files" }], [{ say = "It has reported." }]]

        [[prompt]]
        match = "count the files"
        replies = [[{ say = "I count." }, { shell = "echo three" }], [{ say = "There are three." }]]
    "#;
    let mut stage = Stage::claude(script).await;
    let session = stage.new_session().await;
    stage.turn(&session, "delegate").await;
    let items = shown(&mut stage);
    assert_eq!(messages(&items), ["It has reported."]);
    let agent = calls(&items).into_iter().find(|call| call.kind == ToolKind::Think).expect("a sub-agent");
    assert_eq!(output(agent), "I count.\n\nThere are three.");
    let command = call(&items, "echo three");
    let meta = command.meta.clone().expect("_meta");
    assert_eq!(meta["claudeCode"]["parentToolUseId"], *agent.tool_call_id.0, "{meta:?}");
    assert_closed(&items);
    stage.leave().await;
}

#[tokio::test]
async fn a_file_that_is_read_is_shown_without_line_numbers() {
    let script = "[[prompt]]\nmatch = \"read\"\nreplies = [[{ read = \"a.txt\" }], [{ say = \"done\" }]]";
    let mut stage = Stage::claude(script).await;
    stage.write("a.txt", "one\ntwo\n");
    let session = stage.new_session().await;
    stage.turn(&session, "read").await;
    let items = shown(&mut stage);
    let read = call(&items, "Read a.txt");
    assert_eq!((output(read).as_str(), read.kind), ("one\ntwo\n", ToolKind::Read));
    stage.leave().await;
}

#[tokio::test]
async fn output_of_control_characters_is_cut_by_what_it_becomes_and_its_call_is_closed() {
    let script = r#"
        [[prompt]]
        match = "print"
        replies = [[{ shell = "head -c 3145728 /dev/zero | tr '\\0' '\\001'" }], [{ say = "Done." }]]
    "#;
    for terminal in [false, true] {
        let meta = Meta::from_iter([("terminal_output".to_owned(), json!(terminal))]);
        let capabilities = ClientCapabilities::new().meta(meta);
        let mut stage = Stage::set(Setting::new(Harness::Claude, script).capabilities(capabilities)).await;
        stage.settings(&json!({ "permissions": { "allow": ["Bash"] } }));
        let session = stage.new_session().await;
        stage.turn(&session, "print").await;
        let updates = stage.events.updates();
        let longest = updates.iter().map(|it| serde_json::to_vec(it).expect("JSON").len()).max().expect("updates");
        assert!((6 << 20..12 << 20).contains(&longest), "{longest}");
        let done = updates.iter().any(|update| {
            matches!(update, SessionUpdate::ToolCallUpdate(it) if it.fields.status == Some(ToolCallStatus::Completed))
        });
        assert!(done, "its end was not told");
        stage.leave().await;
    }
}

/// Ends work in the background.
async fn stop(stage: &Stage, session: &SessionId, task: &str) -> Value {
    let params = RawBuf::encode(&json!({ "sessionId": session, "asyncTaskId": task })).expect("JSON");
    let answer = soon("an answer", stage.agent.peer().call_raw("_session/async_task/stop", params)).await;
    answer.expect("a result").raw().decode().expect("JSON")
}

#[tokio::test]
async fn a_command_in_the_background_is_seen_while_it_runs_and_can_be_stopped() {
    let script = r#"
        [[prompt]]
        match = "task-notification"
        replies = [[{ say = "I see." }]]

        [[prompt]]
        match = "start"
        replies = [
          [{ shell = "echo one; until test -e go; do sleep 0.05; done; echo two; sleep 600", background = true }],
          [{ say = "It runs." }],
        ]
    "#;
    let mut stage = Stage::claude(script).await;
    stage.settings(&json!({ "permissions": { "allow": ["Bash"] } }));
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "start");
    let mut watch = Watch::default();
    stage.answer(prompt).await.expect("an answer");
    let wrote = |items: &[Item], text: &str| calls(items).first().is_some_and(|call| output(call).contains(text));
    watch.until(&mut stage.events, |items| wrote(items, "one")).await;
    stage.write("go", "");
    watch.until(&mut stage.events, |items| wrote(items, "two")).await;
    let call = calls(&watch.screen(&mut stage.events))[0].tool_call_id.clone();
    assert_eq!(stop(&stage, &session, "no such work").await, json!({ "stopped": false }));
    assert_eq!(stop(&stage, &session, &call.0).await, json!({ "stopped": true }));
    let over = |items: &[Item]| calls(items)[0].status == ToolCallStatus::Failed;
    watch.until(&mut stage.events, over).await;
    assert_eq!(stop(&stage, &session, &call.0).await, json!({ "stopped": false }));
    stage.leave().await;
}
