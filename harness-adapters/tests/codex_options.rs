//! What a client can choose and pass on: modes, options, system prompt, images, MCP servers, directories.

mod codex;
mod support;

use acp_server::types::v1::{
    ContentBlock, EmbeddedResource, EmbeddedResourceResource, EnvVariable, ImageContent, LoadSessionRequest, McpServer,
    McpServerStdio, NewSessionRequest, PromptRequest, ResourceLink, SessionConfigKind, SessionConfigOption,
    SessionConfigSelectOptions, SessionUpdate, SetSessionConfigOptionRequest, SetSessionModeRequest, StopReason,
    TextResourceContents, ToolCallStatus,
};
use serde_json::{Map, Value, json};
use support::{Stage, soon};

const SCRIPT: &str = r#"
    [[prompt]]
    match = "say hello"
    replies = [[{ say = "hello" }]]
    [[prompt]]
    match = "write it"
    replies = [[{ shell = "echo x > written" }], [{ say = "wrote" }]]
    [[prompt]]
    match = "ping"
    replies = [[{ mcp = "demo.ping", arguments = { n = 1 } }], [{ say = "ponged" }]]
    [[prompt]]
    match = "elsewhere"
    replies = [[{ shell = "echo x > \"$(cat where)/written\"" }], [{ say = "wrote" }]]
"#;

fn current(options: &[SessionConfigOption], id: &str) -> String {
    let option = options.iter().find(|option| &*option.id.0 == id).unwrap_or_else(|| panic!("no {id}"));
    let SessionConfigKind::Select(select) = &option.kind else { panic!("a choice") };
    select.current_value.to_string()
}

/// What the model was asked last.
fn last_request(stage: &Stage) -> Value {
    stage.model.requests().pop().expect("a request")["body"].clone()
}

#[tokio::test]
async fn new_sessions_ask_the_user_and_can_be_changed() {
    let stage = Stage::codex(SCRIPT).await;
    let opened = stage.opened(NewSessionRequest::new(stage.workspace())).await;
    let session = opened.session_id;
    let modes = opened.modes.expect("modes");
    assert_eq!(&*modes.current_mode_id.0, "workspace-write");
    let options = opened.config_options.expect("options");
    assert_eq!(current(&options, "mode"), "workspace-write");
    assert_eq!(current(&options, "model"), "gpt-5.5");

    let change = SetSessionConfigOptionRequest::new(session.clone(), "model", "gpt-5.6-luna");
    let options = stage.agent.set_session_config_option(change).await.expect("a change").config_options;
    assert_eq!(current(&options, "model"), "gpt-5.6-luna");
    let change = SetSessionConfigOptionRequest::new(session.clone(), "reasoning_effort", "high");
    let options = stage.agent.set_session_config_option(change).await.expect("a change").config_options;
    assert_eq!(current(&options, "reasoning_effort"), "high");
    stage.turn(&session, "say hello").await;
    let request = last_request(&stage);
    assert_eq!((&request["model"], &request["reasoning"]["effort"]), (&json!("gpt-5.6-luna"), &json!("high")));

    let unknown = SetSessionConfigOptionRequest::new(session.clone(), "model", "no-such-model");
    stage.agent.set_session_config_option(unknown).await.expect_err("there is none");
    let unknown = SetSessionModeRequest::new(session.clone(), "no-such-mode");
    stage.agent.set_session_mode(unknown).await.expect_err("there is none");
    stage.leave().await;
}

/// The efforts that can be chosen.
fn efforts(options: &[SessionConfigOption]) -> Vec<String> {
    let option = options.iter().find(|option| &*option.id.0 == "reasoning_effort").expect("an effort");
    let SessionConfigKind::Select(select) = &option.kind else { panic!("a choice") };
    let SessionConfigSelectOptions::Ungrouped(values) = &select.options else { panic!("a plain list") };
    values.iter().map(|value| value.value.to_string()).collect()
}

#[tokio::test]
async fn every_session_offers_the_efforts_of_its_model() {
    let mut stage = Stage::codex(SCRIPT).await;
    let opened = stage.opened(NewSessionRequest::new(stage.workspace())).await;
    let options = opened.config_options.expect("options");
    let (of_first, session) = (efforts(&options), opened.session_id);
    assert!(of_first.contains(&current(&options, "reasoning_effort")) && of_first.len() > 1, "{options:#?}");
    let change = SetSessionConfigOptionRequest::new(session.clone(), "model", "gpt-5.6-luna");
    let options = stage.agent.set_session_config_option(change).await.expect("a change").config_options;
    let of_second = efforts(&options);
    assert_ne!(of_first, of_second, "the efforts are those of the model");
    assert!(of_second.contains(&current(&options, "reasoning_effort")), "{options:#?}");
    for effort in of_second {
        let change = SetSessionConfigOptionRequest::new(session.clone(), "reasoning_effort", effort.as_str());
        let options = stage.agent.set_session_config_option(change).await.expect("a change").config_options;
        assert_eq!(current(&options, "reasoning_effort"), effort);
    }
    stage.turn(&session, "say hello").await;
    stage.restart().await;
    let loaded = stage.agent.load_session(LoadSessionRequest::new(session, stage.workspace())).await.expect("loaded");
    assert!(efforts(&loaded.config_options.expect("options")).len() > 1);
    stage.leave().await;
}

