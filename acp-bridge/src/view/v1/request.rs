//! Requests that are served, by method: what each asks of the service, and how it is read from its params.

use acp_types::meta::{
    LANE_ADD, LANE_REMOVE, LANES, QUEUE, QUEUE_EDIT, QUEUE_MOVE, QUEUE_WITHDRAW, SESSION_TRUST, SET_POLICY, reserved,
};
use acp_types::method::proposed::{ATTACH, DETACH};
use acp_types::method::{self, Call, Direction, Method, Request as _, Scope, Version, v1};
use acp_types::{RawBuf, SessionId};

use super::params::Params;
use crate::service::Operation;
use crate::service::command::{self, Prompt};
use crate::session::Command;
use crate::view::contract::IsAttached;
use crate::view::error::RequestError;
use crate::view::request::{EntryKind, Request};

type Read = Result<Request, RequestError>;
type Reader = fn(Asked<'_>) -> Read;

/// Requests that the gateway serves. An attach as controller is more than to observe; the service sees which it is.
const SERVED: [(&str, Operation, Reader); 20] = [
    (v1::Initialize::METHOD.name, Operation::Describe, initialize),
    (v1::NewSession::METHOD.name, Operation::Create, new_session),
    (v1::LoadSession::METHOD.name, Operation::Attach, load),
    (v1::ResumeSession::METHOD.name, Operation::Attach, resume),
    (v1::Prompt::METHOD.name, Operation::Prompt, prompt),
    (v1::ListSessions::METHOD.name, Operation::List, list),
    (v1::SessionStatus::METHOD.name, Operation::Get, status),
    (v1::CloseSession::METHOD.name, Operation::Close, close),
    (v1::DeleteSession::METHOD.name, Operation::Delete, delete),
    (ATTACH, Operation::Observe, attach),
    (DETACH, Operation::Leave, detach),
    (QUEUE, Operation::Queue, queue),
    (QUEUE_EDIT, Operation::EditQueue, queue_edit),
    (QUEUE_MOVE, Operation::EditQueue, queue_move),
    (QUEUE_WITHDRAW, Operation::EditQueue, queue_withdraw),
    (SESSION_TRUST, Operation::Trust, trust),
    (SET_POLICY, Operation::SetPolicy, set_policy),
    (LANE_ADD, Operation::AddLane, lane_add),
    (LANE_REMOVE, Operation::RemoveLane, lane_remove),
    (LANES, Operation::Lanes, lanes),
];

/// Prefix of methods for programs that stand between client and agent; the bridge does not chain.
const PROXY: &str = "proxy/";

/// Request on its way to its reader.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Params of the client's `initialize`.
    pub(super) initialize: &'a RawBuf,
    pub(super) params: Params<'a>,
    pub(super) attached: IsAttached<'a>,
}

impl Asked<'_> {
    /// Session that it names, which the client must be attached to.
    fn session(&self) -> Result<SessionId, RequestError> {
        let session = self.params.session()?;
        if (self.attached)(&session) { Ok(session) } else { Err(RequestError::NotAttached { session }) }
    }

    /// Reads a command for a session that the client is attached to.
    fn call(&self, command: impl FnOnce(Params<'_>) -> Result<Command, RequestError>) -> Read {
        let session = self.session()?;
        Ok(Request::Call { session: Some(session), command: command(self.params)? })
    }

    /// Reads what opens a session that exists.
    fn open(&self, session: SessionId, entry: EntryKind) -> Read {
        Ok(Request::Open { session, params: self.params.object()?, lanes: self.params.lanes()?, entry })
    }
}

/// Operation that a request asks for; `None` where nobody serves it. `named`: it names a session. `attached`: and the
/// client is attached to it, without which an extension is for no session.
pub(super) fn operation(name: &str, named: bool, attached: bool) -> Option<Operation> {
    let served = SERVED.iter().find(|(served, ..)| *served == name).map(|&(_, operation, _)| operation);
    served.or_else(|| {
        if reserved::is_method(name) {
            return None;
        }
        let concerns_session = if method::is_extension(name) {
            attached
        } else {
            match passed_on(name)?.scope {
                Scope::Session => true,
                Scope::SessionOrConnection => named,
                _ => false,
            }
        };
        Some(if concerns_session { Operation::Call } else { Operation::CallAnyAgent })
    })
}

/// Reads a request.
pub(super) fn read(name: &str, asked: Asked<'_>) -> Read {
    if let Some((.., read)) = SERVED.iter().find(|(served, ..)| *served == name) {
        return read(asked);
    }
    let unknown = || RequestError::UnknownMethod(name.to_owned());
    if reserved::is_method(name) {
        return Err(unknown());
    }
    let scope = if method::is_extension(name) { None } else { Some(passed_on(name).ok_or_else(unknown)?.scope) };
    pass(asked, name, scope)
}

/// Requests of ACP that make no sense through a bridge: a fork's session would be known to the agent only, and an archive
/// takes sessions from a list that is the bridge's own.
const WITHHELD: [&str; 3] =
    [v1::ForkSession::METHOD.name, v1::ArchiveSession::METHOD.name, v1::UnarchiveSession::METHOD.name];

/// Finds a request of ACP that agents answer and that makes sense through a bridge.
fn passed_on(name: &str) -> Option<&'static Method> {
    method::find(name, Call::Request, Version::V1).filter(|method| {
        method.direction != Direction::ToClient && !WITHHELD.contains(&method.name) && !method.name.starts_with(PROXY)
    })
}

