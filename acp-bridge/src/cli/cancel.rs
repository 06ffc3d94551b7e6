//! `acp-bridge cancel`.

use acp_types::api::{CancelScope, SessionApiClient};

use super::{api, args};

pub(super) async fn run(args: args::Cancel) -> anyhow::Result<()> {
    let client = api::connect(&args.url.url).await?;
    let scope = match (args.queued, args.all) {
        (true, _) => CancelScope::Queued,
        (_, true) => CancelScope::All,
        _ => CancelScope::Turn,
    };
    let session = args.session.as_str().into();
    client.session_cancel(session, args.turn, Some(scope), args.lane, args.reason).await.map_err(api::failed)?;
    Ok(())
}