#[tokio::test]
async fn a_mode_decides_what_runs_without_asking() {
    let mut stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let request = SetSessionModeRequest::new(session.clone(), "read-only");
    stage.agent.set_session_mode(request).await.expect("a mode");
    stage.until(|update| matches!(update, SessionUpdate::CurrentModeUpdate(mode) if &*mode.current_mode_id.0 == "read-only")).await;
    stage.turn(&session, "write it").await;
    assert_eq!(stage.read("written"), None);
    let request = SetSessionModeRequest::new(session.clone(), "agent-full-access");
    stage.agent.set_session_mode(request).await.expect("a mode");
    stage.turn(&session, "write it again").await;
    assert_eq!(stage.read("written").as_deref(), Some("x\n"));
    stage.leave().await;
}

#[tokio::test]
async fn additional_directories_can_be_written() {
    let outside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let stage = Stage::codex(SCRIPT).await;
    stage.write("where", &outside.path().display().to_string());
    let request = NewSessionRequest::new(stage.workspace());
    let session = stage.opened(request.additional_directories(vec![outside.path().to_owned()])).await.session_id;
    stage.turn(&session, "elsewhere").await;
    assert!(outside.path().join("written").exists(), "{:?}", last_request(&stage)["input"]);
    stage.leave().await;
}

#[tokio::test]
async fn a_system_prompt_replaces_or_is_appended() {
    let stage = Stage::codex(SCRIPT).await;
    for (prompt, text) in
        [(json!("Replace: be brief"), "Replace: be brief"), (json!({ "append": "Append: be kind" }), "Append: be kind")]
    {
        let meta = Map::from_iter([("systemPrompt".to_owned(), prompt)]);
        let session = stage.opened(NewSessionRequest::new(stage.workspace()).meta(meta)).await.session_id;
        stage.turn(&session, &format!("say hello with {text}")).await;
        let request = last_request(&stage);
        // The instructions come first, unless they are left away; then what the client adds.
        let input = request["input"].as_array().expect("input");
        let developer: Vec<_> = input.iter().filter(|item| item["role"] == "developer").collect();
        assert!(developer.iter().any(|item| item["content"].to_string().contains(text)), "{developer:#?}");
        let replaced = developer[0]["content"][0]["text"] == text;
        assert_eq!(replaced, text.starts_with("Replace"), "{developer:#?}");
    }
    stage.leave().await;
}

#[tokio::test]
async fn images_and_context_reach_the_model() {
    let stage = Stage::codex(SCRIPT).await;
    let session = stage.new_session().await;
    let resource = TextResourceContents::new("fn main() {}", "file:///ws/main.rs");
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let prompt = vec![
        ContentBlock::from("say hello"),
        ContentBlock::Image(ImageContent::new(pixel, "image/png")),
        ContentBlock::Resource(EmbeddedResource::new(EmbeddedResourceResource::TextResourceContents(resource))),
        ContentBlock::ResourceLink(ResourceLink::new("lib.rs", "file:///ws/src/lib%20a.rs")),
    ];
    let answer = soon("an answer", stage.agent.prompt(PromptRequest::new(session, prompt))).await;
    assert_eq!(answer.expect("an answer").stop_reason, StopReason::EndTurn);
    let request = last_request(&stage).to_string();
    for part in ["data:image/png;base64,", "fn main() {}", "file:///ws/main.rs", "/ws/src/lib a.rs"] {
        assert!(request.contains(part), "{part}");
    }
    stage.leave().await;
}

/// An MCP server with one tool, which answers with a variable of its environment.
const SERVER: &str = r#"
while read -r line; do
  id=$(echo "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case "$line" in
    *'"initialize"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"demo","version":"1"}}}';;
    *'"tools/list"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"tools":[{"name":"ping","description":"Ping","inputSchema":{"type":"object","properties":{"n":{"type":"integer"}}}}]}}';;
    *'"tools/call"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"content":[{"type":"text","text":"pong '$WORD'"}]}}';;
  esac
done
"#;

#[tokio::test]
async fn tools_of_mcp_servers_ask_and_answer() {
    let mut stage = Stage::codex(SCRIPT).await;
    let script = stage.write("server.sh", SERVER);
    let mut server = McpServerStdio::new("demo", "/bin/sh");
    server.args = vec![script.display().to_string()];
    server.env = vec![EnvVariable::new("WORD", "test-secret")];
    let request = NewSessionRequest::new(stage.workspace()).mcp_servers(vec![McpServer::Stdio(server)]);
    let session = stage.opened(request).await.session_id;
    let prompt = stage.prompt(&session, "ping");
    let (asked, mut updates) = stage.asked().await;
    asked.choose_named("for this session");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    updates.extend(stage.events.updates());
    let screen = codex::Screen::of(&updates);
    screen.assert_closed();
    assert_eq!(screen.output("demo.ping"), "pong test-secret");
    assert_eq!(screen.call("demo.ping").status, ToolCallStatus::Completed);
    // Nobody answers a question here.
    stage.turn(&session, "ping again").await;
    let commands = std::fs::read_dir("/proc").expect("a /proc").filter_map(Result::ok);
    let lines = commands.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok());
    assert!(!lines.into_iter().any(|line| line.contains("test-secret")), "a secret on a command line");
    stage.leave().await;
}
