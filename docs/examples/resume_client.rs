//! Prompts a session through a bridge and prints what the agent says, each word once, whatever becomes of the connection:
//! `cargo run --example resume_client -- ws://127.0.0.1:4477/acp "What is in here?"`.

use std::io::{Write, stdout};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::{sync::Arc, time::Duration};

use acp_server::types::v1::{self, ContentBlock, ContentChunk, RequestPermissionOutcome as Outcome, SessionUpdate};
use acp_server::{AgentPeer, Answer, CallError, Client, ClientContext, connect, transport::ws};

#[derive(Clone, Default)]
struct Screen(Arc<AtomicU64>); // The seq of the last record that was shown.
type Allowed = Answer<v1::RequestPermissionResponse>;

impl Client for Screen {
    async fn session_update(&self, event: v1::SessionNotification, _: &ClientContext) {
        let seq = event.meta.and_then(|meta| meta.get("acp-bridge")?.get("seq")?.as_u64());
        let known = seq.is_some_and(|seq| self.0.fetch_max(seq, Relaxed) >= seq);
        if let SessionUpdate::AgentMessageChunk(ContentChunk { content: ContentBlock::Text(text), .. }) = event.update {
            let _ = if known { Ok(()) } else { write!(stdout(), "{}", text.text).and_then(|()| stdout().flush()) };
        }
    }

    async fn request_permission(&self, ask: v1::RequestPermissionRequest, _: &ClientContext) -> Allowed {
        let once = ask.options.into_iter().find(|option| option.kind == v1::PermissionOptionKind::AllowOnce);
        let chosen = once.map(|option| v1::SelectedPermissionOutcome::new(option.option_id));
        let outcome = chosen.map_or(Outcome::Cancelled, Outcome::Selected);
        Ok(v1::RequestPermissionResponse::new(outcome))
    }
}

async fn open(url: &str, screen: &Screen) -> anyhow::Result<AgentPeer> {
    let agent = connect(screen.clone(), ws::connect(url, 16 << 20).await?);
    agent.initialize(v1::InitializeRequest::new(v1::ProtocolVersion::V1)).await?;
    Ok(agent)
}

/// One connection: goes on after what was shown, and prompts. What the bridge has run under this key it does not run again.
async fn turn(url: &str, screen: &Screen, id: &v1::SessionId, text: &str, key: &str) -> anyhow::Result<v1::StopReason> {
    let agent = open(url, screen).await?;
    let after = serde_json::json!({ "acp-bridge": { "after": screen.0.load(Relaxed) } }).as_object().cloned();
    agent.resume_session(v1::ResumeSessionRequest::new(id.clone(), std::env::current_dir()?).meta(after)).await?;
    let key = serde_json::json!({ "acp-bridge": { "key": key } }).as_object().cloned();
    Ok(agent.prompt(v1::PromptRequest::new(id.clone(), vec![text.into()]).meta(key)).await?.stop_reason)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (screen, mut args) = (Screen::default(), std::env::args().skip(1));
    let url = args.next().unwrap_or_default();
    let new = open(&url, &screen).await?.new_session(v1::NewSessionRequest::new(std::env::current_dir()?)).await?;
    for text in args {
        let key = uuid::Uuid::new_v4().to_string();
        while let Err(error) = turn(&url, &screen, &new.session_id, &text, &key).await {
            anyhow::ensure!(!matches!(error.downcast_ref(), Some(CallError::Refused { .. })), error);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(())
}
