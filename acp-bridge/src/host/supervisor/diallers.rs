//! Diallers on their way to their session.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Supervisor;
use super::task::Finished;
use crate::command::CommandAnswer;
use crate::host::door;
use crate::host::envelope::Envelope;
use crate::log::MemberId;
use crate::remote_agent::registry::{AgentPlace, Arrived, DiallerRegistry};
use crate::remote_agent::transport::IncomingAgent;
use crate::session::{Command, QueueCommand, Refusal, RefusalKind};

/// Question to a session about a dialler that nobody waits for.
#[derive(Debug)]
pub(super) struct Question {
    place: AgentPlace,
    client: Arc<str>,
    about: About,
}

#[derive(Debug)]
enum About {
    /// Does it want an agent of this name?
    Agent(String),
    /// Does it expect the agent of this instance?
    Return(String),
}

impl Question {
    pub(super) fn of(arrived: Arrived) -> Option<Self> {
        match arrived {
            Arrived::Done => None,
            Arrived::Ask { place, client, agent } => Some(Self { place, client, about: About::Agent(agent) }),
            Arrived::Returns { place, client, instance } => {
                Some(Self { place, client, about: About::Return(instance) })
            }
        }
    }

    /// The command that asks it, and where the answer comes.
    pub(super) fn ask(&self, host: &MemberId) -> (Box<Envelope>, oneshot::Receiver<CommandAnswer>) {
        let command = match &self.about {
            About::Agent(agent) => Command::Dial { lane: Arc::clone(&self.place.1), agent: agent.clone() },
            // Any command opens the session; this one changes nothing.
            About::Return(_) => Command::Queue(QueueCommand::List),
        };
        Envelope::internal(host, self.place.0.clone(), Arc::clone(&self.client), command)
    }

    /// Does with the dialler what the session has said.
    pub(super) fn answered(&self, registry: &DiallerRegistry, answer: CommandAnswer) {
        let Self { place, about, .. } = self;
        match (answer, about) {
            (Ok(_), About::Agent(_)) => {}
            (Ok(_), About::Return(instance)) => registry.resolve_return(instance, None),
            (Err(why), About::Return(instance)) => {
                registry.resolve_return(instance, Some((&why.to_string(), is_final(&why))));
            }
            (Err(why), About::Agent(_)) if is_final(&why) => {
                registry.dismiss(&place.0, Some(&place.1), &why.to_string());
            }
            (Err(why), About::Agent(_)) => registry.reject_temporarily(place, &why.to_string()),
        }
    }
}

impl Supervisor {
    /// Lets a session say whether it wants a dialler that nobody waits for.
    pub(super) fn dialled(&mut self, incoming: IncomingAgent) {
        let Some(question) = Question::of(self.context.pool.registry().arrives(incoming)) else { return };
        let (envelope, answer) = question.ask(&self.context.member);
        self.dispatch(envelope);
        let pool = Arc::clone(&self.context.pool);
        self.tasks.spawn(async move {
            question.answered(pool.registry(), answer.await.unwrap_or(Err(Refusal::SessionClosing)));
            Finished::General
        });
    }
}

/// Returns whether it does not help the dialler to come again.
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
