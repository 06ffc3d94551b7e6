//! `acp-bridge doctor`.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use acp_types::printable;
use serde_json::json;

use super::client::Client;
use super::exit::{Exit, coded};
use super::{agent, args, output};
use crate::{archive, host, log};

/// Time that the agent has to say what it is.
const AGENT_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) async fn run(args: args::Doctor) -> anyhow::Result<()> {
    let mut checks = Checks { json: args.json, failed: false };
    if let Some(url) = &args.log {
        let path = url.strip_prefix("sqlite:").unwrap_or(url);
        checks.report("log", check_log(Path::new(path)))?;
    }
    if let Some(agent::Named { spec, .. }) = agent::spec(&args.agent).await? {
        checks.report("agent", host::probe(&spec, AGENT_TIMEOUT).await.map_err(|e| e.to_string()))?;
    }
    let bridge = Client::connect(&args.url.url).await;
    checks.report("bridge", bridge.map(|_| format!("answers at {}", args.url.url)).map_err(|e| format!("{e:#}")))?;
    if checks.failed {
        return Err(coded(Exit::Failed, "at least one check failed"));
    }
    Ok(())
}

fn check_log(path: &Path) -> Result<String, String> {
    if !path.exists() {
        return Ok(format!("{} does not exist yet; `serve` creates it", path.display()));
    }
    let checked = archive::check(path).map_err(|e| e.to_string())?;
    let mut said = format!("{} is sound: {} records of {} sessions", path.display(), checked.records, checked.sessions);
    if checked.definitions > 0 {
        // Writing to a string does not fail.
        let _ = write!(
            said,
            "; {} of them hold definitions of MCP servers as an earlier version wrote them: `serve` takes them out and \
             starts none",
            checked.definitions
        );
    }
    if let Some(why) = log::SqliteLog::written_by_others(path) {
        let _ = write!(said, "; what its sessions say starts nothing, since {why}");
    }
    for file in log::SqliteLog::read_by_others(path) {
        let _ = write!(said, "; other users can read {}", file.display());
    }
    Ok(said)
}

struct Checks {
    json: bool,
    failed: bool,
}

impl Checks {
    fn report(&mut self, name: &str, outcome: Result<String, String>) -> std::io::Result<()> {
        let (ok, text) = match &outcome {
            Ok(text) => (true, text),
            Err(text) => (false, text),
        };
        self.failed |= !ok;
        if self.json {
            output::json(&json!({ "check": name, "ok": ok, "detail": text }).to_string())
        } else {
            output::line(&format!("{} {name}: {}", if ok { "ok    " } else { "FAILED" }, printable::line(text)))
        }
    }
}
