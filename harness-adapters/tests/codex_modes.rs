//! The mode in which a session begins, and what a change of the mode leaves as the user has configured it.

mod codex;
mod support;

use std::path::{Path, PathBuf};

use acp_server::types::v1::{
    NewSessionRequest, NewSessionResponse, SessionConfigKind, SessionId, SessionUpdate, SetSessionConfigOptionRequest,
    SetSessionModeRequest,
};
use serde_json::{Value, json};
use support::{Harness, Setting, Stage, soon};

const SCRIPT: &str = r#"
    [[prompt]]
    match = "say hello"
    replies = [[{ say = "hello" }]]
    [[prompt]]
    match = "write it"
    replies = [[{ shell = "echo x > written" }], [{ say = "wrote" }]]
    [[prompt]]
    match = "talk forever"
    replies = [[{ endless = "tick ", every_ms = 20 }]]
"#;

/// A user who works in the workspace with some things otherwise.
const OWN: &str = r#"
    sandbox_mode = "workspace-write"
    [sandbox_workspace_write]
    network_access = true
    exclude_slash_tmp = true
    exclude_tmpdir_env_var = true
    writable_roots = ["/usr/local"]
"#;

/// A user with permission profiles.
const PROFILES: &str = r#"
    default_permissions = "mine"
    [permissions.mine]
    description = "As I like it"
    extends = ":workspace"
    [permissions.mine.network]
    enabled = true
    [permissions.look]
    extends = ":read-only"
"#;

async fn opened(stage: &Stage) -> NewSessionResponse {
    stage.opened(NewSessionRequest::new(stage.workspace())).await
}

fn mode(opened: &NewSessionResponse) -> String {
    opened.modes.as_ref().expect("modes").current_mode_id.to_string()
}

fn modes(opened: &NewSessionResponse) -> Vec<String> {
    opened.modes.as_ref().expect("modes").available_modes.iter().map(|mode| mode.id.to_string()).collect()
}

async fn set_mode(stage: &mut Stage, session: &SessionId, mode: &str) {
    let request = SetSessionModeRequest::new(session.clone(), mode.to_owned());
    soon("session/set_mode", stage.agent.set_session_mode(request)).await.expect("a mode");
}

/// With what the last turn ran, as Codex has written it down.
fn last_turn(stage: &Stage) -> Value {
    let mut files = Vec::new();
    rollouts(&stage.home().join(".codex/sessions"), &mut files);
    let [file] = &files[..] else { panic!("one session, not {files:?}") };
    let text = std::fs::read_to_string(file).expect("read");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut turns = lines.filter(|line| line["type"] == "turn_context");
    turns.next_back().expect("a turn")["payload"].take()
}

fn rollouts(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rollouts(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(path);
        }
    }
}

#[tokio::test]
async fn a_session_begins_as_the_user_has_configured() {
    for (config, expected) in [
        ("", "workspace-write"),
        ("approval_policy = \"on-request\"\n", "workspace-write"),
        ("approval_policy = \"never\"\n", "custom"),
        ("sandbox_mode = \"read-only\"\n", "read-only"),
        ("sandbox_mode = \"workspace-write\"\napprovals_reviewer = \"auto_review\"\n", "agent"),
        ("sandbox_mode = \"danger-full-access\"\napproval_policy = \"never\"\n", "agent-full-access"),
    ] {
        let stage = Stage::set(Setting::new(Harness::Codex, SCRIPT).config(config)).await;
        let opened = opened(&stage).await;
        assert_eq!(mode(&opened), expected, "{config}");
        stage.leave().await;
    }
}

