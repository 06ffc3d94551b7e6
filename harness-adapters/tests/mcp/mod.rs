//! A real MCP server that a client brings along.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use acp_server::types::v1::{
    ClientCapabilities, ClientSessionCapabilities, CreateElicitationResponse, ElicitationAcceptAction,
    ElicitationAction, ElicitationCapabilities, ElicitationContentValue, ElicitationFormCapabilities, EnvVariable,
    HttpHeader, McpServer, McpServerHttp, McpServerStdio, NewSessionRequest, NoticeCapabilities, SessionUpdate,
};

use crate::support::{Asked, Event, Events, Form, Stage};

/// What the server is called.
pub(crate) const NAME: &str = "demo";

/// A model that uses it.
pub(crate) const SCRIPT: &str = r#"
    [[prompt]]
    match = "hello"
    replies = [[{ say = "Hello." }]]
    [[prompt]]
    match = "ping it"
    replies = [[{ mcp = "demo.ping", arguments = { text = "one" } }], [{ say = "done" }]]
    [[prompt]]
    match = "ping twice"
    replies = [
      [{ mcp = "demo.ping", arguments = { text = "one" } }],
      [{ mcp = "demo.ping", arguments = { text = "one" } }],
      [{ say = "done" }],
    ]
    [[prompt]]
    match = "ping both"
    replies = [
      [{ mcp = "demo.ping", arguments = { text = "one" } }, { mcp = "demo.ping", arguments = { text = "two" } }],
      [{ say = "done" }],
    ]
    [[prompt]]
    match = "the secret"
    replies = [[{ mcp = "demo.secret", arguments = {} }], [{ say = "done" }]]
    [[prompt]]
    match = "fail it"
    replies = [[{ mcp = "demo.fail", arguments = {} }], [{ say = "a pity" }]]
    [[prompt]]
    match = "who am I"
    replies = [[{ mcp = "demo.ask", arguments = {} }], [{ say = "done" }]]
"#;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/server.mjs")
}

/// The program that runs the server.
fn node() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("node")).find(|node| node.is_file());
    found.expect("node is missing: install Node.js, as `cargo xtask test` needs it too")
}

/// A text that is on no command line by chance.
pub(crate) fn secret(stage: &Stage) -> String {
    format!("test-secret-{}", mark(stage))
}

/// What is on the command line of a stage's server and of nothing else.
fn mark(stage: &Stage) -> String {
    stage.directory.path().file_name().expect("a name").to_string_lossy().replace('.', "")
}

/// The server over stdio, with a secret in its environment.
pub(crate) fn stdio(stage: &Stage) -> McpServer {
    let args = vec![source().display().to_string(), format!("--mark={}", mark(stage))];
    let env = vec![EnvVariable::new("MCP_SECRET", secret(stage))];
    McpServer::Stdio(McpServerStdio::new(NAME, node()).args(args).env(env))
}

/// A session with servers.
pub(crate) fn session(stage: &Stage, servers: Vec<McpServer>) -> NewSessionRequest {
    NewSessionRequest::new(stage.workspace()).mcp_servers(servers)
}

/// The server over HTTP; ends when dropped.
pub(crate) struct Http {
    process: Child,
    url: String,
}

impl Http {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(node())
            .arg(source())
            .arg("--http")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the server");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let listening: serde_json::Value = serde_json::from_str(&line).expect("a URL");
        Self { process, url: listening["url"].as_str().expect("a URL").to_owned() }
    }

    /// As a client names it, with a secret in a header.
    pub(crate) fn server(&self, stage: &Stage) -> McpServer {
        let headers = vec![HttpHeader::new("x-secret", secret(stage))];
        McpServer::Http(McpServerHttp::new(NAME, &self.url).headers(headers))
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the server's tool says if the secret got there.
pub(crate) fn told(stage: &Stage) -> String {
    format!("backwards: {}", secret(stage).chars().rev().collect::<String>())
}

/// The secret is on no command line, and in no file of the home and the workspace.
#[track_caller]
pub(crate) fn assert_secret(stage: &Stage) {
    let secret = secret(stage);
    for line in command_lines() {
        assert!(!line.contains(&secret), "{line}");
    }
    for file in files(&stage.home()).into_iter().chain(files(&stage.workspace())) {
        let text = std::fs::read(&file).unwrap_or_default();
        let found = text.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "the secret is in {}", file.display());
    }
    assert!(!stage.handle.stderr_tail().contains(&secret), "the secret is on stderr");
}

/// How many servers of this stage run on stdio.
pub(crate) fn running(stage: &Stage) -> usize {
    running_with(&format!("--mark={}", mark(stage)))
}

/// Ends the stage; its servers are gone with it.
pub(crate) async fn leave(stage: Stage) {
    let mark = format!("--mark={}", mark(&stage));
    stage.leave().await;
    assert_eq!(running_with(&mark), 0, "servers are left");
}

fn running_with(mark: &str) -> usize {
    command_lines().iter().filter(|line| line.split('\0').any(|word| word == mark)).count()
}

fn command_lines() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").expect("a process list").flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}

/// All files in a folder and below.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// A client with forms.
pub(crate) fn forms() -> ClientCapabilities {
    let form = ElicitationCapabilities::new().form(ElicitationFormCapabilities::new());
    ClientCapabilities::new().elicitation(form)
}

/// A client with notices.
pub(crate) fn notices() -> ClientCapabilities {
    let session = ClientSessionCapabilities::new().notices(NoticeCapabilities::new());
    ClientCapabilities::new().session(session)
}

/// How many notices name something.
pub(crate) fn notices_about(updates: &[SessionUpdate], what: &str) -> usize {
    let about = |update: &&SessionUpdate| match update {
        SessionUpdate::Notice(notice) => serde_json::to_string(notice).is_ok_and(|text| text.contains(what)),
        _ => false,
    };
    updates.iter().filter(about).count()
}

/// The form, if it is one.
pub(crate) fn form(event: Event) -> Option<Form> {
    if let Event::Form(form) = event { Some(form) } else { None }
}

/// A form that is filled in.
pub(crate) fn filled_in() -> CreateElicitationResponse {
    let content = BTreeMap::from([
        ("name".to_owned(), ElicitationContentValue::String("Ada".to_owned())),
        ("age".to_owned(), ElicitationContentValue::Integer(36)),
        ("sure".to_owned(), ElicitationContentValue::Boolean(true)),
    ]);
    CreateElicitationResponse::new(ElicitationAction::Accept(ElicitationAcceptAction::new().content(content)))
}

/// The next permission request, and the updates before it.
pub(crate) async fn asked(events: &mut Events) -> (Asked, Vec<SessionUpdate>) {
    let mut updates = Vec::new();
    loop {
        match events.next().await {
            Event::Update(_, update) => updates.push(*update),
            Event::Asked(asked) => return (asked, updates),
            other => panic!("a question, not {other:?}"),
        }
    }
}
