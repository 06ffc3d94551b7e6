//! `acp-bridge trust`.

use acp_types::api::SessionApiClient;

use super::{api, args, output};

pub(super) async fn run(args: args::Trust) -> anyhow::Result<()> {
    let client = api::connect(&args.url.url).await?;
    let session = args.session.as_str();
    let before = client.session_get(session.into()).await.map_err(api::failed)?;
    if before.disarmed.is_none() {
        output::line(&format!("session {session:?} is in force already"))?;
        return Ok(());
    }
    client.session_trust(session.into()).await.map_err(api::failed)?;
    output::line(&format!("the lanes and the policy of session {session:?} are in force"))?;
    Ok(())
}
