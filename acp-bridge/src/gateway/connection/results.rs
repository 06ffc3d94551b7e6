//! Results of the effects, and what the client is told of them.

use acp_types::{RawBuf, RequestId, SessionId};

use super::attach::Entrance;
use super::{Coming, Connection, EffectOutcome, Opened, Phase, Then};
use crate::gateway::attachment::{Arriving, Entry, Lens, Seen};
use crate::service::command::{self, Stop};
use crate::service::{Denied, ServiceAnswer, ServiceError};
use crate::session::{Refusal, Reply};
use crate::view::{EntryKind, LaneFilter, RequestError, Response};

impl Connection {
    /// Takes what came of an effect.
    pub(in crate::gateway) fn done(&mut self, outcome: EffectOutcome) {
        self.in_flight -= 1;
        match outcome {
            EffectOutcome::Submitted { then, answer } => self.submitted(then, answer),
            EffectOutcome::Opened { session, coming, id, opened } => {
                self.opening -= 1;
                match opened {
                    Ok(opened) => self.opened(session, *coming, id, *opened),
                    Err(why) => self.out.refuse(id, &why),
                }
            }
            EffectOutcome::Closed { session, id, head } => match (head, self.attachments.get_mut(&session)) {
                (Ok(head), Some(attached)) => {
                    attached.close(id, head);
                    self.detach_if_closed(&session);
                }
                (Ok(_), None) => self.out.respond(id, Response::Done),
                (Err(why), _) => self.out.refuse(id, &why.into()),
            },
            EffectOutcome::Looked { id, open } => match open {
                Ok(open) => self.out.respond(id, Response::Status { open }),
                Err(why) => self.out.refuse(id, &why.into()),
            },
            EffectOutcome::Listed { id, sessions } => match sessions {
                Ok(sessions) => self.out.respond(id, Response::Sessions(&sessions)),
                Err(why) => self.out.refuse(id, &why.into()),
            },
        }
    }

    fn submitted(&mut self, then: Then, answer: ServiceAnswer) {
        match then {
            Then::Greet { id, initialize } => self.greeted(id, initialize, answer),
            Then::Created { id } => self.created(id, answer),
            Then::Prompt { id, session } => self.prompted(id, &session, answer),
            Then::Deleted { id } => match answer {
                Ok(_)
                | Err(
                    ServiceError::Host(Refusal::UnknownSession { .. }) | ServiceError::Denied(Denied::NoSession { .. }),
                ) => self.out.respond(id, Response::Done),
                Err(why) => self.out.refuse(id, &why.into()),
            },
            Then::Call { id } => self.called(id, answer),
            // A host that does not know the session has nobody to attend to.
            Then::Attend => {
                if let Err(error) = answer {
                    tracing::debug!(client = %self.out.client, %error, "the host was not told of a client");
                }
            }
            // Nobody waits for it, but a stop or an answer that did not get through must not go unnoticed.
            Then::Nothing => {
                if let Err(error) = answer {
                    tracing::warn!(client = %self.out.client, %error, "a command was refused");
                }
            }
        }
    }

    fn greeted(&mut self, id: RequestId, initialize: RawBuf, answer: ServiceAnswer) {
        if let Ok(Reply::Agent(Ok(agent))) = answer {
            self.out.view.greeted(initialize);
            self.phase = Phase::Ready;
            self.out.respond(id, Response::Greeted { agent: &agent });
        } else {
            // The client may try again.
            self.phase = Phase::New;
            self.called(id, answer);
        }
    }

    fn created(&mut self, id: RequestId, answer: ServiceAnswer) {
        self.opening -= 1;
        match answer {
            Ok(Reply::Created { session, result }) => {
                self.out.respond(id, Response::Session(result));
                let entrance = Entrance {
                    seen: Seen::default(),
                    after: 0,
                    follower: None,
                    lens: Lens { screen: self.out.view.screen(session.clone()), lanes: LaneFilter::default() },
                    entry: Entry::Live,
                    who: self.default_member(),
                };
                self.attach(session, entrance);
            }
            other => self.called(id, other),
        }
    }

    fn opened(&mut self, session: SessionId, coming: Coming, id: RequestId, opened: Opened) {
        let Coming { entry, lanes, screen } = coming;
        let Opened { result, seen, follower, after } = opened;
        let (entry, who) = match entry {
            EntryKind::Load => (Entry::Load { id, result }, self.default_member()),
            EntryKind::Resume { after } => {
                self.out.respond(id, Response::Session(result));
                (if after.is_some() { Entry::Resume } else { Entry::Live }, self.default_member())
            }
            EntryKind::Attach(attach) => {
                let arriving = Arriving { id, policy: attach.policy, joins: attach.begin.joins(), result };
                (Entry::Attach(arriving), self.attaching(*attach))
            }
        };
        self.attach(session, Entrance { seen, after, follower, lens: Lens { screen, lanes }, entry, who });
    }

    fn prompted(&mut self, id: RequestId, session: &SessionId, answer: ServiceAnswer) {
        let marks = self.out.prompts.settle(&id);
        if marks.given_up
            && let Ok(Reply::Turn(turn)) = answer
        {
            let stop = Stop { turn: Some(turn), ..Stop::default() };
            self.submit(Some(session.clone()), command::cancel(stop), Then::Nothing);
        }
        match answer {
            // One that was sent before a detach is not the later attachment's to answer.
            Ok(Reply::Turn(turn)) if marks.detached => {
                self.out.refuse(id, &RequestError::DetachedFromTurn { session: session.clone(), turn });
            }
            Ok(Reply::Turn(turn)) => match self.attachments.get(session) {
                Some(attached) => attached.wait(turn, id, &mut self.out),
                // Deleted, and with it whatever became of the prompt.
                None => self.out.refuse(id, &RequestError::no_session(session)),
            },
            answer => self.called(id, answer),
        }
        self.detach_if_closed(session);
    }

    /// Answers with what the agent said, or with why it could not.
    fn called(&mut self, id: RequestId, answer: ServiceAnswer) {
        match answer {
            Ok(reply) => self.out.respond(id, Response::Reply(reply)),
            Err(why) => self.out.refuse(id, &why.into()),
        }
    }
}
