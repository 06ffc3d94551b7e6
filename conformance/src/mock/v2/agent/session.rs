//! One session of the agent.

use std::collections::HashMap;

use serde_json::Value;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

/// One session.
pub(super) struct Session {
    pub(super) cwd: String,
    /// True if it can be prompted.
    pub(super) active: bool,
    /// Updates that are replayed.
    pub(super) history: Vec<Value>,
    /// Ends the running turn.
    pub(super) stop: Option<oneshot::Sender<()>>,
    /// True if a turn runs.
    pub(super) running: watch::Sender<bool>,
    /// The chosen value of its option.
    pub(super) style: String,
    /// Keys of prompts, with the ids of their messages.
    pub(super) keys: HashMap<String, String>,
    /// Terminals of the background, with what ends them.
    pub(super) background: Vec<(String, AbortHandle)>,
    /// A tool call that can be stopped, and what does that.
    pub(super) stoppable: Option<(String, oneshot::Sender<()>)>,
}
