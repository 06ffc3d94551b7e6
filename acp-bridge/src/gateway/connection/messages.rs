//! Messages of the client that are no requests: notifications, its answers to agents, and what it gives up.

use acp_server::proto::{IncomingNotification, Payload, Rejection, RequestKey, ResponseError};
use acp_types::{RequestId, SessionId};

use super::{Connection, Phase, Then};
use crate::gateway::outgoing::Asked;
use crate::gateway::prompts::GivenUp;
use crate::service::Operation;
use crate::service::command::{self, Stop};
use crate::session::Command;
use crate::view::{ClientAnswer, Notification};

impl Connection {
    pub(super) fn notification(&mut self, notification: &IncomingNotification) {
        let name = notification.method();
        if self.phase != Phase::Ready {
            tracing::warn!(client = %self.out.client, name, "a notification came before initialize and is ignored");
            return;
        }
        let attached = |session: &SessionId| self.attachments.contains(session);
        match self.out.view.notification(notification, &attached) {
            Some(Notification::Cancel { session, command }) => self.cancel(session, command),
            Some(Notification::Pass { session, command }) => {
                if session.as_ref().is_some_and(|session| self.may(Operation::Notify, Some(session)).is_err()) {
                    tracing::warn!(client = %self.out.client, name, "an observer's notification is ignored");
                    return;
                }
                self.submit(session, command, Then::Nothing);
            }
            None => {}
        }
    }

    fn cancel(&mut self, session: SessionId, command: Command) {
        if self.may(Operation::Cancel, Some(&session)).is_err() {
            tracing::warn!(client = %self.out.client, %session, "an observer's stop is ignored");
            return;
        }
        self.submit(Some(session), command, Then::Nothing);
    }

    /// Takes the client's answer to a request of an agent.
    pub(super) fn response(&mut self, key: RequestKey, outcome: Result<Payload, ResponseError>) {
        let Some(Asked { session, request, withdrawn }) = self.out.answered(key) else { return };
        let answer = match self.out.view.answer(outcome) {
            ClientAnswer::Result(result) => Ok(result),
            _ if withdrawn => return,
            ClientAnswer::Error(error) => Err(error),
            // Whoever else is here can still answer; when nobody can, this is the answer.
            ClientAnswer::Unable(error) if self.declines(&session, request, &error) => Err(error),
            ClientAnswer::Unable(_) | ClientAnswer::Nothing => return,
        };
        self.submit(Some(session), command::answer(request, answer), Then::Nothing);
    }

    /// Gives up a request of the client. Only a prompt can be stopped; the answer comes as for any stop.
    pub(super) fn cancelled(&mut self, id: &RequestId) {
        if let Some(GivenUp::Running { session, turn }) = self.out.prompts.give_up(id) {
            self.cancel(session, command::cancel(Stop { turn: Some(turn), ..Stop::default() }));
        }
    }

    /// Logs a message that is none; it has been answered already. JSON-RPC answers no notification, whatever its params
    /// are.
    pub(super) fn rejected(&self, reason: &Rejection) {
        if let Rejection::Frame(error) = reason
            && !error.wants_answer()
            && !error.is_response_like()
        {
            tracing::warn!(client = %self.out.client, %reason, "a client's notification cannot be read");
        } else {
            tracing::debug!(client = %self.out.client, %reason, "a client was told that its message is none");
        }
    }
}
