//! MCP servers that the client brings, over stdio and HTTP, with real tools behind them.

mod support;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use acp_server::types::v1::{
    EnvVariable, HttpHeader, McpServer, McpServerHttp, McpServerStdio, NewSessionRequest, PermissionOptionKind,
    SessionId, StopReason,
};
use support::{Harness, Setting, Stage};

const SCRIPT: &str = r#"
    [[prompt]]
    match = "ping"
    replies = [[{ mcp = "demo.ping", arguments = { n = 1 } }], [{ say = "ponged" }]]
"#;

fn server() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp_server.mjs"))
}

fn over_stdio() -> McpServer {
    let mut stdio = McpServerStdio::new("demo", "/usr/bin/env");
    stdio.args = vec!["node".to_owned(), server().display().to_string()];
    stdio.env = vec![EnvVariable::new("WORD", "test-secret")];
    McpServer::Stdio(stdio)
}

/// A server over HTTP, killed when dropped.
struct Http(Child, McpServer);

impl Http {
    fn start() -> Self {
        let mut child = Command::new("node")
            .arg(server())
            .arg("http")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is needed");
        let mut port = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut port).expect("a port");
        let mut http = McpServerHttp::new("demo", format!("http://127.0.0.1:{}/mcp", port.trim()));
        http.headers = vec![HttpHeader::new("x-word", "test-secret")];
        Self(child, McpServer::Http(http))
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn with(harness: Harness, server: McpServer) -> (Stage, SessionId) {
    let stage = Stage::set(Setting::new(harness, SCRIPT)).await;
    let request = NewSessionRequest::new(stage.workspace()).mcp_servers(vec![server]);
    let session = stage.opened(request).await.session_id;
    (stage, session)
}

/// The tool asks, runs, shows its answer, and its secret is on no command line.
async fn asked_and_run(harness: Harness, server: McpServer) {
    let (mut stage, session) = with(harness, server).await;
    let prompt = stage.prompt(&session, "ping");
    stage.events.asked().await.choose(PermissionOptionKind::AllowOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    let shown = format!("{:?}", stage.events.updates());
    assert!(shown.contains("pong test-secret") && shown.contains("ponged"), "{shown}");
    let commands = std::fs::read_dir("/proc").expect("a /proc").filter_map(Result::ok);
    let lines = commands.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok());
    assert!(!lines.into_iter().any(|line| line.contains("test-secret")), "a secret on a command line");
    stage.leave().await;
}

/// A tool that is refused does not run, and the turn goes on.
async fn refused(harness: Harness) {
    let (mut stage, session) = with(harness, over_stdio()).await;
    let prompt = stage.prompt(&session, "ping");
    stage.events.asked().await.choose(PermissionOptionKind::RejectOnce);
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    let shown = format!("{:?}", stage.events.updates());
    assert!(!shown.contains("pong test-secret") && shown.contains("ponged"), "{shown}");
    stage.leave().await;
}

#[tokio::test]
async fn codex_calls_a_tool_over_http() {
    let http = Http::start();
    asked_and_run(Harness::Codex, http.1.clone()).await;
}

#[tokio::test]
async fn codex_goes_on_without_a_tool_that_is_refused() {
    refused(Harness::Codex).await;
}

#[tokio::test]
async fn claude_calls_a_tool_over_stdio() {
    asked_and_run(Harness::Claude, over_stdio()).await;
}

#[tokio::test]
async fn claude_calls_a_tool_over_http() {
    let http = Http::start();
    asked_and_run(Harness::Claude, http.1.clone()).await;
}

#[tokio::test]
async fn claude_goes_on_without_a_tool_that_is_refused() {
    refused(Harness::Claude).await;
}
