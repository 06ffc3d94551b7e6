//! The contract of a harness: everything that happens outside of open sessions.

use acp_types::method::v1 as method;
use acp_types::v1;
use tokio::sync::mpsc;

use super::channel::Channel;
use crate::failure::{Failure, FailureKind};
use crate::translate::{Told, Translator};

/// A harness. It does what happens outside of open sessions; its [`Translator`] does the rest.
pub trait Harness: Send + Sync + 'static {
    /// The state machine of its sessions.
    type Translator: Translator;

    /// Agrees on capabilities. Called once, before everything else; must be quick and must not need the harness's
    /// program unless nothing can be said without it.
    fn initialize(
        &self,
        client: &v1::InitializeRequest,
    ) -> impl Future<Output = Result<v1::InitializeResponse, Failure>> + Send;

    /// Opens a session. When the future is dropped nothing may stay behind.
    fn open(&self, how: Open) -> impl Future<Output = Result<Opened<Self::Translator>, Failure>> + Send;

    /// `session/list`. Without an own one the client is told that there is none.
    fn list(
        &self,
        request: v1::ListSessionsRequest,
    ) -> impl Future<Output = Result<v1::ListSessionsResponse, Failure>> + Send {
        let _ = request;
        async { Err(unsupported(method::ListSessions::NAME)) }
    }

    /// `session/delete`. A session that is open has been closed before. One that is not there is no failure. Without an own
    /// one the client is told that there is none.
    fn delete(&self, session: v1::SessionId) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = session;
        async { Err(unsupported(method::DeleteSession::NAME)) }
    }

    /// `authenticate`. Without an own one the client is told that there is none.
    fn authenticate(&self, request: v1::AuthenticateRequest) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = request;
        async { Err(unsupported(method::Authenticate::NAME)) }
    }

    /// A method of the harness's own that belongs to no session, with its parameters as JSON; `None` for an unknown one.
    fn extension(
        &self,
        method: &str,
        params: Option<acp_types::RawBuf>,
    ) -> impl Future<Output = Result<Option<acp_types::RawBuf>, Failure>> + Send {
        let _ = (method, params);
        async { Ok(None) }
    }

    /// `logout`. Without an own one the client is told that there is none.
    fn logout(&self) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Err(unsupported(method::Logout::NAME)) }
    }

    /// The client is gone and all sessions are closed: let go of every process. Without an own one nothing is done: a
    /// [`Channel`] ends its session itself.
    fn shutdown(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Failure of what an agent does not have.
pub(super) fn unsupported(method: &str) -> Failure {
    Failure::new(FailureKind::Unsupported, format!("this agent has no {method}, and did not offer it in initialize"))
}

/// Way to open a session.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "a harness has to handle each of them")]
pub enum Open {
    /// `session/new`.
    New(v1::NewSessionRequest),
    /// `session/load`: with its history.
    Load(v1::LoadSessionRequest),
    /// `session/resume`: without.
    Resume(v1::ResumeSessionRequest),
    /// `session/fork`.
    Fork(v1::ForkSessionRequest),
}

/// A session that is open.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "harnesses write it out")]
pub struct Opened<T: Translator> {
    /// Its id for the client.
    pub session: v1::SessionId,
    /// Facts for [`Translator::new`].
    pub setup: T::Setup,
    /// The channel to and from the harness.
    pub channel: Channel,
    /// Earlier updates, oldest first; sent before the answer. `None` unless loaded.
    pub history: Option<mpsc::Receiver<Result<Told, Failure>>>,
    /// Modes, for the answer.
    pub modes: Option<v1::SessionModeState>,
    /// Options, for the answer.
    pub options: Vec<v1::SessionConfigOption>,
    /// Sent once the client has the answer: commands, usage, title.
    pub updates: Vec<v1::SessionUpdate>,
}

impl<T: Translator> Opened<T> {
    /// A session without history, modes and options.
    pub fn new(session: v1::SessionId, setup: T::Setup, channel: Channel) -> Self {
        Self { session, setup, channel, history: None, modes: None, options: Vec::new(), updates: Vec::new() }
    }
}

/// Options of a harness, as given on the command line.
#[derive(Debug, Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out")]
pub struct Options {
    /// The harness's program. By default it is searched for.
    pub program: Option<std::path::PathBuf>,
    /// Further arguments for the harness, after ours.
    pub args: Vec<std::ffi::OsString>,
    /// The mode that new sessions begin in, in place of the user's own. Only Codex has it.
    pub mode: Option<String>,
    /// True if settings hold without a question to the user: a mode that does not ask, and the files of a repository.
    pub trust_settings: bool,
}
