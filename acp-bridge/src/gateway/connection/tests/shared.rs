//! `session/attach` and `session/detach`: roles, histories, and who else is there.

mod history;
mod leaving;
mod others;

use serde_json::{Value, json};

use super::kit::Log;

/// A session in which somebody else prompts, the agent says three things and asks one.
fn busy() -> (Log, u64, u64) {
    let mut log = Log::new();
    let turn = log.prompt("other");
    for text in ["a", "b", "c"] {
        log.chunk(turn, text);
    }
    let request = log.ask(Some(turn));
    (log, turn, request)
}

fn observer() -> Value {
    json!({ "role": "observer", "historyPolicy": "none" })
}
