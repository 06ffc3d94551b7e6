//! What goes wrong, and how a client gets to know.

mod codex;
mod support;

use acp_server::transport::child::{ChildSpec, Deadlines};
use acp_server::types::ErrorCode;
use acp_server::types::v1::{
    AuthenticateRequest, InitializeRequest, LogoutRequest, NewSessionRequest, ProtocolVersion, SessionUpdate,
    StopReason,
};
use acp_server::{CallError, Client};
use serde_json::Value;
use support::{Harness, Setting, Stage, soon};

/// The agent's error: code, message and data.
fn error(error: CallError) -> (ErrorCode, String, Value) {
    let CallError::Refused { error, .. } = error else { panic!("an error of the agent, not {error}") };
    let data = error.data().map(|data| serde_json::from_str(data.as_str()).expect("JSON"));
    (error.code(), error.message().into_owned(), data.unwrap_or_default())
}

/// A prompt that fails: its error and data. Nothing of it is said as the agent's text.
async fn failed(reply: &str) -> (ErrorCode, String, Value) {
    let script = format!(
        "[[prompt]]\nmatch = \"fail\"\nreplies = [[{reply}]]\nrepeat = true\n\n[[prompt]]\nmatch = \"say hello\"\nreplies = [[{{ say = \"hello\" }}]]"
    );
    let mut stage = Stage::codex(&script).await;
    let session = stage.new_session().await;
    let answer = stage.answer(stage.prompt(&session, "fail")).await;
    let failure = error(answer.expect_err("a failure"));
    assert!(stage.screen().messages().is_empty(), "an error is no text");
    stage.turn(&session, "say hello").await;
    assert_eq!(stage.screen().messages(), ["hello"]);
    stage.leave().await;
    failure
}

