//! `acp-conformance mock-agent`, `mock-client` and `stub-agent`.

use anyhow::Context as _;

use super::args;
use super::exit::{Exit, usage};
use crate::mock::{self, Breaks, Store};
use crate::stub;

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

pub(super) async fn client(args: args::MockClient) -> anyhow::Result<Exit> {
    let breaks = match &args.fail {
        Some(id) => Breaks::of_client(id).map_err(|error| usage(error.to_string()))?,
        None => Breaks::default(),
    };
    mock::client_of(&args.agent, breaks).await.context("the mock client cannot go on")?;
    Ok(Exit::Ok)
}

/// A client that is gone ends the agent, too, which is no error.
pub(super) async fn stub(args: args::StubAgent) -> anyhow::Result<Exit> {
    let passed = stub::run(&args.socket, &args.arguments).await;
    passed.with_context(|| format!("the tester at {} cannot be reached any more", args.socket.display()))?;
    Ok(Exit::Ok)
}
