//! `acp-bridge compact`.

use anyhow::Context;
use serde_json::json;

use super::{amount, args, offline, output};
use crate::log::{Durability, OpenError, SessionLog, SqliteLog};
use crate::retention::{self, Policy, Trimmed};

pub(super) async fn run(args: args::Compact) -> anyhow::Result<()> {
    let path = offline::file(&args.log)?.to_owned();
    let policy = Policy { age: args.trim_before, bytes: args.keep_size };
    let mut trimmed = Trimmed::default();
    if !policy.keeps_everything() {
        // Opening it would make a log where there is none.
        if !path.exists() {
            return Err(OpenError::Io { path, reason: "there is no such file; `serve` creates it".to_owned() }.into());
        }
        let log = SqliteLog::open(&path, Durability::Fsync).await?;
        let passed = retention::pass(&log, &policy, offline::now()).await;
        log.shutdown().await;
        trimmed = passed?;
    }
    let shown = path.display().to_string();
    let compacting = tokio::task::spawn_blocking(move || SqliteLog::compact(&path));
    let sizes = compacting.await.context("compacting panicked")??;
    if args.json {
        let said = json!({
            "event": "compacted", "file": shown, "before": sizes.before, "after": sizes.after,
            "trimmedSessions": trimmed.sessions, "trimmedBytes": trimmed.bytes,
        });
        return Ok(output::json(&said.to_string())?);
    }
    if !policy.keeps_everything() {
        output::line(&format!("trimmed {} of {} sessions", amount::bytes(trimmed.bytes), trimmed.sessions))?;
    }
    let (before, after) = (amount::bytes(sizes.before), amount::bytes(sizes.after));
    output::line(&format!("{shown} had {before} and has {after}"))?;
    Ok(())
}
