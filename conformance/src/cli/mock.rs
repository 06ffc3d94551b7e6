//! `acp-conformance mock-agent`.

use std::path::Path;

use super::exit::{Exit, usage};
use super::{args, model, output};
use crate::mock::{self, Breaks, Store};

pub(super) async fn run(args: args::MockAgent) -> anyhow::Result<Exit> {
    let breaks = match &args.fail {
        Some(id) => Breaks::of(id).map_err(|error| usage(error.to_string()))?,
        None => Breaks::default(),
    };
    // The suite gives every agent of a scenario the same directory.
    let given = std::env::var_os("ACP_CONFORMANCE_DIR");
    let file = args.sessions.or_else(|| given.map(|directory| Path::new(&directory).join(".mock-sessions.json")));
    let store = file.map_or_else(Store::default, Store::in_file);
    if let Some(listen) = &args.listen {
        let listener = model::bind(listen).await?;
        output::line(&format!("http://{0}/acp ws://{0}/acp", listener.local_addr()?))?;
        mock::serve_http(listener, breaks, store).await?;
        return Ok(Exit::Ok);
    }
    mock::serve(tokio::io::stdin(), tokio::io::stdout(), breaks, store).await;
    Ok(Exit::Ok)
}
