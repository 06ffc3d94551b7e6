//! `acp-bridge lanes`.

use acp_types::api::{Lane, SessionApiClient};
use acp_types::{SessionId, printable};

use super::args::{self, LanesChange};
use super::{api, output};

pub(super) async fn run(args: args::Lanes) -> anyhow::Result<()> {
    let client = api::connect(&args.url.url).await?;
    let session = SessionId::from(args.session.as_str());
    match args.change {
        Some(LanesChange::Add { name, agent }) => {
            client.lane_add(session, name, agent).await.map_err(api::failed)?;
        }
        Some(LanesChange::Remove { name }) => {
            client.lane_remove(session, name).await.map_err(api::failed)?;
        }
        None => {
            for lane in client.lane_list(session).await.map_err(api::failed)?.lanes {
                if args.json {
                    output::json(&serde_json::to_string(&lane)?)?;
                } else {
                    output::line(&printable::line(&line(&lane)))?;
                }
            }
        }
    }
    Ok(())
}

/// Its name, its agent and what that does.
fn line(lane: &Lane) -> String {
    let agent = lane.agent.as_deref().or(lane.name.as_deref()).unwrap_or_default();
    let doing = match lane.turn {
        Some(turn) => format!("runs turn {turn}"),
        None if lane.alive => "idle".to_owned(),
        None => "not started".to_owned(),
    };
    let queued = if lane.queued > 0 { format!(", {} queued", lane.queued) } else { String::new() };
    format!("{}  {agent}  {doing}{queued}", lane.lane)
}
