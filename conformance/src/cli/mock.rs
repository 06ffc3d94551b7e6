//! `acp-conformance mock-agent`, `mock-client` and `stub-agent`.

use anyhow::Context as _;

use std::path::Path;

use super::exit::{Exit, usage};
use super::{args, model, output};
use crate::core::stub;
use crate::mock::{self, Breaks, Store};

pub(super) async fn run(args: args::MockAgent) -> anyhow::Result<Exit> {
    if args.protocol == 2 {
        return draft(args).await;
    }
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

/// An agent of version 2.
async fn draft(args: args::MockAgent) -> anyhow::Result<Exit> {
    if args.listen.is_some() || args.sessions.is_some() {
        return Err(usage("--protocol 2 goes with neither --listen nor --sessions"));
    }
    let breaks = match &args.fail {
        Some(id) => Breaks::of_v2_agent(id).map_err(|error| usage(error.to_string()))?,
        None => Breaks::default(),
    };
    mock::serve2(tokio::io::stdin(), tokio::io::stdout(), breaks).await;
    Ok(Exit::Ok)
}

pub(super) async fn client(args: args::MockClient) -> anyhow::Result<Exit> {
    if args.protocol == 2 {
        let breaks = match &args.fail {
            Some(id) => Breaks::of_v2_client(id).map_err(|error| usage(error.to_string()))?,
            None => Breaks::default(),
        };
        mock::v2_client_of(&args.agent, breaks).await.context("the mock client cannot go on")?;
        return Ok(Exit::Ok);
    }
    let breaks = match &args.fail {
        Some(id) => Breaks::of_client(id).map_err(|error| usage(error.to_string()))?,
        None => Breaks::default(),
    };
    if let Some(url) = &args.url {
        mock::client_at(url, breaks).await.context("the mock client cannot go on")?;
        return Ok(Exit::Ok);
    }
    mock::client_of(&args.agent, breaks).await.context("the mock client cannot go on")?;
    Ok(Exit::Ok)
}

/// A client that is gone ends the agent, too, which is no error.
pub(super) async fn stub(args: args::StubAgent) -> anyhow::Result<Exit> {
    let passed = stub::run(&args.socket, &args.arguments).await;
    passed.with_context(|| format!("the tester at {} cannot be reached any more", args.socket.display()))?;
    Ok(Exit::Ok)
}
