//! `acp-bridge import`.

use std::fs::File;
use std::io::{BufRead, BufReader};

use acp_types::{SessionId, printable};
use anyhow::Context;
use serde_json::json;

use super::{args, offline, output};
use crate::log::SqliteLog;

/// What is read of an export at once.
const BUFFER: usize = 256 * 1024;

pub(super) async fn run(args: args::Import) -> anyhow::Result<()> {
    let log = offline::file(&args.log)?.to_owned();
    let export: Box<dyn BufRead + Send> = if args.file.as_os_str() == "-" {
        Box::new(BufReader::with_capacity(BUFFER, std::io::stdin()))
    } else {
        let file = File::open(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
        Box::new(BufReader::with_capacity(BUFFER, file))
    };
    let id = args.new_id.then(|| SessionId::from(uuid::Uuid::now_v7().to_string()));
    let imported = tokio::task::spawn_blocking(move || SqliteLog::import(&log, export, id));
    let info = imported.await.context("the import panicked")??;
    if args.json {
        let said = json!({
            "event": "imported", "sessionId": info.id, "cwd": info.cwd, "title": info.title, "head": info.head,
            "oldest": info.oldest, "openTurns": info.open_turns,
        });
        return Ok(output::json(&said.to_string())?);
    }
    let id = printable::line(info.id.as_str());
    output::line(&format!("imported session {id} up to record {}; `serve` on this log goes on with it", info.head))?;
    Ok(())
}
