//! `acp-bridge cancel`.

use acp_types::api::SessionApiClient;

use super::{api, args};

pub(super) async fn run(args: args::Cancel) -> anyhow::Result<()> {
    let client = api::connect(&args.url.url).await?;
    client.session_cancel(args.session.into(), args.turn).await.map_err(api::failed)?;
    Ok(())
}
