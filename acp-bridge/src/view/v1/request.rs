//! Each request that is served, from its params to what is asked for.

use acp_types::method::Scope;
use acp_types::{RawBuf, SessionId};

use super::params::Params;
use crate::service::command::{self, Prompt};
use crate::session::Command;
use crate::view::error::RequestError;
use crate::view::request::{EntryKind, Request};

type Read = Result<Request, RequestError>;

/// A request on its way to its reader.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Params of the client's `initialize`.
    pub(super) initialize: &'a RawBuf,
    pub(super) params: Params<'a>,
    pub(super) attached: &'a dyn Fn(&SessionId) -> bool,
}

impl Asked<'_> {
    /// The session that it names, which the client must be attached to.
    fn session(&self) -> Result<SessionId, RequestError> {
        let session = self.params.session()?;
        if (self.attached)(&session) { Ok(session) } else { Err(RequestError::NotAttached { session }) }
    }

    /// A command for a session that the client is attached to.
    fn call(&self, command: impl FnOnce(Params<'_>) -> Result<Command, RequestError>) -> Read {
        let session = self.session()?;
        Ok(Request::Call { session: Some(session), command: command(self.params)? })
    }

    /// To come to a session that exists.
    fn open(&self, session: SessionId, entry: EntryKind) -> Read {
        Ok(Request::Open { session, params: self.params.object()?, lanes: self.params.lanes()?, entry })
    }
}

pub(super) fn initialize(asked: Asked<'_>) -> Read {
    asked.params.check_initialize()?;
    Ok(Request::Greet { initialize: asked.params.object()? })
}

pub(super) fn new_session(asked: Asked<'_>) -> Read {
    let command = command::create(asked.params.raw(), asked.initialize.clone())?;
    asked.params.meta()?;
    Ok(Request::Create { command })
}

pub(super) fn load(asked: Asked<'_>) -> Read {
    let session = asked.params.session()?;
    asked.params.check_workspace()?;
    asked.open(session, EntryKind::Load)
}

pub(super) fn resume(asked: Asked<'_>) -> Read {
    let after = asked.params.meta()?.after;
    let session = asked.params.session()?;
    asked.params.check_workspace()?;
    asked.open(session, EntryKind::Resume { after })
}

pub(super) fn attach(asked: Asked<'_>) -> Read {
    let session = asked.params.session()?;
    let attach = asked.params.attach()?;
    asked.open(session, EntryKind::Attach(Box::new(attach)))
}

pub(super) fn detach(asked: Asked<'_>) -> Read {
    Ok(Request::Detach { session: asked.session()? })
}

pub(super) fn prompt(asked: Asked<'_>) -> Read {
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

pub(super) fn list(asked: Asked<'_>) -> Read {
    Ok(Request::List { query: asked.params.list_query()? })
}

pub(super) fn close(asked: Asked<'_>) -> Read {
    Ok(Request::Close { session: asked.params.session()? })
}

pub(super) fn delete(asked: Asked<'_>) -> Read {
    Ok(Request::Delete { session: asked.params.session()? })
}

pub(super) fn queue(asked: Asked<'_>) -> Read {
    asked.call(|_| Ok(command::queue()))
}

pub(super) fn queue_edit(asked: Asked<'_>) -> Read {
    asked.call(|params| Ok(command::queue_edit(params.turn("turn")?, params.content()?)?))
}

pub(super) fn queue_move(asked: Asked<'_>) -> Read {
    asked.call(|params| Ok(command::queue_move(params.turn("turn")?, params.optional_turn("before")?)))
}

pub(super) fn queue_withdraw(asked: Asked<'_>) -> Read {
    asked.call(|params| Ok(command::queue_withdraw(params.turn("turn")?)))
}

pub(super) fn trust(asked: Asked<'_>) -> Read {
    asked.call(|_| Ok(command::trust()))
}

pub(super) fn set_policy(asked: Asked<'_>) -> Read {
    asked.call(|params| Ok(command::set_policy(params.policy()?)))
}

/// Answered with the modes and options of the new agent once it serves.
pub(super) fn lane_add(asked: Asked<'_>) -> Read {
    asked.call(|params| Ok(command::lane_add(params.text("lane")?, params.text("agent")?)))
}

pub(super) fn lane_remove(asked: Asked<'_>) -> Read {
    asked.call(|params| Ok(command::lane_remove(params.text("lane")?)))
}

/// As the log has them, whatever the client wants to see of them.
pub(super) fn lanes(asked: Asked<'_>) -> Read {
    Ok(Request::Lanes { session: asked.session()? })
}

/// For the agent: of the session if it is about one, else of any. An extension, which has no `scope`, is for a session
/// if it names one that the client is attached to.
pub(super) fn pass(asked: Asked<'_>, name: &str, scope: Option<Scope>) -> Read {
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
