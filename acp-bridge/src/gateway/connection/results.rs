//! What came of the effects, and what the client is told of it.

use acp_types::{ErrorObjectOwned, Raw, RawBuf, RequestId, SessionId};
use serde::Serialize;

use super::control;
use super::{Connection, EntryKind, Opened, Outcome, Phase, Then};
use crate::gateway::attachment::{Entry, Seen};
use crate::log::SessionInfo;
use crate::service::command::{self, Stop};
use crate::service::{Answer, Denied, ServiceError};
use crate::session::{Refusal, Reply};
use crate::view::v1::attach::Arriving;
use crate::view::v1::params::PAGE;
use crate::view::v1::{capabilities, render};
use crate::view::{refusal, refused};

impl Connection {
    /// Takes what came of an effect.
    pub(in crate::gateway) fn done(&mut self, outcome: Outcome) {
        self.in_flight -= 1;
        match outcome {
            Outcome::Submitted { then, answer } => self.submitted(then, answer),
            Outcome::Opened { session, entry, id, opened } => {
                self.opening -= 1;
                match opened {
                    Ok(opened) => self.opened(session, entry, id, *opened),
                    Err(error) => self.out.respond(id, Err(error)),
                }
            }
            Outcome::Closed { session, id, head } => match (head, self.attachments.get_mut(&session)) {
                (Ok(head), Some(attached)) => {
                    attached.close(id, head);
                    self.detach_if_closed(&session);
                }
                (Ok(_), None) => self.out.respond(id, Ok(Raw::EMPTY_OBJECT.to_owned())),
                (Err(error), _) => self.out.respond(id, Err(error)),
            },
            Outcome::Listed { id, sessions } => {
                let answer = sessions.and_then(|sessions| listed(&sessions));
                self.out.respond(id, answer);
            }
        }
    }

    fn submitted(&mut self, then: Then, answer: Answer) {
        match then {
            Then::Initialize { id, initialize } => self.initialized(id, initialize, answer),
            Then::Created { id } => self.created(id, answer),
            Then::Prompt { id, session } => self.prompted(id, &session, answer),
            Then::Deleted { id } => {
                let answer = match answer {
                    Ok(_)
                    | Err(
                        ServiceError::Host(Refusal::UnknownSession { .. })
                        | ServiceError::Denied(Denied::NoSession { .. }),
                    ) => Ok(Raw::EMPTY_OBJECT.to_owned()),
                    Err(why) => Err(refused::error_object(why)),
                };
                self.out.respond(id, answer);
            }
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

    fn initialized(&mut self, id: RequestId, initialize: RawBuf, answer: Answer) {
        if let Ok(Reply::Agent(Ok(result))) = answer {
            self.out.initialized(initialize.clone());
            self.phase = Phase::Ready { initialize };
            self.out.respond(id, Ok(capabilities::rewrite(result.as_raw())));
        } else {
            // The client may try again.
            self.phase = Phase::New;
            self.called(id, answer);
        }
    }

    fn created(&mut self, id: RequestId, answer: Answer) {
        self.opening -= 1;
        match answer {
            Ok(Reply::Created { session, result }) => {
                self.out.respond(id, Ok(result));
                let me = self.plainly();
                self.attach(session, Seen::default(), (0, None), Entry::Live, me);
            }
            other => self.called(id, other),
        }
    }

    fn opened(&mut self, session: SessionId, kind: EntryKind, id: RequestId, opened: Opened) {
        let Opened { result, seen, follower, after } = opened;
        let (entry, who) = match kind {
            EntryKind::Load => (Entry::Load { id, result }, self.plainly()),
            EntryKind::Resume { after } => {
                self.out.respond(id, Ok(result));
                (if after.is_some() { Entry::Resume } else { Entry::Live }, self.plainly())
            }
            EntryKind::Attach(attach) => {
                let arriving = Arriving { id, policy: attach.policy, joins: attach.begin.joins(), session: result };
                (Entry::Attach(arriving), self.attaching(*attach))
            }
        };
        self.attach(session, seen, (after, follower), entry, who);
    }

    fn prompted(&mut self, id: RequestId, session: &SessionId, answer: Answer) {
        let unsettled = self.unsettled.remove(&id);
        let given_up = unsettled.as_ref().is_some_and(|unsettled| unsettled.given_up);
        let detached = unsettled.is_some_and(|unsettled| unsettled.detached);
        if given_up && let Ok(Reply::Turn(turn)) = answer {
            self.submit(
                Some(session.clone()),
                command::cancel(Stop { turn: Some(turn), ..Stop::default() }),
                Then::Nothing,
            );
        }
        // One that was sent before a detach is not the later attachment's to answer.
        let attached = self.attachments.get_mut(session).filter(|_| !detached);
        match (answer, attached) {
            (Ok(Reply::Turn(turn)), Some(attached)) => {
                attached.unsettled = attached.unsettled.saturating_sub(1);
                attached.wait(turn, id, &mut self.out);
            }
            (Ok(Reply::Turn(turn)), None) if detached => {
                self.out.respond(id, Err(refusal::detached_from_turn(session, turn)));
            }
            // Deleted, and with it whatever became of the prompt.
            (Ok(Reply::Turn(_)), None) => self.out.respond(id, Err(refusal::unknown_session(session))),
            (answer, attached) => {
                if let Some(attached) = attached {
                    attached.unsettled = attached.unsettled.saturating_sub(1);
                }
                self.called(id, answer);
            }
        }
        self.detach_if_closed(session);
    }

    /// Answers with what the agent said, or with why it could not.
    fn called(&mut self, id: RequestId, answer: Answer) {
        match answer {
            Ok(Reply::Agent(outcome)) => self.out.respond_raw(id, outcome.map_err(render::received)),
            Ok(Reply::State(result)) => self.out.respond(id, Ok(result)),
            Ok(Reply::Done) => self.out.respond(id, Ok(Raw::EMPTY_OBJECT.to_owned())),
            Ok(Reply::Queue(queue)) => self.out.respond(id, control::listed(&queue)),
            Ok(_) => self.out.respond(id, Err(refusal::internal("the host's answer does not fit the request"))),
            Err(why) => self.out.respond(id, Err(refused::error_object(why))),
        }
    }
}

/// The result of `session/list`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    sessions: Vec<Listing<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<&'a SessionId>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listing<'a> {
    session_id: &'a SessionId,
    cwd: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
}

/// Bytes of titles and directories of one page, after which the next one begins.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

fn listed(sessions: &[SessionInfo]) -> Result<RawBuf, ErrorObjectOwned> {
    let mut bytes = 0;
    let fitting = sessions.iter().take_while(|info| {
        let before = bytes;
        bytes += info.cwd.len() + info.title.as_ref().map_or(0, String::len);
        before == 0 || bytes <= PAGE_BYTES
    });
    let count = fitting.count();
    let (full, sessions) = (count < sessions.len() || sessions.len() >= PAGE, &sessions[..count]);
    let listings = sessions.iter().map(|info| Listing {
        session_id: &info.id,
        cwd: &info.cwd,
        title: info.title.as_deref(),
        updated_at: timestamp(info.updated_at),
    });
    let next_cursor = sessions.last().filter(|_| full).map(|info| &info.id);
    let listed = Listed { sessions: listings.collect(), next_cursor };
    RawBuf::encode(&listed).map_err(|error| refusal::internal(error.to_string()))
}

/// ISO 8601, UTC; `None` for a time that no calendar has.
fn timestamp(micros: u64) -> Option<String> {
    let micros = i64::try_from(micros).ok()?;
    Some(jiff::Timestamp::from_microsecond(micros).ok()?.to_string())
}