fn initialize(asked: Asked<'_>) -> Read {
    asked.params.check_initialize()?;
    Ok(Request::Greet { initialize: asked.params.object()? })
}

fn new_session(asked: Asked<'_>) -> Read {
    let command = command::create(asked.params.raw(), asked.initialize.clone())?;
    asked.params.meta()?;
    Ok(Request::Create { command })
}

fn load(asked: Asked<'_>) -> Read {
    let session = asked.params.session()?;
    asked.params.check_workspace()?;
    asked.open(session, EntryKind::Load)
}

fn resume(asked: Asked<'_>) -> Read {
    let after = asked.params.meta()?.after;
    let session = asked.params.session()?;
    asked.params.check_workspace()?;
    asked.open(session, EntryKind::Resume { after })
}

fn attach(asked: Asked<'_>) -> Read {
    let session = asked.params.session()?;
    let attach = asked.params.attach()?;
    asked.open(session, EntryKind::Attach(Box::new(attach)))
}

fn detach(asked: Asked<'_>) -> Read {
    Ok(Request::Detach { session: asked.session()? })
}

fn prompt(asked: Asked<'_>) -> Read {
    let session = asked.session()?;
    let meta = asked.params.meta()?;
    let command = command::prompt(Prompt {
        params: asked.params.object()?,
        lane: meta.lane,
        key: meta.key,
        on_busy: meta.on_busy.unwrap_or_default(),
        after_restart: meta.after_restart.unwrap_or_default(),
        accept_context_loss: meta.accept_context_loss.unwrap_or(false),
    })?;
    Ok(Request::Prompt { session, command })
}

fn list(asked: Asked<'_>) -> Read {
    Ok(Request::List { query: asked.params.list_query()? })
}

fn close(asked: Asked<'_>) -> Read {
    Ok(Request::Close { session: asked.params.session()? })
}

fn delete(asked: Asked<'_>) -> Read {
    Ok(Request::Delete { session: asked.params.session()? })
}

fn queue(asked: Asked<'_>) -> Read {
    asked.call(|_| Ok(command::queue()))
}

fn queue_edit(asked: Asked<'_>) -> Read {
    asked.call(|params| Ok(command::queue_edit(params.turn("turn")?, params.content()?)?))
}

fn queue_move(asked: Asked<'_>) -> Read {
    asked.call(|params| Ok(command::queue_move(params.turn("turn")?, params.optional_turn("before")?)))
}

fn queue_withdraw(asked: Asked<'_>) -> Read {
    asked.call(|params| Ok(command::queue_withdraw(params.turn("turn")?)))
}

fn trust(asked: Asked<'_>) -> Read {
    asked.call(|_| Ok(command::trust()))
}

fn set_policy(asked: Asked<'_>) -> Read {
    asked.call(|params| Ok(command::set_policy(params.policy()?)))
}

/// Reads `lane_add`, answered with the modes and options of the new agent once it serves.
fn lane_add(asked: Asked<'_>) -> Read {
    asked.call(|params| Ok(command::lane_add(params.text("lane")?, params.text("agent")?)))
}

fn lane_remove(asked: Asked<'_>) -> Read {
    asked.call(|params| Ok(command::lane_remove(params.text("lane")?)))
}

/// Reads a look at a session, attached or not.
fn status(asked: Asked<'_>) -> Read {
    Ok(Request::Status { session: asked.params.session()? })
}

/// Reads `lanes`: they are as the log has them, whatever the client wants to see of them.
fn lanes(asked: Asked<'_>) -> Read {
    Ok(Request::Lanes { session: asked.session()? })
}

/// Reads a request for an agent: of the session if it is about one, else of any. An extension, which has no `scope`, is
/// for a session if it names one that the client is attached to.
fn pass(asked: Asked<'_>, name: &str, scope: Option<Scope>) -> Read {
    let session = match scope {
        None => asked.params.session().ok().filter(asked.attached),
        Some(Scope::Session) => Some(asked.session()?),
        Some(Scope::SessionOrConnection) if asked.params.names_session() => Some(asked.session()?),
        Some(_) => None,
    };
    // What concerns no session has no lanes.
    let lane = if session.is_some() { asked.params.meta()?.lane } else { None };
    let command = command::call(lane, name, asked.params.to_owned());
    Ok(Request::Call { session, command })
}

#[cfg(test)]
mod tests {
    use acp_types::method::{Call, Direction, Version};

    use super::operation;
    use crate::service::Operation;

    #[test]
    fn every_request_of_acp_is_an_operation_or_known_to_be_none() {
        let none = ["session/fork", "session/archive", "session/unarchive", "proxy/initialize", "proxy/successor"];
        for method in Version::V1.methods() {
            if method.call == Call::Request && method.direction != Direction::ToClient {
                assert_eq!(
                    operation(method.name, true, true).is_none(),
                    none.contains(&method.name),
                    "{}",
                    method.name
                );
            }
        }
        assert_eq!((operation("_acp-bridge/x", true, true), operation("session/sing", true, true)), (None, None));
        assert_eq!(operation("_x/y", true, true), Some(Operation::Call));
        assert_eq!(operation("_x/y", true, false), Some(Operation::CallAnyAgent));
        assert_eq!(operation("session/set_mode", false, false), Some(Operation::Call));
        assert_eq!(operation("session/options", true, false), Some(Operation::Call));
        assert_eq!(operation("session/options", false, false), Some(Operation::CallAnyAgent));
        assert_eq!(operation("authenticate", true, true), Some(Operation::CallAnyAgent));
    }
}
