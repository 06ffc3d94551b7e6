//! `acp-bridge stop`.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use super::exit::{Exit, coded};
use super::{args, offline, output};
use crate::log::SqliteLog;

/// Time between two looks whether the bridge has ended.
const POLL: Duration = Duration::from_millis(50);

pub(super) async fn run(args: args::Stop) -> anyhow::Result<()> {
    let path = offline::file(&args.log)?;
    let deadline = Instant::now() + args.timeout;
    let pid = holder(path, deadline).await?;
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw).context("the lock of the log names no process")?;
    // It holds the lock, so the number is its own.
    kill_process(process, Signal::TERM).with_context(|| format!("cannot stop the bridge (process {pid})"))?;
    while SqliteLog::holder(path)?.is_some_and(|now| now.is_none_or(|now| now == pid)) {
        if Instant::now() >= deadline {
            let message = format!("the bridge (process {pid}) has not ended within {} s", args.timeout.as_secs());
            return Err(coded(Exit::Failed, message));
        }
        tokio::time::sleep(POLL).await;
    }
    output::line(&format!("the bridge of {} has ended (process {pid})", path.display()))?;
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
