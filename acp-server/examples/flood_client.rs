//! Measures an ACP agent over stdio: `flood_client PROMPT AGENT [ARGS..]` sends one prompt and prints a line of JSON with
//! the updates that came back, their rate, the last text and the peak memory of both processes.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use acp_server::transport::child::{ChildSpec, Deadlines};
use acp_server::types::v1::*;
use acp_server::{Answer, Client, ClientContext, connect};

#[derive(Default)]
struct Seen {
    updates: AtomicU64,
    last: Mutex<String>,
}

struct Count(Arc<Seen>);

impl Client for Count {
    async fn session_update(&self, event: SessionNotification, _: &ClientContext) {
        self.0.updates.fetch_add(1, Ordering::Relaxed);
        if let SessionUpdate::AgentMessageChunk(chunk) = event.update
            && let ContentBlock::Text(text) = chunk.content
            && let Ok(mut last) = self.0.last.lock()
        {
            *last = text.text;
        }
    }

    async fn request_permission(
        &self,
        request: RequestPermissionRequest,
        _: &ClientContext,
    ) -> Answer<RequestPermissionResponse> {
        let outcome = match request.options.into_iter().next() {
            Some(option) => RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(option.option_id)),
            None => RequestPermissionOutcome::Cancelled,
        };
        Ok(RequestPermissionResponse::new(outcome))
    }
}

/// Peak resident memory in KiB; 0 where `/proc` does not tell.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(prompt), Some(program)) = (args.next(), args.next()) else {
        return Err("usage: flood_client PROMPT AGENT [ARGS..]".into());
    };
    let (transport, mut child) = ChildSpec::new(program).args(args).spawn().await?;
    let seen = Arc::new(Seen::default());
    let agent = connect(Count(Arc::clone(&seen)), transport);
    agent.initialize(InitializeRequest::new(ProtocolVersion::V1)).await?;
    let session = agent.new_session(NewSessionRequest::new(std::env::current_dir()?)).await?;
    let begun = Instant::now();
    let answer = agent.prompt(PromptRequest::new(session.session_id, vec![prompt.into()])).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let memory = (child.id().map(peak).unwrap_or_default(), peak(std::process::id()));
    agent.close().await;
    child.shutdown(Deadlines::default()).await;
    let updates = seen.updates.load(Ordering::Relaxed);
    let result = serde_json::json!({
        "stop_reason": answer.stop_reason,
        "updates": updates,
        "seconds": seconds,
        "updates_per_second": updates as f64 / seconds,
        "last_text": *seen.last.lock().map_err(|_| "a handler panicked")?,
        "agent_peak_kib": memory.0,
        "client_peak_kib": memory.1,
    });
    writeln!(io::stdout(), "{result}")?;
    Ok(())
}
