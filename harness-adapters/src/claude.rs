//! The Claude Code CLI, `claude -p` with stream-json and its control protocol.
//!
//! One process per session. Claude Code keeps transcripts itself; they are read for `session/list` and `session/load`,
//! and a lock file keeps two processes from writing one.

mod attach;
mod auth;
mod channel;
mod history;
pub mod launch;
mod lock;
mod open;
mod store;
pub mod translate;
mod trust;
mod watch;
mod wire;

use std::sync::OnceLock;

use acp_types::v1;
use serde_json::json;

use self::lock::Lock;
use self::store::Store;
use crate::adapter::{Harness, Open, Opened, Options};
use crate::failure::{Failure, FailureKind};
use crate::translate::ClientFeatures;

/// Claude Code as a harness.
#[derive(Debug)]
pub struct Claude {
    options: Options,
    features: OnceLock<ClientFeatures>,
    key: auth::Key,
}

impl Claude {
    /// A harness that is started with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, features: OnceLock::new(), key: auth::Key::default() }
    }

    fn features(&self) -> ClientFeatures {
        self.features.get().copied().unwrap_or_default()
    }
}

impl Harness for Claude {
    type Translator = translate::Session;

    async fn initialize(&self, client: &v1::InitializeRequest) -> Result<v1::InitializeResponse, Failure> {
        // A second `initialize` changes nothing.
        let _ = self.features.set(ClientFeatures::of(client));
        let program = launch::program(&self.options, |name| std::env::var_os(name)).ok();
        let session = v1::SessionCapabilities::new()
            .list(v1::SessionListCapabilities::new())
            .resume(v1::SessionResumeCapabilities::new())
            .close(v1::SessionCloseCapabilities::new())
            .delete(v1::SessionDeleteCapabilities::new())
            .fork(v1::SessionForkCapabilities::new())
            .title(v1::SessionTitleCapabilities::new())
            .additional_directories(v1::SessionAdditionalDirectoriesCapabilities::new())
            .system_prompt(
                v1::SessionSystemPromptCapabilities::new().mode(
                    v1::SessionSystemPromptModeCapabilities::new()
                        .override_(v1::SessionSystemPromptOverrideCapabilities::new()),
                ),
            );
        let steering = v1::Meta::from_iter([("steering".to_owned(), json!({ "supported": true }))]);
        let capabilities = v1::AgentCapabilities::new()
            .load_session(true)
            .prompt_capabilities(v1::PromptCapabilities::new().image(true).embedded_context(true))
            .mcp_capabilities(v1::McpCapabilities::new().http(true).sse(true))
            .session_capabilities(session)
            .auth(v1::AgentAuthCapabilities::new().logout(v1::LogoutCapabilities::new()))
            .meta(steering.clone());
        Ok(v1::InitializeResponse::new(v1::ProtocolVersion::V1)
            .agent_capabilities(capabilities)
            .auth_methods(auth::methods(program.as_deref()))
            .agent_info(v1::Implementation::new("claude", env!("CARGO_PKG_VERSION")).title("Claude Code".to_owned()))
            .meta(steering))
    }

    async fn open(&self, how: Open) -> Result<Opened<translate::Session>, Failure> {
        open::open(how, &self.options, &self.key, self.features()).await
    }

    async fn list(&self, request: v1::ListSessionsRequest) -> Result<v1::ListSessionsResponse, Failure> {
        let store = Store::of(|name| std::env::var_os(name))?;
        blocking(move || store.list(&request)).await
    }

    async fn delete(&self, session: v1::SessionId) -> Result<(), Failure> {
        let Ok(id) = store::checked(&session) else { return Ok(()) };
        let store = Store::of(|name| std::env::var_os(name))?;
        blocking(move || {
            let (lock, _) = Lock::take(&store.locks(), &id)?;
            store.delete(&id)?;
            lock.remove();
            Ok(())
        })
        .await
    }

    async fn authenticate(&self, request: v1::AuthenticateRequest) -> Result<(), Failure> {
        let program = launch::program(&self.options, |name| std::env::var_os(name))?;
        auth::authenticate(&program, &self.key, &request).await
    }

    async fn logout(&self) -> Result<(), Failure> {
        let program = launch::program(&self.options, |name| std::env::var_os(name))?;
        auth::logout(&program, &self.key).await
    }

    async fn shutdown(&self) {}
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "work on files did not end");
        Err(Failure::new(FailureKind::Harness, "something went wrong in the adapter; its log says more"))
    })
}
