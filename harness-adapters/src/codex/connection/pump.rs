//! The task that takes every message of the process to its session, in order.

use std::sync::Arc;

use acp_types::RawBuf;
use bytes::Bytes;
use tokio::sync::mpsc;

use super::began::Began;
use super::files;
use super::router::Router;
use crate::adapter::FromHarness;
use crate::codex::wire;

/// Reads until the process is gone.
pub(super) async fn read(mut from: mpsc::Receiver<FromHarness>, router: Arc<Router>, to: mpsc::Sender<Bytes>) {
    let mut began = Began::default();
    while let Some(message) = from.recv().await {
        match message {
            FromHarness::Line(line) => {
                let line = began.attach(files::attach(wire::repaired(line)).await, &router).await;
                deliver(line, &router, &to).await;
            }
            FromHarness::Exited(failure) => {
                for session in router.end(failure.clone()) {
                    // Whoever has closed the session meanwhile need not know.
                    let _ = session.send(FromHarness::Exited(failure.clone())).await;
                }
            }
        }
    }
}

async fn deliver(line: Bytes, router: &Router, to: &mpsc::Sender<Bytes>) {
    let Some(routed) = router.route(&line) else { return };
    if let Some(session) = routed.session
        && session.send(FromHarness::Line(routed.instead.unwrap_or(line))).await.is_ok()
    {
        for line in routed.after {
            // It was there a moment ago; if it is gone, so is whoever wants to know.
            let _ = session.send(FromHarness::Line(line)).await;
        }
        return;
    }
    router.forget_closed();
    if let Some(id) = routed.question {
        refuse(&id, to).await;
    }
}

/// Refuses a question that nobody can answer. Silence would stop a turn.
async fn refuse(id: &RawBuf, to: &mpsc::Sender<Bytes>) {
    let _ = to.send(wire::bytes(&wire::refuse(id, "this client cannot answer that"))).await;
}
