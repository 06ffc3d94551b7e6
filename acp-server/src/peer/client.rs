//! Typed calls to the client.

use acp_types::method::v1;
use acp_types::v1 as schema;

use super::Peer;
use crate::error::CallError;

/// Calls to the client; see the same methods of [`Client`](crate::Client).
///
/// Calls have no time limit. Dropping the future of one sends `$/cancel_request`.
#[derive(Debug, Clone)]
pub struct ClientPeer(Peer);

impl ClientPeer {
    /// Calls of any other method, and the connection itself.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.0
    }

    /// Asks the user whether a tool call may run.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn request_permission(
        &self,
        params: schema::RequestPermissionRequest,
    ) -> Result<schema::RequestPermissionResponse, CallError> {
        self.0.call::<v1::RequestPermission>(&params).await
    }

    /// Reads a text file, unsaved changes of an editor included.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn read_text_file(
        &self,
        params: schema::ReadTextFileRequest,
    ) -> Result<schema::ReadTextFileResponse, CallError> {
        self.0.call::<v1::ReadTextFile>(&params).await
    }

    /// Writes a text file.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn write_text_file(
        &self,
        params: schema::WriteTextFileRequest,
    ) -> Result<schema::WriteTextFileResponse, CallError> {
        self.0.call::<v1::WriteTextFile>(&params).await
    }

    /// Starts a command.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn create_terminal(
        &self,
        params: schema::CreateTerminalRequest,
    ) -> Result<schema::CreateTerminalResponse, CallError> {
        self.0.call::<v1::CreateTerminal>(&params).await
    }

    /// Reads what a command has printed.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn terminal_output(
        &self,
        params: schema::TerminalOutputRequest,
    ) -> Result<schema::TerminalOutputResponse, CallError> {
        self.0.call::<v1::TerminalOutput>(&params).await
    }

    /// Waits for a command to end.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn wait_for_terminal_exit(
        &self,
        params: schema::WaitForTerminalExitRequest,
    ) -> Result<schema::WaitForTerminalExitResponse, CallError> {
        self.0.call::<v1::WaitForTerminalExit>(&params).await
    }

    /// Ends a command; its output stays readable.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn kill_terminal(
        &self,
        params: schema::KillTerminalRequest,
    ) -> Result<schema::KillTerminalResponse, CallError> {
        self.0.call::<v1::KillTerminal>(&params).await
    }

    /// Ends a command and frees its output.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn release_terminal(
        &self,
        params: schema::ReleaseTerminalRequest,
    ) -> Result<schema::ReleaseTerminalResponse, CallError> {
        self.0.call::<v1::ReleaseTerminal>(&params).await
    }

    /// Asks the user for structured input.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn create_elicitation(
        &self,
        params: schema::CreateElicitationRequest,
    ) -> Result<schema::CreateElicitationResponse, CallError> {
        self.0.call::<v1::CreateElicitation>(&params).await
    }

    /// Tells what happens in a session.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn session_update(&self, params: schema::SessionNotification) -> Result<(), CallError> {
        self.0.notify::<v1::SessionUpdate>(&params).await
    }

    /// Tells that a URL elicitation is done.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn complete_elicitation(&self, params: schema::CompleteElicitationNotification) -> Result<(), CallError> {
        self.0.notify::<v1::CompleteElicitation>(&params).await
    }

    /// Sends a piece of text, as [`ClientPeer::session_update`] with an `agent_message_chunk`.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn say(&self, session: &schema::SessionId, text: impl Into<String>) -> Result<(), CallError> {
        let chunk = schema::ContentChunk::new(schema::ContentBlock::from(text.into()));
        let update = schema::SessionUpdate::AgentMessageChunk(chunk);
        self.session_update(schema::SessionNotification::new(session.clone(), update)).await
    }

    /// Closes the connection after everything sent so far, and waits until its transport is free.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

impl From<Peer> for ClientPeer {
    fn from(peer: Peer) -> Self {
        Self(peer)
    }
}
