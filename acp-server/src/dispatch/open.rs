//! Requests that are being handled, and how to cancel them.

use std::collections::HashMap;

use acp_types::method::{Notification as _, Request as _, v1};
use acp_types::{Raw, RequestId};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use crate::proto::{Incoming, IncomingNotification};

#[derive(Debug, Default)]
pub(super) struct OpenCalls(HashMap<RequestId, OpenCall>);

#[derive(Debug)]
struct OpenCall {
    token: CancellationToken,
    /// The session whose `session/cancel` stops it, for a prompt.
    session: Option<String>,
}

impl OpenCalls {
    /// Before the handler starts, so that a cancellation that follows at once is not lost.
    pub(super) fn open(&mut self, request: &Incoming) -> CancellationToken {
        let token = CancellationToken::new();
        let prompt = request.method() == v1::Prompt::METHOD.name;
        let session = if prompt { session_of(request.params()) } else { None };
        self.0.insert(request.id().clone(), OpenCall { token: token.clone(), session });
        token
    }

    pub(super) fn close(&mut self, id: &RequestId) {
        self.0.remove(id);
    }

    pub(super) fn done(&mut self, done: Result<RequestId, JoinError>) {
        match done {
            Ok(id) => self.close(&id),
            Err(error) => tracing::error!(%error, "a handler was lost"),
        }
    }

    pub(super) fn cancel(&self, id: &RequestId) {
        if let Some(call) = self.0.get(id) {
            call.token.cancel();
        }
    }

    /// If the notification is `session/cancel`, the prompts of its session are cancelled.
    pub(super) fn session_cancel(&self, notification: &IncomingNotification) {
        if notification.method() != v1::Cancel::METHOD.name {
            return;
        }
        let session = session_of(notification.params());
        for call in self.0.values().filter(|call| session.is_some() && call.session == session) {
            call.token.cancel();
        }
    }

    pub(super) fn cancel_all(&self) {
        self.0.values().for_each(|call| call.token.cancel());
    }
}

fn session_of(params: Option<Raw<'_>>) -> Option<String> {
    Some(params?.member("sessionId")?.as_string()?.into_owned())
}
