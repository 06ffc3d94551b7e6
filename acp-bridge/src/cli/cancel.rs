//! `acp-bridge cancel`.

use acp_types::RawBuf;
use acp_types::meta::CancelScope;
use serde_json::json;

use super::args;
use super::client::Client;

pub(super) async fn run(args: args::Cancel) -> anyhow::Result<()> {
    let mut client = Client::connect(&args.url.url).await?;
    client.resume(&args.session, None).await?;
    let scope = match (args.queued, args.all) {
        (true, _) => CancelScope::Queued,
        (_, true) => CancelScope::All,
        _ => CancelScope::Turn,
    };
    let meta = json!({ "turn": args.turn, "scope": scope.as_str(), "reason": args.reason, "lane": args.lane });
    let params = json!({ "sessionId": args.session, "_meta": { "acp-bridge": meta } });
    client.outbox.notify("session/cancel", RawBuf::encode(&params)?).await?;
    // A notification has no answer. The bridge takes a connection's messages in order, so the answer to any later
    // request says that the cancel has been taken.
    client.call("session/list", &json!({ "cwd": "/" })).await?;
    Ok(())
}
