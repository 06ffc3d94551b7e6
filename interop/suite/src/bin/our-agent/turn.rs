//! What a prompt makes the agent do.

use std::time::{Duration, Instant};

use acp_server::types::ErrorCode;
use acp_server::types::error::error;
use acp_server::types::v1::{
    ContentBlock, ContentChunk, PermissionOption, PermissionOptionKind, RequestPermissionOutcome,
    RequestPermissionRequest, SessionId, SessionNotification, SessionUpdate, StopReason, ToolCall, ToolCallId,
    ToolCallStatus, ToolCallUpdate, ToolCallUpdateFields,
};
use acp_server::{AgentContext, Answer};

use crate::sessions::Sessions;

/// One turn of one session.
pub(crate) struct Turn<'a> {
    pub(crate) sessions: &'a Sessions,
    pub(crate) session: SessionId,
    pub(crate) context: &'a AgentContext,
}

pub(crate) fn chunk(text: &str) -> ContentChunk {
    ContentChunk::new(ContentBlock::from(text.to_owned()))
}

impl Turn<'_> {
    pub(crate) async fn run(&self, text: &str) -> Answer<StopReason> {
        let mut words = text.split_whitespace();
        let word = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        let number = |at: usize, default: u64| rest.get(at).and_then(|word| word.parse().ok()).unwrap_or(default);
        match word {
            "count" => self.count(number(0, 10), number(1, 20)).await?,
            "flood" => {
                let line = "x".repeat(50);
                for _ in 0..number(0, 1000) {
                    self.update(SessionUpdate::AgentMessageChunk(chunk(&line))).await?;
                }
            }
            "ask" => {
                for _ in 0..number(0, 1) {
                    let chosen = self.ask().await?;
                    self.say(&format!("chosen: {chosen}")).await?;
                }
            }
            "rtt" => self.round_trips(number(0, 1000)).await?,
            "tool" => {
                let id = ToolCallId::new("edit-1");
                self.update(SessionUpdate::ToolCall(ToolCall::new(id.clone(), "Edit notes"))).await?;
                let done = ToolCallUpdateFields::new().status(ToolCallStatus::Completed);
                self.update(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(id, done))).await?;
            }
            "fail" => return Err(error(ErrorCode(4711), "told to fail", None)),
            "mode" => {
                let session = self.sessions.change(&self.session, |_| {})?;
                self.say(&session.mode).await?;
            }
            "echo" => self.say(&rest.join(" ")).await?,
            _ => self.say(text).await?,
        }
        Ok(if self.context.is_cancelled() { StopReason::Cancelled } else { StopReason::EndTurn })
    }

    async fn count(&self, upto: u64, pause: u64) -> Answer<()> {
        for number in 1..=upto {
            self.say(&format!("{number} ")).await?;
            if tokio::time::timeout(Duration::from_millis(pause), self.context.cancelled()).await.is_ok() {
                break;
            }
        }
        Ok(())
    }

    async fn round_trips(&self, number: u64) -> Answer<()> {
        let mut taken = Vec::new();
        for _ in 0..number {
            let start = Instant::now();
            self.ask().await?;
            taken.push(start.elapsed().as_micros());
        }
        taken.sort_unstable();
        let at = |share: usize| taken.get(taken.len() * share / 100).copied().unwrap_or_default();
        self.say(&serde_json::json!({ "p50_us": at(50), "p99_us": at(99) }).to_string()).await
    }

    async fn ask(&self) -> Answer<String> {
        let request = RequestPermissionRequest::new(
            self.session.clone(),
            ToolCallUpdate::new("call-1", ToolCallUpdateFields::new().title("Run it".to_owned())),
            vec![
                PermissionOption::new("yes", "Allow once", PermissionOptionKind::AllowOnce),
                PermissionOption::new("no", "Reject", PermissionOptionKind::RejectOnce),
            ],
        );
        Ok(match self.context.client().request_permission(request).await?.outcome {
            RequestPermissionOutcome::Selected(selected) => selected.option_id.to_string(),
            _ => "cancelled".to_owned(),
        })
    }

    async fn say(&self, text: &str) -> Answer<()> {
        self.sessions.change(&self.session, |session| session.transcript.push((false, text.to_owned())))?;
        self.update(SessionUpdate::AgentMessageChunk(chunk(text))).await
    }

    async fn update(&self, update: SessionUpdate) -> Answer<()> {
        Ok(self.context.client().session_update(SessionNotification::new(self.session.clone(), update)).await?)
    }
}