#[tokio::test]
async fn an_option_and_an_argument_win_over_the_configuration() {
    let own = "sandbox_mode = \"workspace-write\"\n";
    let argument = ["--", "-c", "sandbox_mode=\"read-only\""];
    for (args, expected) in [
        (&["--mode", "agent"][..], "agent"),
        (&argument[..], "read-only"),
        (&["--mode", "agent-full-access", "--", "-c", "sandbox_mode=\"read-only\""][..], "agent-full-access"),
    ] {
        let setting = Setting::new(Harness::Codex, SCRIPT).config(own);
        let stage = Stage::set(args.iter().fold(setting, |setting, arg| setting.arg(arg))).await;
        assert_eq!(mode(&opened(&stage).await), expected, "{args:?}");
        stage.leave().await;
    }
    let stage = Stage::set(Setting::new(Harness::Codex, SCRIPT).arg("--mode").arg("no-such-mode")).await;
    let refused = soon("session/new", stage.agent.new_session(NewSessionRequest::new(stage.workspace()))).await;
    let message = refused.expect_err("there is none").to_string();
    assert!(message.contains("no-such-mode") && message.contains("workspace-write"), "{message}");
    stage.leave().await;
}

#[tokio::test]
async fn what_is_none_of_our_modes_can_be_left_and_comes_back() {
    let config = "sandbox_mode = \"workspace-write\"\napproval_policy = \"never\"\n";
    let mut stage = Stage::set(Setting::new(Harness::Codex, SCRIPT).config(config)).await;
    let opened = opened(&stage).await;
    assert_eq!(mode(&opened), "custom");
    let session = opened.session_id;
    set_mode(&mut stage, &session, "read-only").await;
    set_mode(&mut stage, &session, "custom").await;
    stage.turn(&session, "write it").await;
    assert!(stage.read("written").is_some());
    assert_eq!(last_turn(&stage)["approval_policy"], "never");
    stage.leave().await;
}

#[tokio::test]
async fn the_sandbox_of_the_user_comes_back_exactly() {
    let mut stage = Stage::set(Setting::new(Harness::Codex, SCRIPT).config(OWN)).await;
    let opened = opened(&stage).await;
    assert_eq!(mode(&opened), "workspace-write");
    let session = opened.session_id;
    let expected = json!({
        "type": "workspace-write", "writable_roots": ["/usr/local"], "network_access": true,
        "exclude_tmpdir_env_var": true, "exclude_slash_tmp": true,
    });
    stage.turn(&session, "say hello").await;
    assert_eq!(last_turn(&stage)["sandbox_policy"], expected);
    for other in ["read-only", "agent-full-access"] {
        set_mode(&mut stage, &session, other).await;
        stage.turn(&session, "say hello again").await;
        assert_ne!(last_turn(&stage)["sandbox_policy"], expected);
        set_mode(&mut stage, &session, "workspace-write").await;
        stage.turn(&session, "say hello once more").await;
        assert_eq!(last_turn(&stage)["sandbox_policy"], expected);
    }
    set_mode(&mut stage, &session, "read-only").await;
    stage.restart().await;
    let request = acp_server::types::v1::ResumeSessionRequest::new(session.clone(), stage.workspace());
    soon("session/resume", stage.agent.resume_session(request)).await.expect("resumed");
    set_mode(&mut stage, &session, "workspace-write").await;
    stage.turn(&session, "say hello at last").await;
    assert_eq!(last_turn(&stage)["sandbox_policy"], expected);
    stage.leave().await;
}

#[tokio::test]
async fn permission_profiles_of_the_user_are_modes() {
    let mut stage = Stage::set(Setting::new(Harness::Codex, SCRIPT).config(PROFILES)).await;
    let opened = opened(&stage).await;
    assert_eq!(mode(&opened), "profile:mine");
    let modes = modes(&opened);
    for expected in ["read-only", "workspace-write", "profile:mine", "profile:look"] {
        assert!(modes.iter().any(|mode| mode == expected), "{modes:?}");
    }
    let session = opened.session_id;
    set_mode(&mut stage, &session, "profile:look").await;
    stage.turn(&session, "write it").await;
    assert_eq!(stage.read("written"), None);
    assert_eq!(last_turn(&stage)["active_permission_profile"]["id"], "look");
    stage.restart().await;
    let request = acp_server::types::v1::ResumeSessionRequest::new(session.clone(), stage.workspace());
    let resumed = soon("session/resume", stage.agent.resume_session(request)).await.expect("resumed");
    assert_eq!(&*resumed.modes.expect("modes").current_mode_id.0, "profile:look");
    set_mode(&mut stage, &session, "profile:mine").await;
    stage.turn(&session, "write it again").await;
    assert!(stage.read("written").is_some());
    assert_eq!(last_turn(&stage)["active_permission_profile"]["id"], "mine");
    stage.leave().await;
}

