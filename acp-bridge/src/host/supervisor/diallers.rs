//! Diallers on their way to their session.

use std::sync::Arc;

use acp_types::error::ErrorCode;

use super::{Finished, Supervisor};
use crate::dial::Offer;
use crate::host::agent::failure;
use crate::host::inbox::Envelope;
use crate::host::links::Arrived;
use crate::session::{Command, QueueCommand};

impl Supervisor {
    /// Lets a session say whether it wants a dialler that nobody waits for.
    pub(super) fn dialled(&mut self, offer: Offer) {
        let (place, client, command, instance) = match self.context.broker.links().arrives(offer) {
            Arrived::Done => return,
            Arrived::Ask { place, client, agent } => {
                let command = Command::Dial { lane: Arc::clone(&place.1), agent };
                (place, client, command, None)
            }
            // Any command opens the session; this one changes nothing.
            Arrived::Returns { place, client, instance } => {
                (place, client, Command::Queue(QueueCommand::List), Some(instance))
            }
        };
        let (envelope, answer) = Envelope::internal(&self.context.member, place.0.clone(), client, command);
        self.dispatch(envelope);
        let broker = Arc::clone(&self.context.broker);
        self.tasks.spawn(async move {
            let answer = answer.await.unwrap_or_else(|_| Err(failure("the session is being closed")));
            let links = broker.links();
            match (answer, instance) {
                (Ok(_), None) => {}
                (Ok(_), Some(instance)) => links.asked(&instance, None),
                (Err(error), Some(instance)) => {
                    let is_final = error.code() != ErrorCode::INTERNAL_ERROR.0;
                    links.asked(&instance, Some((error.message(), is_final)));
                }
                (Err(error), None) if error.code() == ErrorCode::INTERNAL_ERROR.0 => {
                    links.not_now(&place, error.message());
                }
                (Err(error), None) => links.dismiss(&place.0, Some(&place.1), error.message()),
            }
            Finished::General
        });
    }
}
