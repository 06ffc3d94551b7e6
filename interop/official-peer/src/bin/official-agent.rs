//! A small agent on the official Rust SDK, over stdio. The first word of a prompt says what it does:
//!
//! ```text
//! echo TEXT      one chunk
//! count N [MS]   N chunks "1 ", "2 ", … with MS milliseconds between them (20); obeys cancel
//! flood N        N chunks of 50 bytes as fast as the SDK takes them
//! ask [N]        asks for permission (N times) and says what was chosen
//! rtt N          N permission requests one after the other; says how long they took, in microseconds
//! tool           a tool call
//! fail           answers with an error
//! mode           says its mode
//! ```
//!
//! With `AGENT_STATE=DIR` sessions survive the process: one transcript per session, replayed by `session/load`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    AgentCapabilities, CancelNotification, ContentBlock, ContentChunk, Implementation, InitializeRequest,
    InitializeResponse, LoadSessionRequest, LoadSessionResponse, NewSessionRequest, NewSessionResponse,
    PermissionOption, PermissionOptionKind, PromptRequest, PromptResponse, RequestPermissionOutcome,
    RequestPermissionRequest, SessionId, SessionMode, SessionModeState, SessionNotification, SessionUpdate,
    SetSessionModeRequest, SetSessionModeResponse, StopReason, TextContent, ToolCall, ToolCallId, ToolCallStatus,
    ToolCallUpdate, ToolCallUpdateFields,
};
use agent_client_protocol::{Agent, Client, Error, Result, Stdio, on_receive_notification, on_receive_request};
use tokio::sync::watch;

type Connection = ConnectionTo<Client>;

/// What the agent remembers of a session.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct Session {
    mode: String,
    /// Chunks of both sides: whether the user's, and the text.
    transcript: Vec<(bool, String)>,
}

#[derive(Clone, Default)]
struct Sessions {
    open: Arc<Mutex<HashMap<String, Session>>>,
    /// Counts cancels; a turn is cancelled when the count changes while it runs.
    cancels: Arc<watch::Sender<u64>>,
}

impl Sessions {
    fn file(id: &str) -> Option<PathBuf> {
        std::env::var_os("AGENT_STATE").map(|directory| PathBuf::from(directory).join(format!("{id}.json")))
    }

    fn get(&self, id: &str) -> Option<Session> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Session)) -> Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let session = open.get_mut(id).ok_or_else(Error::invalid_params)?;
        change(session);
        save(id, session)
    }

    fn create(&self) -> Result<String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let id = format!("official-{}-{}", std::process::id(), open.len() + 1);
        let session = Session { mode: "ask".to_owned(), transcript: Vec::new() };
        save(&id, &session)?;
        open.insert(id.clone(), session);
        Ok(id)
    }

    fn load(&self, id: &str) -> Result<Session> {
        let file = Self::file(id).ok_or_else(Error::method_not_found)?;
        let text = std::fs::read(file).map_err(|_| Error::new(-32002, format!("no session {id}")))?;
        let session: Session = serde_json::from_slice(&text).map_err(Error::into_internal_error)?;
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), session.clone());
        Ok(session)
    }
}

/// Written beside and renamed, so that a kill leaves the old or the new one.
fn save(id: &str, session: &Session) -> Result<()> {
    let Some(file) = Sessions::file(id) else { return Ok(()) };
    let scratch = file.with_extension(format!("{}.tmp", std::process::id()));
    let text = serde_json::to_vec(session).map_err(Error::into_internal_error)?;
    std::fs::write(&scratch, text).and_then(|()| std::fs::rename(&scratch, &file)).map_err(Error::into_internal_error)
}

fn modes(session: &Session) -> SessionModeState {
    let available = vec![SessionMode::new("ask", "Ask"), SessionMode::new("auto", "Auto")];
    SessionModeState::new(session.mode.clone(), available)
}

fn text_of(block: &ContentBlock) -> &str {
    if let ContentBlock::Text(text) = block { &text.text } else { "" }
}

fn chunk(text: &str) -> ContentChunk {
    ContentChunk::new(ContentBlock::Text(TextContent::new(text)))
}

/// One turn of one session.
struct Turn {
    connection: Connection,
    sessions: Sessions,
    id: SessionId,
    cancels: watch::Receiver<u64>,
}

