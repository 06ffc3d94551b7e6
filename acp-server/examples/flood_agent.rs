//! An agent for tests and benchmarks that does what the prompt says: `flood N`, `rate N PER_SECOND`, `slow N`, `ask N`,
//! `permission`, `hang`, `die`; it repeats anything else.
//!
//! It serves `session/load`: with the variable FLOOD_STATE naming a directory, a session's prompts are kept there and
//! replayed, and a session that is not there is unknown; without it every session is known and empty. With the argument
//! `--resume` it serves `session/resume` as well, with `--forgetful` neither.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use acp_server::types::error::error;
use acp_server::types::v1::*;
use acp_server::types::{ErrorCode, ErrorObjectOwned};
use acp_server::{Agent, AgentContext, Answer, serve, stdio};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// 50 bytes, the size of what models say at a time, roughly.
const TEXT: &str = "The quick brown fox jumps over the lazy dog again.";

struct Flood {
    state: Option<PathBuf>,
    load: bool,
    resume: bool,
    sessions: AtomicU64,
}

impl Flood {
    fn file(&self, session: &SessionId) -> Option<PathBuf> {
        let name: String = session.0.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        Some(self.state.as_ref()?.join(name + ".jsonl"))
    }

    /// The prompts so far; `None` for an unknown session.
    fn transcript(&self, session: &SessionId) -> Option<Vec<String>> {
        let Some(file) = self.file(session) else { return Some(Vec::new()) };
        let text = std::fs::read_to_string(file).ok()?;
        Some(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    fn remember(&self, session: &SessionId, prompt: Option<&str>) -> std::io::Result<()> {
        let Some(file) = self.file(session) else { return Ok(()) };
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
        match prompt {
            Some(prompt) => writeln!(file, "{}", serde_json::to_string(prompt)?),
            None => Ok(()),
        }
    }

    fn known(&self, session: &SessionId) -> Answer<Vec<String>> {
        let unknown = || error(ErrorCode::RESOURCE_NOT_FOUND, format!("no session {session}"), None);
        self.transcript(session).ok_or_else(unknown)
    }
}

fn failed(wrong: impl std::fmt::Display) -> ErrorObjectOwned {
    error(ErrorCode::INTERNAL_ERROR, wrong.to_string(), None)
}

impl Agent for Flood {
    async fn initialize(&self, _: InitializeRequest, _: &AgentContext) -> Answer<InitializeResponse> {
        let mut sessions = SessionCapabilities::new().close(SessionCloseCapabilities::new());
        if self.resume {
            sessions = sessions.resume(SessionResumeCapabilities::new());
        }
        let capabilities = AgentCapabilities::new().load_session(self.load).session_capabilities(sessions);
        let info = Implementation::new("flood_agent", env!("CARGO_PKG_VERSION"));
        Ok(InitializeResponse::new(ProtocolVersion::V1).agent_capabilities(capabilities).agent_info(info))
    }

    async fn new_session(&self, _: NewSessionRequest, _: &AgentContext) -> Answer<NewSessionResponse> {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        let session = SessionId::new(format!("flood-{}-{number}", std::process::id()));
        self.remember(&session, None).map_err(failed)?;
        Ok(NewSessionResponse::new(session))
    }

    async fn load_session(&self, load: LoadSessionRequest, context: &AgentContext) -> Answer<LoadSessionResponse> {
        for prompt in self.known(&load.session_id)? {
            let chunk = SessionUpdate::UserMessageChunk(ContentChunk::new(prompt.clone().into()));
            context.client().session_update(SessionNotification::new(load.session_id.clone(), chunk)).await?;
            context.client().say(&load.session_id, prompt).await?;
        }
        Ok(LoadSessionResponse::new())
    }

    async fn resume_session(&self, resume: ResumeSessionRequest, _: &AgentContext) -> Answer<ResumeSessionResponse> {
        self.known(&resume.session_id).map(|_| ResumeSessionResponse::new())
    }

    async fn close_session(&self, _: CloseSessionRequest, _: &AgentContext) -> Answer<CloseSessionResponse> {
        Ok(CloseSessionResponse::new())
    }

    async fn set_session_mode(&self, _: SetSessionModeRequest, _: &AgentContext) -> Answer<SetSessionModeResponse> {
        Ok(SetSessionModeResponse::new())
    }

    async fn prompt(&self, turn: PromptRequest, context: &AgentContext) -> Answer<PromptResponse> {
        let text: String = turn
            .prompt
            .iter()
            .filter_map(|block| if let ContentBlock::Text(text) = block { Some(text.text.as_str()) } else { None })
            .collect();
        self.remember(&turn.session_id, Some(&text)).map_err(failed)?;
        let turn = Turn { session: turn.session_id, context };
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(1);
        match words.first().copied() {
            Some("flood") => turn.chunks(number(1), None).await?,
            Some("rate") => {
                turn.chunks(number(1), Some(Duration::from_secs_f64(1.0 / number(2) as f64))).await?;
            }
            Some("slow") => turn.chunks(number(1), Some(Duration::from_millis(20))).await?,
            Some("ask") => turn.ask(number(1)).await?,
            Some("permission") => {
                let answer = turn.permission(0).await?;
                turn.say(format!("permission: {answer}")).await?;
            }
            // Deaf to every cancellation, until somebody kills it.
            Some("hang") => {
                turn.say("hanging".to_owned()).await?;
                std::future::pending().await
            }
            Some("die") => die(),
            _ => turn.say(text.clone()).await?,
        }
        Ok(PromptResponse::new(if context.is_cancelled() { StopReason::Cancelled } else { StopReason::EndTurn }))
    }
}

#[expect(clippy::exit, reason = "dying without a word is what it was told to do")]
fn die() -> ! {
    std::process::exit(3)
}

/// One prompt being worked on.
struct Turn<'a> {
    session: SessionId,
    context: &'a AgentContext,
}

impl Turn<'_> {
    async fn say(&self, text: String) -> Answer<()> {
        Ok(self.context.client().say(&self.session, text).await?)
    }

