//! Sessions that are opened again, listed, copied, deleted; processes that end.

mod codex;
mod support;

use std::path::Path;

use acp_server::CallError;
use acp_server::types::ErrorCode;
use acp_server::types::v1::{
    CloseSessionRequest, DeleteSessionRequest, ForkSessionRequest, ListSessionsRequest, LoadSessionRequest,
    PermissionOptionKind, ResumeSessionRequest, SessionId, SessionUpdate, SetSessionConfigOptionRequest, StopReason,
};
use codex::Screen;
use support::{Stage, soon};

const SCRIPT: &str = r#"
    [[prompt]]
    match = "do everything"
    replies = [
      [{ think = "I think" }, { plan = [{ step = "A", status = "in_progress" }, { step = "B", status = "pending" }] }],
      [{ say = "first" }, { shell = "echo one; exit 3" }, { write = "new.txt", text = "a\nb\nc\n" }],
      [{ edit = "new.txt", old = "b", new = "B" }],
      [{ move = "new.txt", to = "moved.txt", old = "c", new = "C" }],
      [{ delete = "gone.txt" }, { plan = [{ step = "A", status = "completed" }, { step = "B", status = "completed" }] }],
      [{ say = "all done" }],
    ]
    [[prompt]]
    match = "ask me"
    replies = [[{ shell = "touch asked-for", ask = true }], [{ say = "asked" }]]
    [[prompt]]
    match = "say hello"
    replies = [[{ say = "hello" }]]
    [[prompt]]
    match = "say more"
    replies = [[{ say = "more" }]]
    [[prompt]]
    match = "talk forever"
    replies = [[{ endless = "tick ", every_ms = 20 }]]
    [[prompt]]
    match = "run forever"
    replies = [[{ shell = "while true; do date >> ticks; sleep 0.1; done", timeout_ms = 30000 }]]
"#;

fn code(error: CallError) -> (ErrorCode, String) {
    match error {
        CallError::Refused { error, .. } => (error.code(), error.message().into_owned()),
        other => panic!("an error of the agent, not {other}"),
    }
}

#[tokio::test]
async fn a_session_that_is_loaded_looks_as_it_did_live() {
    let mut stage = Stage::codex(SCRIPT).await;
    stage.write("gone.txt", "bye\n");
    let session = stage.new_session().await;
    stage.turn(&session, "do everything").await;
    let mut updates = stage.events.updates();
    // Codex keeps nothing of a command that was rejected.
    let prompt = stage.prompt(&session, "ask me");
    let (asked, more) = stage.asked().await;
    asked.choose(PermissionOptionKind::AllowOnce);
    stage.answer(prompt).await.expect("an answer");
    updates.extend(more.into_iter().chain(stage.events.updates()));
    let live = Screen::of(&updates);
    live.assert_closed();
    stage.restart().await;
    let loaded = stage.agent.load_session(LoadSessionRequest::new(session.clone(), stage.workspace())).await;
    loaded.unwrap_or_else(|error| panic!("session/load: {error}"));
    let mut replayed = stage.screen();
    let said: Vec<_> = replayed.texts.iter().filter(|text| text.0 == "user").map(|text| text.2.clone()).collect();
    assert_eq!(said, ["do everything", "ask me"]);
    replayed.texts.retain(|text| text.0 != "user");
    assert_eq!(replayed, live);
    stage.turn(&session, "say hello").await;
    assert_eq!(stage.screen().messages(), ["hello"]);
    stage.leave().await;
}

#[tokio::test]
async fn a_session_that_is_resumed_goes_on_without_its_history() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    stage.turn(&session, "say hello").await;
    stage.restart().await;
    let request = ResumeSessionRequest::new(session.clone(), stage.workspace());
    soon("session/resume", stage.agent.resume_session(request)).await.expect("resumed");
    stage.turn(&session, "say more").await;
    let screen = stage.screen();
    assert_eq!(screen.messages(), ["more"]);
    let requests = stage.model.requests();
    let last = requests.last().expect("a request")["body"].to_string();
    assert!(last.contains("say hello"), "the model knows what was said");
    stage.leave().await;
}

#[tokio::test]
async fn a_session_without_turns_can_be_closed_and_opened_again_also_by_another_process() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let resume = || ResumeSessionRequest::new(session.clone(), stage.workspace());
    soon("session/close", stage.agent.close_session(CloseSessionRequest::new(session.clone()))).await.expect("closed");
    soon("session/resume", stage.agent.resume_session(resume())).await.expect("resumed");
    // It is open: this makes way for itself.
    soon("session/resume", stage.agent.resume_session(resume())).await.expect("resumed again");
    stage.restart().await;
    let resume = ResumeSessionRequest::new(session.clone(), stage.workspace());
    soon("session/resume", stage.agent.resume_session(resume)).await.expect("resumed elsewhere");
    stage.turn(&session, "say hello").await;
    assert_eq!(stage.screen().messages(), ["hello"]);
    stage.leave().await;
}

