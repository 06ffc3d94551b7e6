//! Context of a message that a handler handles.

use acp_types::{Raw, RequestId};
use tokio_util::sync::CancellationToken;

use crate::peer::{AgentPeer, ClientPeer};
use crate::proto::{Incoming, IncomingNotification};

/// Goes with every message to its handler: the way back to the peer, whether the request was cancelled, and the message
/// as received.
#[derive(Debug)]
pub struct Context<P> {
    peer: P,
    message: Message,
    answered: CancellationToken,
}

#[derive(Debug)]
enum Message {
    Request(Incoming, CancellationToken),
    Notification(IncomingNotification),
}

impl<P> Context<P> {
    pub(crate) fn of_request(peer: P, request: Incoming, cancelled: CancellationToken) -> Self {
        Self { peer, message: Message::Request(request, cancelled), answered: CancellationToken::new() }
    }

    pub(crate) fn of_notification(peer: P, notification: IncomingNotification) -> Self {
        Self { peer, message: Message::Notification(notification), answered: CancellationToken::new() }
    }

    /// The method called.
    #[must_use]
    pub fn method(&self) -> &str {
        match &self.message {
            Message::Request(request, _) => request.method(),
            Message::Notification(notification) => notification.method(),
        }
    }

    /// The params as received, unknown members and number formats included.
    #[must_use]
    pub fn params(&self) -> Option<Raw<'_>> {
        match &self.message {
            Message::Request(request, _) => request.params(),
            Message::Notification(notification) => notification.params(),
        }
    }

    /// The request's id; `None` for a notification.
    #[must_use]
    pub fn request_id(&self) -> Option<&RequestId> {
        match &self.message {
            Message::Request(request, _) => Some(request.id()),
            Message::Notification(_) => None,
        }
    }

    /// Waits until the peer cancels the request, by `$/cancel_request` or, for a prompt, by `session/cancel`; or until
    /// it is gone. For a notification it waits forever.
    pub async fn cancelled(&self) {
        match &self.message {
            Message::Request(_, cancelled) => cancelled.cancelled().await,
            Message::Notification(_) => std::future::pending().await,
        }
    }

    /// Returns whether [`Context::cancelled`] has fired.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(&self.message, Message::Request(_, cancelled) if cancelled.is_cancelled())
    }

    /// A token that fires once the answer to the request is on its way, for what the peer may only get after it. For a
    /// notification it never fires.
    #[must_use]
    pub fn answered(&self) -> CancellationToken {
        self.answered.clone()
    }

    /// A token that is cancelled with the request, for work that is handed to others. For a notification it never is.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        match &self.message {
            Message::Request(_, cancelled) => cancelled.clone(),
            Message::Notification(_) => CancellationToken::new(),
        }
    }
}

impl Context<ClientPeer> {
    /// The client that called.
    #[must_use]
    pub fn client(&self) -> &ClientPeer {
        &self.peer
    }
}

impl Context<AgentPeer> {
    /// The agent that called.
    #[must_use]
    pub fn agent(&self) -> &AgentPeer {
        &self.peer
    }
}