    async fn chunks(&self, count: u64, pause: Option<Duration>) -> Answer<()> {
        let chunk = SessionUpdate::AgentMessageChunk(ContentChunk::new(TEXT.into()));
        let update = SessionNotification::new(self.session.clone(), chunk);
        let mut ticks = pause.map(interval);
        if let Some(ticks) = &mut ticks {
            // After a late tick the rest catches up, so that the rate is kept.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        }
        for _ in 0..count {
            if self.context.is_cancelled() {
                break;
            }
            if let Some(ticks) = &mut ticks {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = self.context.cancelled() => break,
                }
            }
            self.context.client().peer().notify::<acp_server::types::method::v1::SessionUpdate>(&update).await?;
        }
        Ok(())
    }

    async fn permission(&self, number: u64) -> Answer<String> {
        let fields = ToolCallUpdateFields::new().title("Do what was asked".to_owned());
        let call = ToolCallUpdate::new(format!("call-{number}"), fields);
        let options = vec![
            PermissionOption::new("allow", "Allow", PermissionOptionKind::AllowOnce),
            PermissionOption::new("reject", "Reject", PermissionOptionKind::RejectOnce),
        ];
        let request = RequestPermissionRequest::new(self.session.clone(), call, options);
        Ok(match self.context.client().request_permission(request).await?.outcome {
            RequestPermissionOutcome::Selected(selected) => selected.option_id.to_string(),
            _ => "cancelled".to_owned(),
        })
    }

    async fn ask(&self, count: u64) -> Answer<()> {
        let mut micros = Vec::new();
        for number in 0..count {
            if self.context.is_cancelled() {
                break;
            }
            let begun = Instant::now();
            self.permission(number).await?;
            micros.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        micros.sort_by(f64::total_cmp);
        let at = |part: f64| micros.get((micros.len() as f64 * part) as usize).copied().unwrap_or_default();
        let report = format!(r#"{{"asked":{},"p50_us":{:.1},"p99_us":{:.1}}}"#, micros.len(), at(0.5), at(0.99));
        self.say(report).await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let flag = |name: &str| std::env::args().any(|argument| argument == name);
    let agent = Flood {
        state: std::env::var_os("FLOOD_STATE").map(PathBuf::from),
        load: !flag("--forgetful"),
        resume: flag("--resume"),
        sessions: AtomicU64::new(1),
    };
    serve(agent, stdio()?).await;
    Ok(())
}
