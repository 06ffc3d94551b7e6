//! The messages that wait for the client, in order.

use std::collections::VecDeque;

use acp_server::ClientPeer;
use acp_types::method::{Notification as _, v1 as method};
use acp_types::{RawBuf, frame, v1};
use bytes::Bytes;

use super::fit::{self, fit};
use crate::failure::Failure;
use crate::translate::{Answer, AskId, Question, RequestId};

/// Result of a request of the client.
pub(super) type RequestResult = Result<Answer, Failure>;

/// One message for the client.
pub(super) enum ToClient {
    /// A `session/update`, as it is sent.
    Update(Bytes),
    /// A question.
    Ask(AskId, Box<Question>),
    /// The answer to a request.
    Answer(RequestId, RequestResult),
}

/// The queue of one session. Its driver stops reading the harness when it is long.
pub(super) struct ClientQueue {
    session: v1::SessionId,
    waiting: VecDeque<ToClient>,
}

impl ClientQueue {
    /// An empty queue.
    pub(super) fn new(session: v1::SessionId) -> Self {
        Self { session, waiting: VecDeque::new() }
    }

    /// Number of messages that wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// True if nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Queues a `session/update`, of a child session if one is given, in parts if it is too long for one message.
    pub(super) fn update(&mut self, child: Option<v1::SessionId>, update: v1::SessionUpdate) {
        let session = child.unwrap_or_else(|| self.session.clone());
        let notification = v1::SessionNotification::new(session.clone(), update);
        match written(&notification) {
            Some(frame) if frame.len() <= fit::MESSAGE => self.waiting.push_back(ToClient::Update(frame)),
            Some(_) => {
                for part in fit(notification.update) {
                    let frame = written(&v1::SessionNotification::new(session.clone(), part));
                    match frame.filter(|frame| frame.len() <= fit::LONGEST) {
                        Some(frame) => self.waiting.push_back(ToClient::Update(frame)),
                        None => tracing::error!("an update is too long for the client and cannot be cut; it is lost"),
                    }
                }
            }
            None => {}
        }
    }

    /// Queues a question; false if it is too long for one message and cannot be cut.
    pub(super) fn ask(&mut self, ask: AskId, question: Question) -> bool {
        let fitting = match question {
            Question::Permission(question) => fit(question).pop().map(Question::Permission),
            Question::Form(question) => fit(question).pop().map(Question::Form),
        };
        let Some(question) = fitting else { return false };
        self.waiting.push_back(ToClient::Ask(ask, Box::new(question)));
        true
    }

    /// Removes a question that was not sent yet.
    pub(super) fn withdraw(&mut self, ask: AskId) {
        self.waiting.retain(|out| !matches!(out, ToClient::Ask(waiting, _) if *waiting == ask));
    }

    /// Queues the answer to a request.
    pub(super) fn answer(&mut self, id: RequestId, answer: RequestResult) {
        self.waiting.push_back(ToClient::Answer(id, answer));
    }

    /// Sends the first message if it is an update. Dropping the future sends nothing.
    pub(super) async fn send_first(&self, client: &ClientPeer) -> Result<(), acp_server::Closed> {
        match self.waiting.front() {
            Some(ToClient::Update(frame)) => client.peer().outbox().frame(frame.clone()).await,
            _ => Ok(()),
        }
    }

    /// Takes the first message.
    pub(super) fn pop(&mut self) -> Option<ToClient> {
        self.waiting.pop_front()
    }
}

fn written(notification: &v1::SessionNotification) -> Option<Bytes> {
    let params = RawBuf::encode(notification)
        .inspect_err(|error| tracing::error!(%error, "an update cannot be written"))
        .ok()?;
    Some(Bytes::from(frame::notification(method::SessionUpdate::METHOD.name, Some(params.as_raw()))))
}
