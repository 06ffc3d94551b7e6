//! `acp-bridge stop`.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use acp_types::api::SessionApiClient;
use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::exit::{Exit, coded};
use super::{api, args, offline, output};
use crate::log::SqliteLog;

/// Between two looks whether the bridge has ended.
const POLL: Duration = Duration::from_millis(50);

pub(super) async fn run(args: args::Stop) -> anyhow::Result<()> {
    let deadline = Instant::now() + args.timeout;
    match &args.url {
        Some(url) => at(url, deadline, args.timeout).await,
        None => with_log(offline::file(&args.log)?, deadline, args.timeout).await,
    }
}

/// Asks the bridge at a URL to stop.
async fn at(url: &str, deadline: Instant, patience: Duration) -> anyhow::Result<()> {
    let client = api::connect(url).await?;
    let process = client.bridge_stop().await.map_err(api::failed)?.process;
    let host = url.split_once("://").map_or(url, |(_, host)| host).trim_end_matches('/').to_owned();
    // Only a process of this machine can be looked at.
    let here =
        host.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback()) || host.starts_with("localhost");
    let here = here.then(|| i32::try_from(process).ok().and_then(Pid::from_raw)).flatten();
    loop {
        // An editor that is attached has another one started at the same address: its process is what tells.
        let runs = match here {
            Some(process) => lives(process),
            None => TcpStream::connect(&host).await.is_ok(),
        };
        if !runs {
            break;
        }
        wait(deadline, process, patience).await?;
    }
    output::line(&format!("the bridge at {url} has ended (process {process})"))?;
    Ok(())
}

/// Stops the bridge that has a log.
async fn with_log(path: &Path, deadline: Instant, patience: Duration) -> anyhow::Result<()> {
    let pid = holder(path, deadline).await?;
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw).context("the lock of the log names no process")?;
    // It holds the lock, so the number is its own.
    kill_process(process, Signal::TERM).with_context(|| format!("cannot stop the bridge (process {pid})"))?;
    while SqliteLog::holder(path)?.is_some_and(|now| now.is_none_or(|now| now == pid)) {
        wait(deadline, pid, patience).await?;
    }
    output::line(&format!("the bridge of {} has ended (process {pid})", path.display()))?;
    Ok(())
}

/// Returns whether a process runs. One that its parent has not asked after yet has ended all the same.
fn lives(process: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok();
    match stat.as_deref().and_then(|stat| stat.rsplit_once(") ")) {
        Some((_, fields)) => !fields.starts_with('Z'),
        None => test_kill_process(process).is_ok(),
    }
}

/// Waits a moment for a process to end.
async fn wait(deadline: Instant, process: u32, patience: Duration) -> anyhow::Result<()> {
    if Instant::now() >= deadline {
        let message = format!("the bridge (process {process}) has not ended within {} s", patience.as_secs());
        return Err(coded(Exit::Failed, message));
    }
    tokio::time::sleep(POLL).await;
    Ok(())
}

/// The process that has the log.
async fn holder(path: &Path, deadline: Instant) -> anyhow::Result<u32> {
    loop {
        match SqliteLog::holder(path)? {
            Some(Some(pid)) => return Ok(pid),
            // It begins, or has just ended.
            Some(None) if Instant::now() < deadline => tokio::time::sleep(POLL).await,
            _ => {
                let message = format!("no bridge has {}; name its log with --log", path.display());
                return Err(coded(Exit::Unreachable, message));
            }
        }
    }
}
