//! State of one connection of the agent.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::AsyncWrite;
use tokio::sync::{Notify, oneshot};

use super::server::Server;
use super::store::Store;
use crate::mock::answers::RpcAnswer;
use crate::mock::breaks::Breaks;
use crate::mock::lines::Output;

/// One connection of the agent.
pub(super) struct Agent {
    pub(super) output: Output,
    pub(super) breaks: Breaks,
    pub(super) store: Store,
    /// Sessions that are active on this connection, with their running turn's stop.
    pub(super) here: Mutex<HashMap<String, Option<oneshot::Sender<()>>>>,
    /// Requests of ours that wait, by id as JSON.
    pub(super) asked: Mutex<HashMap<String, oneshot::Sender<RpcAnswer>>>,
    /// Messages to be sent behind the next answer, which a good agent does not have.
    pub(super) late: Mutex<Vec<Value>>,
    /// A cancel without a turn, which a good agent forgets.
    pub(super) stale: Mutex<Option<()>>,
    /// Stops of turns that nobody will stop.
    pub(super) forgotten: Mutex<Vec<oneshot::Sender<()>>>,
    /// Messages of the client, for a suite that wants to know what came through.
    pub(super) got: Mutex<Vec<Value>>,
    /// A turn has ended the agent.
    pub(super) died: Notify,
    /// Capabilities of the client.
    pub(super) client: Mutex<Value>,
    /// True if it was initialized.
    pub(super) greeted: AtomicBool,
    /// The newest request of ours.
    pub(super) latest: AtomicU64,
    /// Children at work, with what stops them.
    pub(super) children: Mutex<HashMap<String, oneshot::Sender<()>>>,
    /// MCP servers by session.
    pub(super) servers: tokio::sync::Mutex<HashMap<String, Vec<Server>>>,
}

impl Agent {
    pub(super) fn new(output: impl AsyncWrite + Send + 'static, breaks: Breaks, store: Store) -> Arc<Self> {
        Arc::new(Self {
            output: Output::new(output),
            breaks,
            store,
            here: Mutex::default(),
            asked: Mutex::default(),
            late: Mutex::default(),
            stale: Mutex::default(),
            forgotten: Mutex::default(),
            got: Mutex::default(),
            died: Notify::new(),
            client: Mutex::default(),
            greeted: AtomicBool::default(),
            latest: AtomicU64::default(),
            children: Mutex::default(),
            servers: tokio::sync::Mutex::default(),
        })
    }

    pub(super) async fn raw(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.output.raw(bytes).await
    }

    pub(super) async fn send(&self, message: &Value) -> std::io::Result<()> {
        self.output.send(message).await
    }

    pub(super) async fn update(&self, session: &str, update: Value) -> std::io::Result<()> {
        let params = json!({ "sessionId": session, "update": update });
        self.send(&json!({ "jsonrpc": "2.0", "method": "session/update", "params": params })).await
    }
}