#[tokio::test]
async fn a_bad_request_has_its_cause_in_the_data() {
    let (code, message, data) = failed(r#"{ status = 400, message = "no such thing" }"#).await;
    assert_eq!(code, ErrorCode::INTERNAL_ERROR);
    assert!(message.contains("no such thing"), "{message}");
    assert_eq!(data["kind"], "model");
    assert_eq!(data["providerError"]["error"]["message"], "no such thing");
    assert_eq!(data["codexErrorInfo"], "other");
}

#[tokio::test]
async fn a_missing_key_asks_for_a_login() {
    let (code, message, data) = failed(r#"{ status = 401, message = "bad key" }"#).await;
    assert_eq!(code, ErrorCode::AUTH_REQUIRED);
    assert!(message.contains("log in"), "{message}");
    assert_eq!(data["httpStatus"], 401);
}

#[tokio::test]
async fn too_many_requests_say_so() {
    let (.., data) = failed(r#"{ status = 429, message = "slow down" }"#).await;
    assert_eq!(data["httpStatus"], 429);
}

#[tokio::test]
async fn a_server_that_fails_ends_the_turn_in_bounded_time() {
    let (.., data) = failed(r#"{ status = 500, message = "broken" }"#).await;
    assert_eq!(data["codexErrorInfo"], "internalServerError");
}

/// A provider whose port refuses connections.
const NOBODY: [&str; 3] = ["--", "-c", "model_providers.mock.base_url=\"http://127.0.0.1:9/v1\""];

#[tokio::test]
async fn a_model_that_cannot_be_reached_is_told_of_at_once_and_given_up_in_time() {
    let mut setting = Setting::new(Harness::Codex, "").env("ACP_HARNESS_GIVE_UP_SECS", "3");
    setting.args.extend(NOBODY.map(str::to_owned));
    let mut stage = Stage::set(setting).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "say hello");
    // This client has no capability at all.
    let thought = stage.until(|update| matches!(update, SessionUpdate::AgentThoughtChunk(_))).await;
    let screen = codex::Screen::of(&thought);
    assert!(screen.texts[0].2.contains("Connection failed"), "{screen:#?}");
    assert!(!prompt.is_finished(), "it is told while it is tried");
    let (_, message, data) = error(stage.answer(prompt).await.expect_err("a failure"));
    assert!(message.contains("3 s") && message.contains("check the network"), "{message}");
    assert_eq!(data["kind"], "model");
    stage.leave().await;
}

#[tokio::test]
async fn a_turn_that_waits_for_the_network_can_be_stopped() {
    let mut setting = Setting::new(Harness::Codex, "");
    setting.args.extend(NOBODY.map(str::to_owned));
    let mut stage = Stage::set(setting).await;
    let session = stage.new_session().await;
    let prompt = stage.prompt(&session, "say hello");
    stage.until(|update| matches!(update, SessionUpdate::AgentThoughtChunk(_))).await;
    stage.cancel(&session).await;
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    stage.leave().await;
}

#[tokio::test]
async fn a_full_context_says_what_to_do() {
    let (_, message, data) = failed(r#"{ failed = "context_length_exceeded" }"#).await;
    assert!(message.contains("/compact"), "{message}");
    assert_eq!(data["codexErrorInfo"], "contextWindowExceeded");
}

#[tokio::test]
async fn a_limit_of_the_output_is_a_stop_reason() {
    let script = r#"
        [[prompt]]
        match = "too long"
        replies = [[{ say = "a lot" }, { incomplete = "max_output_tokens" }]]
    "#;
    let mut stage = Stage::codex(script).await;
    let session = stage.new_session().await;
    assert_eq!(stage.turn(&session, "too long").await.stop_reason, StopReason::MaxTokens);
    assert_eq!(stage.screen().messages(), ["a lot"]);
    stage.leave().await;
}

#[tokio::test]
async fn after_a_dropped_stream_the_answer_is_a_message_of_its_own() {
    let script = r#"
        [[prompt]]
        match = "drop it"
        replies = [[{ say = "Hel" }, { pause_ms = 200 }, { drop = true }], [{ say = "Hello" }]]
    "#;
    let mut stage = Stage::codex(script).await;
    let session = stage.new_session().await;
    stage.turn(&session, "drop it").await;
    let messages: Vec<_> = stage.screen().texts.into_iter().filter(|text| text.0 == "message").collect();
    assert_eq!(messages.last().map(|message| message.2.as_str()), Some("Hello"));
    let mut ids: Vec<_> = messages.iter().map(|message| message.1.clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), messages.len(), "{messages:?}");
    stage.leave().await;
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let stage = Stage::codex("").await;
    let refused = stage.agent.new_session(NewSessionRequest::new("/nowhere/at/all")).await;
    let (code, message, _) = error(refused.expect_err("a failure"));
    assert_eq!(code, ErrorCode::INVALID_PARAMS);
    assert!(message.contains("/nowhere/at/all"), "{message}");
    stage.leave().await;
}

/// Starts a session with another program in place of Codex.
async fn opened_with(program: &str) -> (ErrorCode, String, Value) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let file = directory.path().join("codex");
    if !program.is_empty() {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(&file, program).expect("write");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    }
    let spec = ChildSpec::new(env!("CARGO_BIN_EXE_acp-harness")).arg("codex").arg("--program").arg(&file);
    let (transport, mut handle) = spec.spawn().await.expect("start acp-harness");
    let agent = acp_server::connect(Nobody, transport);
    soon("initialize", agent.initialize(InitializeRequest::new(ProtocolVersion::V1))).await.expect("initialized");
    let opened = soon("session/new", agent.new_session(NewSessionRequest::new(directory.path()))).await;
    let failure = error(opened.expect_err("a failure"));
    agent.close().await;
    soon("its end", handle.shutdown(Deadlines::default())).await;
    failure
}

/// A client that is asked nothing.
struct Nobody;

impl Client for Nobody {}

#[tokio::test]
async fn a_program_that_is_missing_or_too_old_says_what_to_do() {
    let (_, message, data) = opened_with("").await;
    assert!(message.contains("npm install"), "{message}");
    assert_eq!(data["kind"], "unavailable");
    let old = "#!/bin/sh\nread line\nid=$(echo \"$line\" | sed 's/.*\"id\":\"\\([^\"]*\\)\".*/\\1/')\n\
               echo \"{\\\"id\\\":\\\"$id\\\",\\\"result\\\":{\\\"userAgent\\\":\\\"acp-harness/0.42.0 (x)\\\"}}\"\nread line\n";
    let (_, message, data) = opened_with(old).await;
    assert!(message.contains("0.42.0") && message.contains("npm install"), "{message}");
    assert_eq!(data["version"], "0.42.0");
}

#[tokio::test]
async fn a_program_that_breaks_off_shows_its_last_words() {
    let (.., data) = opened_with("#!/bin/sh\necho 'cannot read my configuration' >&2\nexit 7\n").await;
    assert!(data["stderr"].as_str().expect("last words").contains("cannot read my configuration"), "{data}");
    assert_eq!(data["exitCode"], 7);
}

#[tokio::test]
async fn without_a_login_a_session_says_how_to_log_in() {
    let mut setting = Setting::new(Harness::Codex, "");
    setting.args.extend(["--", "-c", "model_provider=openai"].map(str::to_owned));
    let stage = Stage::set(setting).await;
    let methods: Vec<_> = stage.about.auth_methods.iter().map(|method| method.id().0.to_string()).collect();
    assert_eq!(methods, ["chatgpt", "api-key"]);
    let refused = stage.agent.new_session(NewSessionRequest::new(stage.workspace())).await;
    let (code, message, _) = error(refused.expect_err("nobody is logged in"));
    assert_eq!(code, ErrorCode::AUTH_REQUIRED);
    assert!(message.contains("codex login"), "{message}");

    let meta = serde_json::Map::from_iter([("api-key".to_owned(), "test-key".into())]);
    let request = AuthenticateRequest::new("api-key").meta(meta);
    soon("authenticate", stage.agent.authenticate(request)).await.expect("logged in");
    stage.new_session().await;
    assert!(!stage.handle.stderr_tail().contains("test-key"));
    soon("logout", stage.agent.logout(LogoutRequest::new())).await.expect("logged out");
    stage.agent.new_session(NewSessionRequest::new(stage.workspace())).await.expect_err("nobody is logged in");
    stage.leave().await;
}

#[tokio::test]
async fn a_configuration_that_cannot_be_read_is_no_missing_login() {
    for (lines, line, text) in [
        ("sandbox_mode = \n", 3, "string values must be quoted"),
        ("sandbox_mode = \"no-such-mode\"\n", 3, "unknown variant `no-such-mode`"),
        ("[mcp_servers.a]\ncommand = 5\n", 4, "invalid type: integer `5`"),
    ] {
        let stage = Stage::set(Setting::new(Harness::Codex, "").config(lines)).await;
        let refused = soon("session/new", stage.agent.new_session(NewSessionRequest::new(stage.workspace()))).await;
        let (code, message, data) = error(refused.expect_err("it cannot be read"));
        assert_eq!(code, ErrorCode::INTERNAL_ERROR, "{message}");
        let file = stage.home().join(".codex/config.toml").display().to_string();
        assert!(message.contains(&file) && message.contains(text) && !message.contains("logged in"), "{message}");
        assert_eq!((data["file"].as_str(), data["line"].as_u64()), (Some(&*file), Some(line)), "{message}");
        // Mended, it is read without another start.
        let config = std::fs::read_to_string(&file).expect("read").replace(lines, "");
        std::fs::write(&file, config).expect("write");
        stage.new_session().await;
        stage.leave().await;
    }
}
