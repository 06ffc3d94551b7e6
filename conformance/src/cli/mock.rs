//! `acp-conformance mock-agent`.

use super::args;
use super::exit::{Exit, usage};
use crate::mock::{self, Breaks, Store};

pub(super) async fn run(args: args::MockAgent) -> anyhow::Result<Exit> {
    let breaks = match &args.fail {
        Some(id) => Breaks::of(id).map_err(|error| usage(error.to_string()))?,
        None => Breaks::default(),
    };
    // The suite gives every agent of a scenario the same directory.
    let store = std::env::var_os("ACP_CONFORMANCE_DIR").map_or_else(Store::default, |directory| {
        Store::in_file(std::path::Path::new(&directory).join(".mock-sessions.json"))
    });
    mock::serve(tokio::io::stdin(), tokio::io::stdout(), breaks, store).await;
    Ok(Exit::Ok)
}
