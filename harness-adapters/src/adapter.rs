//! Serves a harness as an ACP agent: what an implementation provides, and the parts that drive it.

mod agent;
mod chosen;
mod driver;
mod fit;
pub mod process;
mod record;
mod sessions;

pub use agent::serve;

use acp_types::v1;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::translate::Translator;

/// One harness. Everything about open sessions is its [`Translator`]'s; this is what happens outside of them.
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

    /// `session/list`.
    fn list(
        &self,
        request: v1::ListSessionsRequest,
    ) -> impl Future<Output = Result<v1::ListSessionsResponse, Failure>> + Send;

    /// `session/delete`. A session that is open has been closed before. One that is not there is no failure.
    fn delete(&self, session: v1::SessionId) -> impl Future<Output = Result<(), Failure>> + Send;

    /// `authenticate`.
    fn authenticate(&self, request: v1::AuthenticateRequest) -> impl Future<Output = Result<(), Failure>> + Send;

    /// A method of the harness's own that belongs to no session, with its parameters as JSON; `None` for one that it does
    /// not have.
    fn extension(
        &self,
        method: &str,
        params: Option<acp_types::RawBuf>,
    ) -> impl Future<Output = Result<Option<acp_types::RawBuf>, Failure>> + Send {
        let _ = (method, params);
        async { Ok(None) }
    }

    /// `logout`.
    fn logout(&self) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The client is gone and all sessions are closed: let go of every process.
    fn shutdown(&self) -> impl Future<Output = ()> + Send;
}

/// How a session is opened.
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
    /// For [`Translator::new`].
    pub setup: T::Setup,
    /// To and from the harness.
    pub channel: Channel,
    /// What was shown before, oldest first; sent before the answer. `None` unless loaded.
    pub history: Option<mpsc::Receiver<Result<v1::SessionUpdate, Failure>>>,
    /// Modes, for the answer.
    pub modes: Option<v1::SessionModeState>,
    /// Options, for the answer.
    pub options: Vec<v1::SessionConfigOption>,
    /// Sent once the client has the answer: commands, usage, title.
    pub updates: Vec<v1::SessionUpdate>,
}

/// The way to and from one session of a harness. Dropping it ends the session there, as [`Channel::shutdown`] does, but
/// waits for nothing.
pub struct Channel {
    /// Messages to the harness, one each, without line end. Bounded; a full one is back-pressure.
    pub to: mpsc::Sender<Bytes>,
    /// Messages of the harness. Bounded; not reading it stops the harness in the end. After [`FromHarness::Exited`]
    /// nothing comes.
    pub from: mpsc::Receiver<FromHarness>,
    /// Ends the process at once, for a harness that hangs.
    pub kill: Box<dyn Fn() + Send + Sync>,
    /// Ends the session in order and waits for that, in bounded time.
    pub shutdown: Box<dyn FnOnce() -> futures_util::future::BoxFuture<'static, ()> + Send>,
}

/// What comes from a harness.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "a message or the end")]
pub enum FromHarness {
    /// One line, not yet looked at.
    Line(Bytes),
    /// The end, with what it said on stderr last.
    Exited(Failure),
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").finish_non_exhaustive()
    }
}

/// What a harness is made from, as given on the command line.
#[derive(Debug, Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out")]
pub struct Options {
    /// The harness's program. Without it, it is looked for.
    pub program: Option<std::path::PathBuf>,
    /// Further arguments for the harness, after ours.
    pub args: Vec<std::ffi::OsString>,
    /// The mode that new sessions begin in, in place of the user's own. Only Codex has it.
    pub mode: Option<String>,
    /// What settings say holds without being asked about: a mode that does not ask, and what a repository brings along.
    pub trust_settings: bool,
}