impl Turn {
    async fn run(&mut self, text: &str) -> Result<StopReason> {
        let mut words = text.split_whitespace();
        let word = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        let number = |at: usize, default: u64| rest.get(at).and_then(|word| word.parse().ok()).unwrap_or(default);
        match word {
            "count" => return self.count(number(0, 10), number(1, 20)).await,
            "flood" => {
                let line = "x".repeat(50);
                for _ in 0..number(0, 1000) {
                    self.update(SessionUpdate::AgentMessageChunk(chunk(&line)))?;
                }
            }
            "ask" => {
                for _ in 0..number(0, 1) {
                    let chosen = self.ask().await?;
                    self.say(&format!("chosen: {chosen}"))?;
                }
            }
            "rtt" => self.round_trips(number(0, 1000)).await?,
            "tool" => {
                let id = ToolCallId::new("edit-1");
                self.update(SessionUpdate::ToolCall(ToolCall::new(id.clone(), "Edit notes")))?;
                let done = ToolCallUpdateFields::new().status(ToolCallStatus::Completed);
                self.update(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(id, done)))?;
            }
            "fail" => return Err(Error::new(4711, "told to fail")),
            "mode" => {
                let mode = self.sessions.get(&self.id.to_string()).map(|session| session.mode);
                self.say(&mode.unwrap_or_default())?;
            }
            "echo" => self.say(&rest.join(" "))?,
            _ => self.say(text)?,
        }
        Ok(if self.cancels.has_changed().unwrap_or(false) { StopReason::Cancelled } else { StopReason::EndTurn })
    }

    async fn count(&mut self, upto: u64, pause: u64) -> Result<StopReason> {
        for number in 1..=upto {
            self.say(&format!("{number} "))?;
            if tokio::time::timeout(Duration::from_millis(pause), self.cancels.changed()).await.is_ok() {
                return Ok(StopReason::Cancelled);
            }
        }
        Ok(StopReason::EndTurn)
    }

    async fn round_trips(&self, number: u64) -> Result<()> {
        let mut taken = Vec::new();
        for _ in 0..number {
            let start = Instant::now();
            self.ask().await?;
            taken.push(start.elapsed().as_micros());
        }
        taken.sort_unstable();
        let at = |share: usize| taken.get(taken.len() * share / 100).copied().unwrap_or_default();
        self.say(&serde_json::json!({ "p50_us": at(50), "p99_us": at(99) }).to_string())
    }

    async fn ask(&self) -> Result<String> {
        let request = RequestPermissionRequest::new(
            self.id.clone(),
            ToolCallUpdate::new("call-1", ToolCallUpdateFields::new().title("Run it".to_owned())),
            vec![
                PermissionOption::new("yes", "Allow once", PermissionOptionKind::AllowOnce),
                PermissionOption::new("no", "Reject", PermissionOptionKind::RejectOnce),
            ],
        );
        Ok(match self.connection.send_request(request).block_task().await?.outcome {
            RequestPermissionOutcome::Selected(selected) => selected.option_id.to_string(),
            _ => "cancelled".to_owned(),
        })
    }

    fn say(&self, text: &str) -> Result<()> {
        self.sessions.change(&self.id.to_string(), |session| session.transcript.push((false, text.to_owned())))?;
        self.update(SessionUpdate::AgentMessageChunk(chunk(text)))
    }

    fn update(&self, update: SessionUpdate) -> Result<()> {
        self.connection.send_notification(SessionNotification::new(self.id.clone(), update))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    if let Some(directory) = std::env::var_os("AGENT_STATE") {
        std::fs::create_dir_all(directory).map_err(Error::into_internal_error)?;
    }
    let sessions = Sessions::default();
    let (new, load, mode, prompt, cancel) =
        (sessions.clone(), sessions.clone(), sessions.clone(), sessions.clone(), sessions);
    Agent
        .v1()
        .name("official-agent")
        .on_receive_request(
            async move |request: InitializeRequest, responder, _connection| {
                let can_load = std::env::var_os("AGENT_STATE").is_some();
                responder.respond(
                    InitializeResponse::new(request.protocol_version)
                        .agent_info(Implementation::new("official-rust-agent", "1.0.0"))
                        .agent_capabilities(AgentCapabilities::new().load_session(can_load)),
                )
            },
            on_receive_request!(),
        )
        .on_receive_request(
            async move |_request: NewSessionRequest, responder, _connection| {
                let made = new.create().map(|id| {
                    let session = new.get(&id).unwrap_or_default();
                    NewSessionResponse::new(id).modes(modes(&session))
                });
                responder.respond_with_result(made)
            },
            on_receive_request!(),
        )
        .on_receive_request(
            async move |request: LoadSessionRequest, responder, connection: Connection| {
                let session = match load.load(&request.session_id.to_string()) {
                    Ok(session) => session,
                    Err(error) => return responder.respond_with_error(error),
                };
                for (user, text) in &session.transcript {
                    let update = if *user {
                        SessionUpdate::UserMessageChunk(chunk(text))
                    } else {
                        SessionUpdate::AgentMessageChunk(chunk(text))
                    };
                    connection.send_notification(SessionNotification::new(request.session_id.clone(), update))?;
                }
                responder.respond(LoadSessionResponse::new().modes(modes(&session)))
            },
            on_receive_request!(),
        )
        .on_receive_request(
            async move |request: SetSessionModeRequest, responder, _connection| {
                let set = mode.change(&request.session_id.to_string(), |session| {
                    session.mode = request.mode_id.to_string();
                });
                responder.respond_with_result(set.map(|()| SetSessionModeResponse::new()))
            },
            on_receive_request!(),
        )
        .on_receive_request(
            async move |request: PromptRequest, responder, connection: Connection| {
                let text: String = request.prompt.iter().map(text_of).collect();
                let mut cancels = prompt.cancels.subscribe();
                cancels.mark_unchanged();
                let mut turn = Turn {
                    connection: connection.clone(),
                    sessions: prompt.clone(),
                    id: request.session_id.clone(),
                    cancels,
                };
                // The handler must return at once: what the turn waits for comes through the same loop.
                connection.spawn(async move {
                    let user = turn
                        .sessions
                        .change(&turn.id.to_string(), |session| session.transcript.push((true, text.clone())));
                    let ended = match user {
                        Ok(()) => turn.run(&text).await,
                        Err(error) => Err(error),
                    };
                    responder.respond_with_result(ended.map(PromptResponse::new))
                })
            },
            on_receive_request!(),
        )
        .on_receive_notification(
            async move |_cancel: CancelNotification, _connection| {
                cancel.cancels.send_modify(|count| *count += 1);
                Ok(())
            },
            on_receive_notification!(),
        )
        .connect_to(Stdio::new())
        .await
}
