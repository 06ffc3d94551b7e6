//! An official adapter on stage, and what a client reads from it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use acp_server::types::v1::{
    ContentBlock, ContentChunk, EnvVariable, ListSessionsRequest, LoadSessionRequest, McpServer, McpServerStdio,
    NewSessionRequest, PermissionOptionKind, SessionId, SessionUpdate, SetSessionModeRequest, ToolCall,
};
use acp_server::types::{ErrorCode, RawBuf};
use acp_server::{AgentPeer, CallError};
use serde_json::{Value, json};

use crate::support::{Harness, Setting, Stage, soon};

/// Short answers, one that waits, one that never ends, and a call of a tool.
pub(crate) const TALK: &str = r#"
    [[prompt]]
    match = "hello"
    repeat = true
    replies = [[{ say = "Hello." }]]

    [[prompt]]
    match = "first"
    replies = [[{ say = "One" }, { wait = "gate" }, { say = "." }]]

    [[prompt]]
    match = "second"
    repeat = true
    replies = [[{ say = "Two." }]]

    [[prompt]]
    match = "talk"
    replies = [[{ endless = "tick ", every_ms = 20 }]]

    [[prompt]]
    match = "ping"
    replies = [[{ mcp = "demo.ping", arguments = { n = 1 } }], [{ say = "ponged" }]]

    [usage]
    input = 1200
    output = 40
"#;

/// The official adapter of a harness with what it needs to start here.
pub(crate) fn setting(harness: Harness, script: &str) -> Setting {
    let setting = Setting::new(harness, script).official();
    setting.env("IS_SANDBOX", "1").env("NO_BROWSER", "1").env("MODEL_PROVIDER", "mock")
}

/// Opens a session in a mode.
pub(crate) async fn session_in(stage: &Stage, mode: &str) -> SessionId {
    let session = stage.new_session().await;
    let request = SetSessionModeRequest::new(session.clone(), mode.to_owned());
    soon("session/set_mode", stage.agent.set_session_mode(request)).await.expect("a mode");
    session
}

/// Replays a session to whoever is connected.
pub(crate) async fn load(agent: &AgentPeer, stage: &Stage, session: &SessionId) -> Result<(), CallError> {
    let request = LoadSessionRequest::new(session.clone(), stage.workspace());
    soon("session/load", agent.load_session(request)).await.map(drop)
}

/// The sessions of the workspace.
pub(crate) async fn listed(stage: &Stage) -> Vec<SessionId> {
    let request = ListSessionsRequest::new().cwd(stage.workspace());
    let listed = soon("session/list", stage.agent.list_sessions(request)).await.expect("a list");
    listed.sessions.into_iter().map(|session| session.session_id).collect()
}

/// Waits until Claude Code has written these words into the record of a session, which it does some time later.
pub(crate) async fn written(stage: &Stage, session: &SessionId, words: &str) {
    let records = stage.home().join(".claude/projects");
    let name = format!("{}.jsonl", session.0);
    let is_written = || {
        let projects = std::fs::read_dir(&records).ok()?.flatten();
        let mut found = projects.filter_map(|project| std::fs::read_to_string(project.path().join(&name)).ok());
        found.any(|record| record.contains(words)).then_some(())
    };
    soon("a record", async {
        while is_written().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Code and message of an error that the agent answered with.
pub(crate) fn refused(error: CallError) -> (ErrorCode, String) {
    match error {
        CallError::Refused { error, .. } => (error.code(), error.message().into_owned()),
        other => panic!("an error of the agent, not {other}"),
    }
}

/// Puts words into the turn that runs: what became of them.
pub(crate) async fn steer(stage: &Stage, session: &SessionId, text: &str) -> Result<Value, CallError> {
    let params = json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] });
    let params = RawBuf::encode(&params).expect("JSON");
    let answer = soon("steering", stage.agent.peer().call_raw("_session/steering", params)).await?;
    Ok(answer.raw().decode::<Value>().expect("JSON")["outcome"].clone())
}

fn text_of(chunk: &ContentChunk) -> String {
    match &chunk.content {
        ContentBlock::Text(text) => text.text.clone(),
        other => format!("{other:?}"),
    }
}

/// The agent's words, all together.
pub(crate) fn texts(updates: &[SessionUpdate]) -> String {
    messages(updates).into_iter().map(|(_, text)| text).collect()
}

/// The agent's messages with their ids; words without an id are a message of their own.
pub(crate) fn messages(updates: &[SessionUpdate]) -> Vec<(Option<String>, String)> {
    let mut messages: Vec<(Option<String>, String)> = Vec::new();
    for update in updates {
        let SessionUpdate::AgentMessageChunk(chunk) = update else { continue };
        let id = chunk.message_id.as_ref().map(|id| id.0.to_string());
        match messages.last_mut() {
            Some(last) if last.0 == id && id.is_some() => last.1.push_str(&text_of(chunk)),
            _ => messages.push((id, text_of(chunk))),
        }
    }
    messages
}

