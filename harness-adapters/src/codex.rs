//! The Codex CLI, `codex app-server`.
//!
//! One app-server process serves all sessions of an adapter, one thread each.

mod auth;
mod connection;
mod history;
mod hooks;
pub mod launch;
mod options;
mod sessions;
mod translate;
mod wire;

pub use translate::{Session, Setup};

use std::sync::{Arc, OnceLock};

use acp_types::v1;
use tokio::sync::Mutex;

use crate::adapter::{Harness, Open, Opened, Options};
use crate::failure::Failure;
use crate::translate::ClientFeatures;
use connection::Connection;

/// Codex as a harness.
#[derive(Debug)]
pub struct Codex {
    options: Options,
    features: OnceLock<ClientFeatures>,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Codex {
    /// Starts nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, features: OnceLock::new(), connection: Mutex::default() }
    }

    /// The process, which is started if it does not run.
    async fn connection(&self) -> Result<Arc<Connection>, Failure> {
        let mut connection = self.connection.lock().await;
        if let Some(running) = connection.as_ref().filter(|running| running.is_alive()) {
            return Ok(Arc::clone(running));
        }
        let started = Connection::start(&self.options).await?;
        *connection = Some(Arc::clone(&started));
        Ok(started)
    }

    /// True if somebody is logged in, or if Codex's provider needs no login.
    ///
    /// # Errors
    /// When Codex cannot be asked; the failure says why.
    pub async fn logged_in(options: &Options) -> Result<bool, Failure> {
        let connection = Connection::start(options).await?;
        let checked = auth::check(&connection).await;
        connection.shutdown().await;
        match checked {
            Ok(()) => Ok(true),
            Err(failure) if failure.kind == crate::FailureKind::AuthRequired => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    fn features(&self) -> ClientFeatures {
        self.features.get().copied().unwrap_or_default()
    }
}

impl Harness for Codex {
    type Translator = Session;

    async fn initialize(&self, client: &v1::InitializeRequest) -> Result<v1::InitializeResponse, Failure> {
        // A second one changes nothing; the protocol has only one.
        let _ = self.features.set(ClientFeatures::of(client));
        Ok(sessions::introduction())
    }

    async fn open(&self, how: Open) -> Result<Opened<Session>, Failure> {
        let request = sessions::Request::new(how)?.plans(launch::plans(&self.options)).mode(self.options.mode.clone());
        let connection = self.connection().await?;
        sessions::open(&connection, request, self.features()).await
    }

    async fn list(&self, request: v1::ListSessionsRequest) -> Result<v1::ListSessionsResponse, Failure> {
        sessions::list(&*self.connection().await?, request).await
    }

    async fn delete(&self, session: v1::SessionId) -> Result<(), Failure> {
        sessions::delete(&*self.connection().await?, &session).await
    }

    async fn authenticate(&self, request: v1::AuthenticateRequest) -> Result<(), Failure> {
        auth::authenticate(&*self.connection().await?, &request).await
    }

    async fn logout(&self) -> Result<(), Failure> {
        auth::logout(&*self.connection().await?).await
    }

    async fn extension(
        &self,
        method: &str,
        params: Option<acp_types::RawBuf>,
    ) -> Result<Option<acp_types::RawBuf>, Failure> {
        let params = params.as_ref().map(acp_types::RawBuf::as_raw);
        Ok(match method {
            hooks::LIST => Some(hooks::list(&*self.connection().await?, params).await?),
            hooks::TRUST => Some(hooks::trust(&*self.connection().await?, params).await?),
            _ => None,
        })
    }

    async fn shutdown(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            connection.shutdown().await;
        }
    }
}
