//! State of one connection of the agent.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::AsyncWrite;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::session::Session;
use crate::mock::answers::RpcAnswer;
use crate::mock::breaks::Breaks;
use crate::mock::lines::Output;

/// One connection of the agent.
pub(super) struct Agent {
    pub(super) output: Output,
    pub(super) breaks: Breaks,
    pub(super) sessions: Mutex<HashMap<String, Session>>,
    /// Requests of ours that wait, by id.
    pub(super) asked: Mutex<HashMap<u64, oneshot::Sender<RpcAnswer>>>,
    /// True if it was initialized.
    pub(super) begun: AtomicBool,
    /// True if the client takes skills.
    pub(super) skills: AtomicBool,
    /// Ids that were given.
    pub(super) counted: AtomicU64,
    /// Commands that go on when their turn is over.
    pub(super) background: Mutex<JoinSet<()>>,
}

impl Agent {
    pub(super) fn new(output: impl AsyncWrite + Send + 'static, breaks: Breaks) -> Arc<Self> {
        Arc::new(Self {
            output: Output::new(output),
            breaks,
            sessions: Mutex::default(),
            asked: Mutex::default(),
            begun: AtomicBool::default(),
            skills: AtomicBool::default(),
            counted: AtomicU64::default(),
            background: Mutex::default(),
        })
    }

    pub(super) async fn raw(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.output.raw(bytes).await
    }

    pub(super) async fn send(&self, message: &Value) -> std::io::Result<()> {
        self.output.send(message).await
    }

    pub(super) async fn answer(&self, id: &Value, outcome: RpcAnswer) -> std::io::Result<()> {
        self.output.answer(id, outcome, &self.breaks).await?;
        if self.breaks.has("RPC-01") {
            self.send(&json!({ "id": id, "done": true })).await?;
        }
        Ok(())
    }

    pub(super) async fn update(&self, session: &str, update: Value) -> std::io::Result<()> {
        let params = json!({ "sessionId": session, "update": update });
        self.send(&json!({ "jsonrpc": "2.0", "method": "session/update", "params": params })).await
    }

    /// A new id for something of this kind.
    pub(super) fn id(&self, kind: &str) -> String {
        format!("{kind}-{}", self.counted.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