/// The tool calls as they are at the end, in the order in which they were opened.
pub(crate) fn calls(updates: &[SessionUpdate]) -> Vec<ToolCall> {
    let mut calls: Vec<ToolCall> = Vec::new();
    for update in updates {
        match update {
            SessionUpdate::ToolCall(call) => calls.push(call.clone()),
            SessionUpdate::ToolCallUpdate(update) => {
                let known = calls.iter_mut().find(|call| call.tool_call_id == update.tool_call_id);
                known.expect("a call that was opened").update(update.fields.clone());
            }
            _ => {}
        }
    }
    calls
}

/// The updates as they are on the wire.
pub(crate) fn wire(updates: &[SessionUpdate]) -> String {
    serde_json::to_string(updates).expect("JSON")
}

/// The last request of the conversation itself, without titles and the like.
pub(crate) fn last_request(stage: &Stage) -> String {
    let requests = stage.model.requests();
    let last = requests.iter().rev().find(|request| request["side"].is_null());
    last.expect("a request")["body"].to_string()
}

/// Programs and command lines of the processes that work in a directory or below it.
pub(crate) fn processes(directory: &Path) -> Vec<(i32, PathBuf, String)> {
    let entries = std::fs::read_dir("/proc").expect("a process list").flatten();
    let numbered = entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    let described = numbered.filter_map(|(process, path): (i32, PathBuf)| {
        let place = std::fs::read_link(path.join("cwd")).ok()?;
        let program = std::fs::read_link(path.join("exe")).ok()?;
        let line = std::fs::read_to_string(path.join("cmdline")).ok()?;
        place.starts_with(directory).then_some((process, program, line))
    });
    described.collect()
}

/// Ends the harness itself without asking it.
pub(crate) fn kill_harness(stage: &Stage, name: &str) {
    let all = processes(stage.directory.path());
    let (process, ..) = all.iter().find(|(_, program, _)| program.ends_with(name)).expect("the harness runs");
    let process = rustix::process::Pid::from_raw(*process).expect("a process");
    rustix::process::kill_process(process, rustix::process::Signal::KILL).expect("killed");
}

/// A client that goes away in mid-turn: the adapter ends by itself and so does everything that it started.
pub(crate) async fn leaves_nothing(mut stage: Stage) {
    let session = stage.new_session().await;
    let _prompt = stage.prompt(&session, "talk");
    stage.events.said("tick").await;
    assert!(!processes(stage.directory.path()).is_empty(), "it works in its workspace");
    stage.agent.close().await;
    let report = soon("the end of the adapter", stage.handle.wait()).await;
    assert_eq!((report.code, report.signal), (Some(0), None));
    soon("the end of its processes", async {
        while !processes(stage.directory.path()).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// An MCP server with one tool, which answers with a variable of its environment.
const MCP_SERVER: &str = r#"
while read -r line; do
  id=$(echo "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  result() { echo '{"jsonrpc":"2.0","id":'$id',"result":'"$1"'}'; }
  case "$line" in
    *'"initialize"'*) result '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"demo","version":"1"}}';;
    *'"tools/list"'*) result '{"tools":[{"name":"ping","description":"Ping","inputSchema":{"type":"object","properties":{"n":{"type":"integer"}}}}]}';;
    *'"tools/call"'*) result '{"content":[{"type":"text","text":"pong '$WORD'"}]}';;
  esac
done
"#;

/// A tool of a client's MCP server is asked for and run: whether its secret is on a command line.
pub(crate) async fn secret_is_shown(mut stage: Stage, mode: &str) -> bool {
    let mut server = McpServerStdio::new("demo", "/bin/sh");
    server.args = vec![stage.write("server.sh", MCP_SERVER).display().to_string()];
    server.env = vec![EnvVariable::new("WORD", "kept-secret")];
    let request = NewSessionRequest::new(stage.workspace()).mcp_servers(vec![McpServer::Stdio(server)]);
    let session = stage.opened(request).await.session_id;
    let request = SetSessionModeRequest::new(session.clone(), mode.to_owned());
    soon("session/set_mode", stage.agent.set_session_mode(request)).await.expect("a mode");
    let prompt = stage.prompt(&session, "ping");
    stage.events.asked().await.choose(PermissionOptionKind::AllowOnce);
    stage.answer(prompt).await.expect("an answer");
    let shown = wire(&stage.events.updates());
    assert!(shown.contains("pong kept-secret") && shown.contains("ponged"), "{shown}");
    processes(stage.directory.path()).iter().any(|(_, _, line)| line.contains("kept-secret"))
}
