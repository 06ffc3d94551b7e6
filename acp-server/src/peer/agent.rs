//! Typed calls to the agent.

use acp_types::method::v1;
use acp_types::v1 as schema;

use super::Peer;
use crate::error::CallError;

/// Calls to the agent; see the same methods of [`Agent`](crate::Agent).
///
/// Calls have no time limit. Dropping the future of one sends `$/cancel_request`.
#[derive(Debug, Clone)]
pub struct AgentPeer(Peer);

impl AgentPeer {
    /// Calls of any other method, and the connection itself.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.0
    }

    /// Agrees on protocol version and capabilities; the first call on every connection.
    ///
    /// "If the Client does not support the version specified by the Agent in the initialize response, the Client SHOULD
    /// close the connection and inform the user": the connection is closed, and the error is for the user.
    ///
    /// # Errors
    /// [`CallError::Version`] if the agent answers with another version than 1, whichever was asked for; else see
    /// [`CallError`].
    pub async fn initialize(&self, params: schema::InitializeRequest) -> Result<schema::InitializeResponse, CallError> {
        let answer = self.0.call::<v1::Initialize>(&params).await?;
        let version = answer.protocol_version;
        if version != schema::ProtocolVersion::V1 {
            self.close().await;
            return Err(CallError::Version { version });
        }
        Ok(answer)
    }

    /// Logs in with one of the methods that the agent offered.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn authenticate(
        &self,
        params: schema::AuthenticateRequest,
    ) -> Result<schema::AuthenticateResponse, CallError> {
        self.0.call::<v1::Authenticate>(&params).await
    }

    /// Ends the authentication.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn logout(&self, params: schema::LogoutRequest) -> Result<schema::LogoutResponse, CallError> {
        self.0.call::<v1::Logout>(&params).await
    }

    /// Begins a session.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn new_session(
        &self,
        params: schema::NewSessionRequest,
    ) -> Result<schema::NewSessionResponse, CallError> {
        self.0.call::<v1::NewSession>(&params).await
    }

    /// Opens an old session; its history comes as updates before the answer.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn load_session(
        &self,
        params: schema::LoadSessionRequest,
    ) -> Result<schema::LoadSessionResponse, CallError> {
        self.0.call::<v1::LoadSession>(&params).await
    }

    /// Opens an old session without its history.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn resume_session(
        &self,
        params: schema::ResumeSessionRequest,
    ) -> Result<schema::ResumeSessionResponse, CallError> {
        self.0.call::<v1::ResumeSession>(&params).await
    }

    /// Lists sessions that the agent knows.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn list_sessions(
        &self,
        params: schema::ListSessionsRequest,
    ) -> Result<schema::ListSessionsResponse, CallError> {
        self.0.call::<v1::ListSessions>(&params).await
    }

    /// Frees what an open session holds.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn close_session(
        &self,
        params: schema::CloseSessionRequest,
    ) -> Result<schema::CloseSessionResponse, CallError> {
        self.0.call::<v1::CloseSession>(&params).await
    }

    /// Removes a session for good.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn delete_session(
        &self,
        params: schema::DeleteSessionRequest,
    ) -> Result<schema::DeleteSessionResponse, CallError> {
        self.0.call::<v1::DeleteSession>(&params).await
    }

    /// Begins a session that continues another one. Unstable.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn fork_session(
        &self,
        params: schema::ForkSessionRequest,
    ) -> Result<schema::ForkSessionResponse, CallError> {
        self.0.call::<v1::ForkSession>(&params).await
    }

    /// Switches the mode of a session.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn set_session_mode(
        &self,
        params: schema::SetSessionModeRequest,
    ) -> Result<schema::SetSessionModeResponse, CallError> {
        self.0.call::<v1::SetSessionMode>(&params).await
    }

    /// Changes an option of a session.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn set_session_config_option(
        &self,
        params: schema::SetSessionConfigOptionRequest,
    ) -> Result<schema::SetSessionConfigOptionResponse, CallError> {
        self.0.call::<v1::SetSessionConfigOption>(&params).await
    }

    /// Runs one turn; what happens in it comes as updates before the answer.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn prompt(&self, params: schema::PromptRequest) -> Result<schema::PromptResponse, CallError> {
        self.0.call::<v1::Prompt>(&params).await
    }

    /// Stops the running turn of a session; the prompt is answered with `cancelled`.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn cancel(&self, params: schema::CancelNotification) -> Result<(), CallError> {
        self.0.notify::<v1::Cancel>(&params).await
    }

    /// Closes the connection after everything sent so far, and waits until its transport is free.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

impl From<Peer> for AgentPeer {
    fn from(peer: Peer) -> Self {
        Self(peer)
    }
}