#[tokio::test]
async fn sessions_are_listed_and_deleted() {
    let stage = Stage::codex(SCRIPT).await;
    let first = stage.new_session().await;
    stage.turn(&first, "say hello").await;
    let second = stage.new_session().await;
    stage.turn(&second, "say more").await;
    let list = || async {
        let request = ListSessionsRequest::new().cwd(stage.workspace());
        soon("session/list", stage.agent.list_sessions(request)).await.expect("a list").sessions
    };
    let sessions = list().await;
    let titles: Vec<_> = sessions.iter().map(|session| session.title.as_deref().expect("a title")).collect();
    assert!(titles.contains(&"say hello") && titles.contains(&"say more"), "{titles:?}");
    assert!(sessions.iter().all(|session| session.updated_at.is_some() && session.cwd == stage.workspace()));
    // The same directory, whatever it is called.
    let link = stage.directory.path().join("link");
    std::os::unix::fs::symlink(stage.workspace(), &link).expect("a link");
    for name in
        [link.clone(), stage.workspace().join(""), stage.workspace().join("."), stage.home().join("../workspace")]
    {
        let found = stage.agent.list_sessions(ListSessionsRequest::new().cwd(name.clone())).await.expect("a list");
        assert_eq!(found.sessions.len(), 2, "{}", name.display());
    }
    let elsewhere = ListSessionsRequest::new().cwd(stage.home());
    assert!(stage.agent.list_sessions(elsewhere).await.expect("a list").sessions.is_empty());

    stage.agent.delete_session(DeleteSessionRequest::new(first.clone())).await.expect("deleted");
    let left: Vec<_> = list().await.into_iter().map(|session| session.session_id).collect();
    assert_eq!(left, [second]);
    let error = stage.agent.load_session(LoadSessionRequest::new(first.clone(), stage.workspace())).await;
    assert_eq!(code(error.expect_err("it is gone")).0, ErrorCode::RESOURCE_NOT_FOUND);
    stage.agent.delete_session(DeleteSessionRequest::new(first)).await.expect("deleting twice is no failure");
    stage.leave().await;
}

#[tokio::test]
async fn a_fork_has_the_past_and_the_model_but_not_the_future() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let request = SetSessionConfigOptionRequest::new(session.clone(), "model", "gpt-5.6-luna");
    stage.agent.set_session_config_option(request).await.expect("another model");
    stage.turn(&session, "say hello").await;
    let request = ForkSessionRequest::new(session.clone(), stage.workspace());
    let fork = soon("session/fork", stage.agent.fork_session(request)).await.expect("a fork").session_id;
    assert_ne!(fork, session);
    stage.events.drain();
    stage.turn(&fork, "say more").await;
    let requests = stage.model.requests();
    let last = &requests.last().expect("a request");
    assert_eq!(last["model"], "gpt-5.6-luna");
    assert!(last["body"].to_string().contains("say hello"));
    assert_eq!(stage.screen().messages(), ["more"]);
    stage.leave().await;
}

