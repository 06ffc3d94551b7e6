//! State of one client.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::AsyncWrite;
use tokio::sync::{Notify, oneshot};

use super::terminal::Terminal;
use crate::mock::answers::{RpcAnswer, lock};
use crate::mock::breaks::Breaks;
use crate::mock::lines::Output;

/// One client.
pub(super) struct Client {
    pub(super) output: Output,
    pub(super) breaks: Breaks,
    pub(super) directory: PathBuf,
    pub(super) terminals: Mutex<HashMap<String, Arc<Terminal>>>,
    pub(super) made: AtomicU64,
    /// Requests of ours that wait, by id.
    pub(super) asked: Mutex<HashMap<String, oneshot::Sender<RpcAnswer>>>,
    /// Requests of the agent that wait, by id, with what takes them back.
    pub(super) waiting: Mutex<HashMap<String, oneshot::Sender<()>>>,
    /// Told once its user has interrupted it.
    pub(super) interrupted: Notify,
    /// True if it goes away, as a client that fell over does.
    pub(super) over: AtomicBool,
    /// True if it is a process of its own.
    pub(super) is_program: bool,
    /// Its session, once there is one.
    pub(super) session: Mutex<Option<String>>,
    /// Terminals that were released and go on, which a good client does not have.
    pub(super) forgotten: Mutex<Vec<Arc<Terminal>>>,
}

impl Client {
    pub(super) fn new(
        output: impl AsyncWrite + Send + 'static,
        breaks: Breaks,
        directory: PathBuf,
        is_program: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            output: Output::new(output),
            breaks,
            directory,
            terminals: Mutex::default(),
            made: AtomicU64::new(0),
            asked: Mutex::default(),
            waiting: Mutex::default(),
            interrupted: Notify::new(),
            over: AtomicBool::new(false),
            is_program,
            session: Mutex::default(),
            forgotten: Mutex::default(),
        })
    }

    pub(super) async fn send(&self, message: &Value) -> std::io::Result<()> {
        self.output.send(message).await
    }

    pub(super) async fn raw(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.output.raw(bytes).await
    }

    /// Sends a request and waits for its answer; `None` when it will not come.
    pub(super) async fn ask(&self, id: Value, method: &str, params: Value) -> std::io::Result<Option<RpcAnswer>> {
        let answer = self.start(id, method, params).await?;
        Ok(answer.await.ok())
    }

    /// Sends a request.
    pub(super) async fn start(
        &self,
        id: Value,
        method: &str,
        params: Value,
    ) -> std::io::Result<oneshot::Receiver<RpcAnswer>> {
        let (sender, answer) = oneshot::channel();
        lock(&self.asked).insert(id.to_string(), sender);
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await?;
        Ok(answer)
    }
}
