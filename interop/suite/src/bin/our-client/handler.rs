//! What the agent calls.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acp_server::types::Raw;
use acp_server::types::v1::{
    ContentBlock, RequestPermissionOutcome, RequestPermissionRequest, RequestPermissionResponse,
    SelectedPermissionOutcome, SessionNotification, SessionUpdate,
};
use acp_server::{Answer, Client, ClientContext};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// What the handlers and the steps share.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) measuring: AtomicBool,
    pub(crate) updates: AtomicU64,
    pub(crate) wanted: AtomicU64,
    pub(crate) reached: Notify,
    /// For how long the next update is not taken, in milliseconds.
    pub(crate) stall: AtomicU64,
    /// The last chunk that was JSON, while measuring.
    pub(crate) last: Mutex<String>,
    /// How permission requests are answered; `yes` when empty.
    pub(crate) permission: Mutex<String>,
    pub(crate) session: Mutex<Value>,
}

pub(crate) fn set<T>(place: &Mutex<T>, value: T) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = value;
}

pub(crate) fn get<T: Clone>(place: &Mutex<T>) -> T {
    place.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

pub(crate) fn print(line: &Value) {
    println!("{line}");
}

pub(crate) struct OurClient(pub(crate) Arc<State>);

impl Client for OurClient {
    async fn session_update(&self, update: SessionNotification, _: &ClientContext) {
        let state = &self.0;
        if !state.measuring.load(Ordering::Relaxed) {
            print(&json!({ "update": update }));
            return;
        }
        let stall = state.stall.swap(0, Ordering::Relaxed);
        if stall > 0 {
            tokio::time::sleep(Duration::from_millis(stall)).await;
        }
        let SessionUpdate::AgentMessageChunk(chunk) = update.update else { return };
        if let ContentBlock::Text(text) = chunk.content
            && text.text.starts_with('{')
        {
            set(&state.last, text.text);
        }
        if state.updates.fetch_add(1, Ordering::Relaxed) + 1 == state.wanted.load(Ordering::Relaxed) {
            state.reached.notify_one();
        }
    }

    async fn request_permission(
        &self,
        request: RequestPermissionRequest,
        _: &ClientContext,
    ) -> Answer<RequestPermissionResponse> {
        if !self.0.measuring.load(Ordering::Relaxed) {
            print(&json!({ "ask": request }));
        }
        let choice = get(&self.0.permission);
        Ok(RequestPermissionResponse::new(match choice.as_str() {
            "cancel" => RequestPermissionOutcome::Cancelled,
            "" => RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new("yes")),
            choice => RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(choice.to_owned())),
        }))
    }

    async fn ext_notification(&self, method: &str, params: Option<Raw<'_>>, _: &ClientContext) {
        let params: Value = params.and_then(|params| params.decode().ok()).unwrap_or_default();
        print(&json!({ "notification": method, "params": params }));
    }
}
