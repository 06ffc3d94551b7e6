//! `acp-bridge lanes`.

use acp_types::Raw;
use acp_types::meta::{LANE_ADD, LANE_REMOVE, LANES};
use serde_json::json;

use super::args::{self, LanesChange};
use super::client::Client;
use super::output;
use super::show::string;

pub(super) async fn run(args: args::Lanes) -> anyhow::Result<()> {
    let mut client = Client::connect(&args.url.url).await?;
    client.resume(&args.session, None).await?;
    let session = args.session;
    match args.change {
        Some(LanesChange::Add { name, agent }) => {
            let params = json!({ "sessionId": session, "lane": name, "agent": agent });
            client.call(LANE_ADD, &params).await?;
        }
        Some(LanesChange::Remove { name }) => {
            client.call(LANE_REMOVE, &json!({ "sessionId": session, "lane": name })).await?;
        }
        None => {
            let listed = client.call(LANES, &json!({ "sessionId": session })).await?;
            for lane in listed.as_raw().member("lanes").into_iter().flat_map(Raw::elements) {
                output::line(&if args.json { lane.as_str().to_owned() } else { line(lane) })?;
            }
        }
    }
    Ok(())
}

/// Its name, its agent and what that does.
fn line(lane: Raw<'_>) -> String {
    let profile = string(lane, &["agent"]);
    let agent = if profile.is_empty() { string(lane, &["name"]) } else { profile };
    let alive = lane.member("alive").and_then(Raw::as_bool).unwrap_or(false);
    let doing = match lane.member("turn").and_then(Raw::as_u64) {
        Some(turn) => format!("runs turn {turn}"),
        None if alive => "idle".to_owned(),
        None => "not started".to_owned(),
    };
    let queued = lane.member("queued").and_then(Raw::as_u64).unwrap_or(0);
    let queued = if queued > 0 { format!(", {queued} queued") } else { String::new() };
    format!("{}  {agent}  {doing}{queued}", string(lane, &["lane"]))
}
