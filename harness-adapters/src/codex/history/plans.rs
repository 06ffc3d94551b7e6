//! The plans of a thread. They are no items; only the file of a thread has the calls that made them.

use std::collections::HashMap;
use std::path::PathBuf;

use acp_types::json;
use serde::Deserialize;
use serde_json::Value;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, BufReader};

/// The last plan of each turn, by the turn.
pub(super) type Plans = HashMap<String, Value>;

/// Turns with plans that are kept.
const MOST: usize = 1024;

#[derive(Deserialize)]
struct Line {
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    name: String,
    /// JSON within JSON.
    arguments: String,
    #[serde(rename = "internal_chat_message_metadata_passthrough")]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    turn_id: String,
}

#[derive(Deserialize)]
struct Arguments {
    plan: Value,
}

/// Reads them. A file that cannot be read, or is written in another way, has none.
pub(super) async fn collect(file: Option<PathBuf>) -> Plans {
    let mut plans = Plans::new();
    let Some(path) = file else { return plans };
    let Ok(file) = File::open(&path).await else { return plans };
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line).await, Ok(length) if length > 0) {
        if plans.len() < MOST
            && memchr::memmem::find(&line, b"\"update_plan\"").is_some()
            && let Some((turn, plan)) = plan(&line)
        {
            plans.insert(turn, plan);
        }
        line.clear();
    }
    plans
}

fn plan(line: &[u8]) -> Option<(String, Value)> {
    let Line { payload } = json::from_slice(line).ok()?;
    let arguments: Arguments = json::from_str(&payload.arguments).ok()?;
    (payload.name == "update_plan").then_some((payload.metadata.turn_id, arguments.plan))
}
