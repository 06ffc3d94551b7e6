//! `acp-bridge import`.

use std::fs::File;
use std::io::{BufRead, BufReader};

use acp_types::{SessionId, printable};
use anyhow::Context;
use serde_json::json;

use super::{args, offline, output, ownership};
use crate::archive;

/// Bytes of an export that are read at once.
const BUFFER: usize = 256 * 1024;

pub(super) async fn run(args: args::Import) -> anyhow::Result<()> {
    let log = offline::file(&args.log)?.to_owned();
    let export: Box<dyn BufRead + Send> = if args.file.as_os_str() == "-" {
        Box::new(BufReader::with_capacity(BUFFER, std::io::stdin()))
    } else {
        let file = File::open(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
        Box::new(BufReader::with_capacity(BUFFER, file))
    };
    let is_new = !log.exists();
    let path = log.clone();
    let id = args.new_id.then(|| SessionId::from(uuid::Uuid::now_v7().to_string()));
    let imported = tokio::task::spawn_blocking(move || archive::import(&log, export, id, offline::now()));
    let imported = imported.await.context("the import panicked")??;
    let info = imported.session;
    // A session of that id may have been here before. What was kept of it is not for this one.
    let secrets = ownership::secrets_of(&path, is_new, args.secrets.as_deref()).await?;
    secrets.forget(&info.id).await.context("what was kept of an earlier session of that id cannot be deleted")?;
    if args.json {
        let said = json!({
            "event": "imported", "sessionId": info.id, "cwd": info.cwd, "title": info.title, "head": info.head,
            "oldest": info.oldest, "openTurns": info.open_turns,
            "disarmed": imported.disarmed,
        });
        return Ok(output::json(&said.to_string())?);
    }
    let (id, cwd) = (printable::line(info.id.as_str()), printable::line(&info.cwd));
    output::line(&format!(
        "imported session {id} in {cwd} up to record {}; `serve` on this log goes on with it",
        info.head
    ))?;
    for what in &imported.disarmed {
        output::line(&format!("  disarmed: {}", printable::line(what)))?;
    }
    if !imported.disarmed.is_empty() {
        output::line(
            "nothing of that has an effect; `acp-bridge trust` puts lanes and policy in force, turns and servers stay dropped",
        )?;
    }
    Ok(())
}
