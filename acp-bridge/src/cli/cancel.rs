//! `acp-bridge cancel`.

use acp_types::RawBuf;
use serde_json::json;

use super::args;
use super::client::Client;

pub(super) async fn run(args: args::Cancel) -> anyhow::Result<()> {
    let mut client = Client::connect(&args.url.url).await?;
    client.resume(&args.session, None).await?;
    let mut params = json!({ "sessionId": args.session });
    if let Some(turn) = args.turn {
        params["_meta"] = json!({ "acp-bridge": { "turn": turn } });
    }
    client.outbox.notify("session/cancel", RawBuf::encode(&params)?).await?;
    // A notification has no answer. The bridge takes a connection's messages in order, so the answer to any later
    // request says that the cancel has been taken.
    client.call("session/list", &json!({ "cwd": "/" })).await?;
    Ok(())
}