#[tokio::test]
async fn a_session_with_forks_can_be_deleted_and_its_forks_keep_their_past() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    stage.turn(&session, "say hello").await;
    let request = ForkSessionRequest::new(session.clone(), stage.workspace());
    let fork = soon("session/fork", stage.agent.fork_session(request)).await.expect("a fork").session_id;
    stage.turn(&fork, "say more").await;
    // Twice: deleting what is gone is no failure.
    for _ in 0..2 {
        let request = DeleteSessionRequest::new(session.clone());
        soon("session/delete", stage.agent.delete_session(request)).await.expect("deleted");
    }
    let listed = stage.agent.list_sessions(ListSessionsRequest::new()).await.expect("a list").sessions;
    let listed: Vec<_> = listed.into_iter().map(|session| session.session_id).collect();
    assert_eq!(listed, std::slice::from_ref(&fork));
    let refused = stage.agent.load_session(LoadSessionRequest::new(session.clone(), stage.workspace())).await;
    assert_eq!(code(refused.expect_err("it is deleted")).0, ErrorCode::RESOURCE_NOT_FOUND);
    stage.restart().await;
    let request = LoadSessionRequest::new(fork.clone(), stage.workspace());
    soon("session/load", stage.agent.load_session(request)).await.expect("the fork loads");
    assert_eq!(stage.screen().messages(), ["hello", "more"]);
    // With its last fork the rest can go, too.
    for gone in [fork, session] {
        soon("session/delete", stage.agent.delete_session(DeleteSessionRequest::new(gone))).await.expect("deleted");
    }
    let left =
        files(&stage.home().join(".codex")).into_iter().filter(|file| file.extension().is_some_and(|it| it == "jsonl"));
    assert_eq!(left.collect::<Vec<_>>(), Vec::<std::path::PathBuf>::new());
    stage.leave().await;
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Runs `codex exec` in the home and workspace of a stage.
async fn exec(stage: &Stage, config: &[&str], prompt: &str) {
    let mut command = tokio::process::Command::new(support::harness("codex"));
    command.arg("exec").arg("--skip-git-repo-check").args(config).arg(prompt).current_dir(stage.workspace());
    command.env("HOME", stage.home()).env("CODEX_HOME", stage.home().join(".codex")).env("MOCK_KEY", "test-key");
    command.env("TMPDIR", stage.directory.path().join("tmp")).stdin(std::process::Stdio::null()).kill_on_drop(true);
    let output = soon("codex exec", command.output()).await.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn sessions_of_codex_exec_and_of_other_providers_are_listed_and_load() {
    let mut stage = Stage::codex(SCRIPT).await;
    exec(&stage, &[], "say hello").await;
    let provider =
        format!("model_providers.other={{name=\"other\",base_url=\"{}/v1\",env_key=\"MOCK_KEY\"}}", stage.model.url);
    exec(&stage, &["-c", "model_provider=other", "-c", &provider], "say more").await;
    let request = ListSessionsRequest::new().cwd(stage.workspace());
    let sessions = soon("session/list", stage.agent.list_sessions(request)).await.expect("a list").sessions;
    let titles: Vec<_> = sessions.iter().filter_map(|session| session.title.as_deref()).collect();
    assert!(titles.contains(&"say hello") && titles.contains(&"say more"), "{titles:?}");
    let of_exec = sessions.iter().find(|session| session.title.as_deref() == Some("say hello")).expect("it is listed");
    let request = LoadSessionRequest::new(of_exec.session_id.clone(), stage.workspace());
    soon("session/load", stage.agent.load_session(request)).await.expect("loaded");
    assert_eq!(stage.screen().messages(), ["hello"]);
    stage.leave().await;
}

#[tokio::test]
async fn two_processes_cannot_have_one_session() {
    let stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    stage.turn(&session, "say hello").await;
    let (agent, mut handle, _events) = stage.second().await;
    let refused = agent.resume_session(ResumeSessionRequest::new(session.clone(), stage.workspace())).await;
    let (_, message) = code(refused.expect_err("it is open"));
    assert!(message.contains("another Codex process"), "{message}");
    agent.close().await;
    soon("its end", handle.shutdown(acp_server::transport::child::Deadlines::default())).await;
    stage.turn(&session, "say more").await;
    stage.leave().await;
}

/// The processes that come from a process, their parents first.
fn descendants(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("a /proc").filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent_of = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    let known: Vec<(u32, u32)> = pids.filter_map(|pid| Some((pid, parent_of(pid)?))).collect();
    let mut found = vec![parent];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(known.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| pid));
        at += 1;
    }
    found.split_off(1)
}

/// The process of Codex. Its sandbox is the same program, further down.
fn codex_of(stage: &Stage) -> u32 {
    let program = support::harness("codex").canonicalize().expect("a path");
    let is_codex = |pid: &u32| std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program);
    descendants(stage.handle.id().expect("it runs")).into_iter().find(is_codex).expect("Codex runs")
}

async fn gone(pid: u32) {
    soon("the end of a process", async {
        while Path::new(&format!("/proc/{pid}/exe")).exists() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn when_codex_is_killed_the_prompt_fails_and_the_next_works() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    stage.turn(&session, "say hello").await;
    let prompt = stage.prompt(&session, "talk forever");
    stage.events.said("tick").await;
    let pid = i32::try_from(codex_of(&stage)).expect("a pid");
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
    let (_, message) = code(stage.answer(prompt).await.expect_err("a failure"));
    assert!(message.contains("signal 9"), "{message}");
    stage.turn(&session, "say more").await;
    stage.events.drain();
    let request = LoadSessionRequest::new(session.clone(), stage.workspace());
    soon("session/load", stage.agent.load_session(request)).await.expect("loaded");
    assert_eq!(stage.screen().messages(), ["hello", "more"]);
    assert_eq!(stage.turn(&session, "say hello again").await.stop_reason, StopReason::EndTurn);
    stage.leave().await;
}

#[tokio::test]
async fn no_process_is_left_when_the_client_goes_in_mid_turn() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session: SessionId = stage.new_session().await;
    let _prompt = stage.prompt(&session, "run forever");
    stage.until(|update| matches!(update, SessionUpdate::ToolCall(_))).await;
    let ticks = stage.workspace().join("ticks");
    soon("a tick", async {
        while !ticks.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let all = descendants(stage.handle.id().expect("it runs"));
    assert!(!descendants(codex_of(&stage)).is_empty(), "the command runs");
    stage.leave().await;
    for pid in all {
        gone(pid).await;
    }
}
