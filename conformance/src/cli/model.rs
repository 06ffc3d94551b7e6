//! `acp-conformance model`.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::exit::usage;
use super::{args, output, private};
use crate::model::{Journal, Script, serve_with};

/// Largest script that is read.
const MAX_SCRIPT: u64 = 4 * 1024 * 1024;

pub(super) async fn run(args: args::Model) -> anyhow::Result<()> {
    let script = match &args.script {
        None => Script::hello(),
        Some(path) => read(path)?,
    };
    let journal = match &args.requests {
        None => Journal::default(),
        Some(path) => {
            let file = private::append(path).with_context(|| format!("cannot write {}", path.display()))?;
            Journal::appending_to(file)
        }
    };
    let listener = bind(&args.listen).await?;
    let address = listener.local_addr()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    announce(address, args.json)?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    serve_with(listener, script, journal, shutdown).await.context("the server failed")
}

/// Reads a script.
pub(super) fn read(path: &Path) -> anyhow::Result<Script> {
    let name = path.display();
    let size = std::fs::metadata(path).map_err(|error| usage(format!("cannot read the script {name}: {error}")))?.len();
    if size > MAX_SCRIPT {
        return Err(usage(format!("the script {name} has {size} bytes, more than the {MAX_SCRIPT} that are read")));
    }
    let text =
        std::fs::read_to_string(path).map_err(|error| usage(format!("cannot read the script {name}: {error}")))?;
    Script::parse(&text).map_err(|error| usage(format!("{name}: {error}")))
}

pub(super) async fn bind(listen: &str) -> anyhow::Result<TcpListener> {
    let full = if listen.starts_with(':') { format!("127.0.0.1{listen}") } else { listen.to_owned() };
    let address: SocketAddr = full
        .replace("localhost", "127.0.0.1")
        .parse()
        .map_err(|_| usage(format!("{listen:?} is no address; write 127.0.0.1:PORT or :0")))?;
    if !address.ip().is_loopback() {
        return Err(usage(format!("{address} is not a loopback address; this server is for this machine only")));
    }
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; another --listen, or :0 for a free port"))
}

fn announce(address: SocketAddr, as_json: bool) -> std::io::Result<()> {
    let url = format!("http://{address}");
    if as_json {
        output::line(&json!({ "event": "listening", "url": url }).to_string())
    } else {
        output::line(&format!(
            "the scripted model listens on {url} (OpenAI Responses: {url}/v1, Anthropic and Gemini: {url})"
        ))
    }
}
