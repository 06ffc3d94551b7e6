//! `acp-bridge queue`.

use acp_types::api::SessionApiClient;
use acp_types::meta::QueuedPrompt;
use acp_types::{Raw, RawBuf, SessionId, printable};
use serde_json::json;

use super::args::{self, QueueChange};
use super::show::string;
use super::{api, output};

pub(super) async fn run(args: args::Queue) -> anyhow::Result<()> {
    let client = api::connect(&args.url).await?;
    let session = SessionId::from(args.session.as_str());
    if let Some(change) = args.change {
        let session = session.clone();
        let changed = match change {
            QueueChange::Edit { turn, text } => {
                let prompt = RawBuf::encode(&json!([{ "type": "text", "text": text }]))?;
                client.queue_edit(session, turn, prompt).await
            }
            QueueChange::Move { turn, before } => client.queue_move(session, turn, before).await,
            QueueChange::Withdraw { turn } => client.queue_withdraw(session, turn).await,
        };
        changed.map_err(api::failed)?;
    }
    for prompt in client.queue_list(session).await.map_err(api::failed)?.queue {
        if args.json {
            output::json(&serde_json::to_string(&prompt)?)?;
        } else {
            output::line(&printable::line(&line(&prompt)))?;
        }
    }
    Ok(())
}

/// Turn, lane, and the texts of the prompt on one line; what is no text is named by its type.
fn line(prompt: &QueuedPrompt) -> String {
    let block = |block: Raw<'_>| match block.member("text").and_then(Raw::as_string) {
        Some(text) => text.lines().collect::<Vec<_>>().join(" "),
        None => format!("[{}]", string(block, &["type"])),
    };
    let text: Vec<_> = prompt.prompt.as_raw().elements().map(block).collect();
    format!("{}  {}  {}", prompt.turn, prompt.lane, text.join(" "))
}