#[tokio::test]
async fn additional_directories_can_be_written_with_a_permission_profile() {
    let outside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let written = outside.path().join("written");
    let script = format!(
        "[[prompt]]\nmatch = \"elsewhere\"\nreplies = [[{{ shell = \"echo x > {}\" }}], [{{ say = \"wrote\" }}]]\n",
        written.display()
    );
    let config = "default_permissions = \"mine\"\n[permissions.mine]\nextends = \":workspace\"\n\
                  [permissions.mine.filesystem]\n\":tmpdir\" = \"read\"\n\":slash_tmp\" = \"read\"\n";
    let stage = Stage::set(Setting::new(Harness::Codex, &script).config(config)).await;
    let request = NewSessionRequest::new(stage.workspace());
    let opened = stage.opened(request.additional_directories(vec![outside.path().to_owned()])).await;
    assert_eq!(mode(&opened), "profile:mine");
    stage.turn(&opened.session_id, "elsewhere").await;
    assert!(written.exists(), "{:?}", last_turn(&stage)["permission_profile"]);
    stage.leave().await;
}

/// The process of Codex.
fn codex_of(stage: &Stage) -> rustix::process::Pid {
    let program = support::harness("codex").canonicalize().expect("a path");
    let entries = std::fs::read_dir("/proc").expect("a /proc").filter_map(Result::ok);
    let is_ours = |pid: &i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let home = stage.home().join(".codex").display().to_string();
        std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program)
            && String::from_utf8_lossy(&environment).contains(&format!("CODEX_HOME={home}"))
    };
    let pid = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()).find(is_ours);
    rustix::process::Pid::from_raw(pid.expect("Codex runs")).expect("a pid")
}

#[tokio::test]
async fn what_was_chosen_is_in_force_again_after_codex_was_killed() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = opened(&stage).await.session_id;
    stage.turn(&session, "say hello").await;
    set_mode(&mut stage, &session, "read-only").await;
    for (option, value) in [("model", "gpt-5.6-luna"), ("reasoning_effort", "high")] {
        let request = SetSessionConfigOptionRequest::new(session.clone(), option, value);
        stage.agent.set_session_config_option(request).await.expect("a change");
    }
    let prompt = stage.prompt(&session, "talk forever");
    stage.events.said("tick").await;
    rustix::process::kill_process(codex_of(&stage), rustix::process::Signal::KILL).expect("killed");
    stage.answer(prompt).await.expect_err("a failure");
    stage.events.drain();
    stage.turn(&session, "write it").await;
    assert_eq!(stage.read("written"), None, "it is read-only");
    let turn = last_turn(&stage);
    assert_eq!((&turn["model"], &turn["effort"]), (&json!("gpt-5.6-luna"), &json!("high")));
    assert_eq!(turn["sandbox_policy"]["type"], "read-only");
    let told: Vec<String> = stage
        .events
        .updates()
        .iter()
        .filter_map(|update| match update {
            SessionUpdate::CurrentModeUpdate(mode) => Some(mode.current_mode_id.to_string()),
            SessionUpdate::ConfigOptionUpdate(options) => {
                let mut options = options.config_options.iter();
                let effort = options.find(|option| &*option.id.0 == "reasoning_effort")?;
                let SessionConfigKind::Select(select) = &effort.kind else { return None };
                Some(select.current_value.to_string())
            }
            _ => None,
        })
        .collect();
    for expected in ["read-only", "high"] {
        assert!(told.iter().any(|told| told == expected), "{told:?}");
    }
    stage.leave().await;
}
