//! Diallers on their way to their session.

use std::sync::Arc;

use super::{Finished, Supervisor};
use crate::host::door;
use crate::host::inbox::Envelope;
use crate::remote_agent::registry::Arrived;
use crate::remote_agent::transport::IncomingAgent;
use crate::session::{Command, QueueCommand, Refusal, RefusalKind};

impl Supervisor {
    /// Lets a session say whether it wants a dialler that nobody waits for.
    pub(super) fn dialled(&mut self, offer: IncomingAgent) {
        let (place, client, command, instance) = match self.context.pool.registry().arrives(offer) {
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
        let pool = Arc::clone(&self.context.pool);
        self.tasks.spawn(async move {
            let answer = answer.await.unwrap_or(Err(Refusal::SessionClosing));
            let registry = pool.registry();
            match (answer, instance) {
                (Ok(_), None) => {}
                (Ok(_), Some(instance)) => registry.resolve_return(&instance, None),
                (Err(why), Some(instance)) => {
                    registry.resolve_return(&instance, Some((&why.to_string(), is_final(&why))))
                }
                (Err(why), None) if is_final(&why) => registry.dismiss(&place.0, Some(&place.1), &why.to_string()),
                (Err(why), None) => registry.reject_temporarily(&place, &why.to_string()),
            }
            Finished::General
        });
    }
}

/// Whether it does not help the dialler to come again.
fn is_final(why: &Refusal) -> bool {
    match why.kind() {
        RefusalKind::Missing | RefusalKind::Invalid | RefusalKind::Unfit => true,
        RefusalKind::Busy | RefusalKind::Failed => false,
        RefusalKind::Agent => !matches!(why, Refusal::Agent { error } if door::failed_inside(error)),
    }
}

#[cfg(test)]
mod tests {
    use acp_types::RawBuf;

    use super::is_final;
    use crate::session::Refusal;

    #[test]
    fn a_dialler_comes_again_where_that_may_help() {
        let agent = |text: &str| Refusal::Agent { error: RawBuf::parse(text).unwrap() };
        for why in [
            Refusal::SessionBusy,
            Refusal::SessionClosing,
            Refusal::LogClosed,
            Refusal::SessionClosed,
            agent(r#"{"code":-32603,"message":"m"}"#),
        ] {
            assert!(!is_final(&why), "{why:?}");
        }
        for why in [
            Refusal::UnknownSession { session: "s".into() },
            Refusal::LaneNotDialled { lane: "a".into() },
            Refusal::TooManyLanes { max: 8 },
            agent(r#"{"code":-32000,"message":"log in"}"#),
        ] {
            assert!(is_final(&why), "{why:?}");
        }
    }
}
