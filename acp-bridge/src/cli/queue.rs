//! `acp-bridge queue`.

use acp_types::Raw;
use acp_types::meta::{QUEUE, QUEUE_EDIT, QUEUE_MOVE, QUEUE_WITHDRAW};
use serde_json::json;

use super::args::{self, QueueChange};
use super::client::Client;
use super::output;
use super::show::string;

pub(super) async fn run(args: args::Queue) -> anyhow::Result<()> {
    let mut client = Client::connect(&args.url).await?;
    client.resume(&args.session, None).await?;
    let session = &args.session;
    if let Some(change) = args.change {
        let (method, params) = match change {
            QueueChange::Edit { turn, text } => {
                let prompt = json!([{ "type": "text", "text": text }]);
                (QUEUE_EDIT, json!({ "sessionId": session, "turn": turn, "prompt": prompt }))
            }
            QueueChange::Move { turn, before } => {
                (QUEUE_MOVE, json!({ "sessionId": session, "turn": turn, "before": before }))
            }
            QueueChange::Withdraw { turn } => (QUEUE_WITHDRAW, json!({ "sessionId": session, "turn": turn })),
        };
        client.call(method, &params).await?;
    }
    let answer = client.call(QUEUE, &json!({ "sessionId": session })).await?;
    for prompt in answer.as_raw().member("queue").into_iter().flat_map(Raw::elements) {
        if args.json {
            output::line(prompt.as_str())?;
        } else {
            let turn = prompt.member("turn").map_or("?", Raw::as_str);
            output::line(&format!("{turn}  {}  {}", string(prompt, &["lane"]), text_of(prompt)))?;
        }
    }
    Ok(())
}

/// The texts of a prompt on one line; what is no text is named by its type.
fn text_of(prompt: Raw<'_>) -> String {
    let block = |block: Raw<'_>| match block.member("text").and_then(Raw::as_string) {
        Some(text) => text.lines().collect::<Vec<_>>().join(" "),
        None => format!("[{}]", string(block, &["type"])),
    };
    let blocks = prompt.member("prompt").into_iter().flat_map(Raw::elements).map(block);
    blocks.collect::<Vec<_>>().join(" ")
}
