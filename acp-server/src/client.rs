//! Methods that a client implements.

use std::future::Future;

use acp_types::method::v1;
use acp_types::v1 as schema;
use acp_types::{ErrorObjectOwned, Raw, RawBuf};

use crate::context::Context;
use crate::dispatch::{Side, notify, route};
use crate::error::{Answer, method_not_found};
use crate::peer::AgentPeer;

/// The [`Context`] of a client's handlers.
pub type ClientContext = Context<AgentPeer>;

/// An ACP client. Every method has a default: a method that the client does not serve is answered with "method not
/// found", and `request_permission` answers `cancelled`.
///
/// Requests run at the same time, notifications one after the other in the order in which they came. A handler may be
/// dropped when its request was cancelled and [`Config::cancel_grace`](crate::Config::cancel_grace) has passed. A
/// handler that panics answers with an internal error; the connection lives on. What the peer sent in full, members
/// that the types do not know included, is in the [`Context`].
///
/// While a notification is handled nothing else that the peer sent is, answers to our calls included: a handler of a
/// notification must not wait for one.
pub trait Client: Send + Sync + 'static {
    /// Asks the user whether a tool call may run.
    fn request_permission(
        &self,
        params: schema::RequestPermissionRequest,
        context: &ClientContext,
    ) -> impl Future<Output = Answer<schema::RequestPermissionResponse>> + Send {
        let _ = (params, context);
        async { Ok(schema::RequestPermissionResponse::new(schema::RequestPermissionOutcome::Cancelled)) }
    }

    /// Reads a text file, unsaved changes of an editor included.
    fn read_text_file(
        &self,
        params: schema::ReadTextFileRequest,
        context: &ClientContext,
    ) -> impl Future<Output = Answer<schema::ReadTextFileResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::ReadTextFile as acp_types::method::Request>::METHOD.name)) }
    }

    /// Writes a text file.
    fn write_text_file(
        &self,
        params: schema::WriteTextFileRequest,
        context: &ClientContext,
    ) -> impl Future<Output = Answer<schema::WriteTextFileResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::WriteTextFile as acp_types::method::Request>::METHOD.name)) }
    }

    /// Starts a command.
    fn create_terminal(
        &self,
        params: schema::CreateTerminalRequest,
        context: &ClientContext,
    ) -> impl Future<Output = Answer<schema::CreateTerminalResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::CreateTerminal as acp_types::method::Request>::METHOD.name)) }
    }

    /// Reads what a command has printed.
    fn terminal_output(
        &self,
        params: schema::TerminalOutputRequest,
        context: &ClientContext,
    ) -> impl Future<Output = Answer<schema::TerminalOutputResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::TerminalOutput as acp_types::method::Request>::METHOD.name)) }
    }

    /// Waits for a command to end.
    fn wait_for_terminal_exit(
        &self,
        params: schema::WaitForTerminalExitRequest,
        context: &ClientContext,
    ) -> impl Future<Output = Answer<schema::WaitForTerminalExitResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::WaitForTerminalExit as acp_types::method::Request>::METHOD.name)) }
    }

    /// Ends a command; its output stays readable.
    fn kill_terminal(
        &self,
        params: schema::KillTerminalRequest,
        context: &ClientContext,
    ) -> impl Future<Output = Answer<schema::KillTerminalResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::KillTerminal as acp_types::method::Request>::METHOD.name)) }
    }

    /// Ends a command and frees its output.
    fn release_terminal(
        &self,
        params: schema::ReleaseTerminalRequest,
        context: &ClientContext,
    ) -> impl Future<Output = Answer<schema::ReleaseTerminalResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::ReleaseTerminal as acp_types::method::Request>::METHOD.name)) }
    }

    /// Asks the user for structured input.
    fn create_elicitation(
        &self,
        params: schema::CreateElicitationRequest,
        context: &ClientContext,
    ) -> impl Future<Output = Answer<schema::CreateElicitationResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::CreateElicitation as acp_types::method::Request>::METHOD.name)) }
    }

    /// A message to an MCP server that the client provides. Unstable.
    fn call_mcp(
        &self,
        params: schema::MessageMcpRequest,
        context: &ClientContext,
    ) -> impl Future<Output = Answer<schema::MessageMcpResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::CallMcp as acp_types::method::Request>::METHOD.name)) }
    }

    /// Takes an update of a session.
    fn session_update(
        &self,
        params: schema::SessionNotification,
        context: &ClientContext,
    ) -> impl Future<Output = ()> + Send {
        let _ = (params, context);
        async {}
    }

    /// A URL elicitation is done.
    fn complete_elicitation(
        &self,
        params: schema::CompleteElicitationNotification,
        context: &ClientContext,
    ) -> impl Future<Output = ()> + Send {
        let _ = (params, context);
        async {}
    }

    /// The authentication changed. Unstable.
    fn auth_status_update(
        &self,
        params: schema::AuthStatusUpdateNotification,
        context: &ClientContext,
    ) -> impl Future<Output = ()> + Send {
        let _ = (params, context);
        async {}
    }

    /// Any other request: one whose method begins with `_`, or one that this crate does not know.
    ///
    /// Answers another request. By default the answer is "method not found".
    fn ext_method(
        &self,
        method: &str,
        params: Option<Raw<'_>>,
        context: &ClientContext,
    ) -> impl Future<Output = Answer<RawBuf>> + Send {
        let _ = (params, context);
        let refused: ErrorObjectOwned = method_not_found(method);
        async { Err(refused) }
    }

    /// Any other notification, and those whose params are not understood. By default it is ignored.
    fn ext_notification(
        &self,
        method: &str,
        params: Option<Raw<'_>>,
        context: &ClientContext,
    ) -> impl Future<Output = ()> + Send {
        let _ = (method, params, context);
        async {}
    }
}

/// Routes messages to a client's handlers.
pub(crate) struct ClientSide<T>(pub(crate) T);

impl<T: Client> Side for ClientSide<T> {
    type Peer = AgentPeer;
    const AGENT: bool = false;

    async fn request(&self, method: &str, context: &ClientContext) -> Answer<RawBuf> {
        route!(self.0, method, context, {
            RequestPermission => request_permission,
            ReadTextFile => read_text_file,
            WriteTextFile => write_text_file,
            CreateTerminal => create_terminal,
            TerminalOutput => terminal_output,
            WaitForTerminalExit => wait_for_terminal_exit,
            KillTerminal => kill_terminal,
            ReleaseTerminal => release_terminal,
            CreateElicitation => create_elicitation,
            CallMcp => call_mcp,
        })
    }

    async fn notification(&self, method: &str, context: &ClientContext) {
        notify!(self.0, method, context, {
            SessionUpdate => session_update,
            CompleteElicitation => complete_elicitation,
            AuthStatusUpdate => auth_status_update,
        })
    }
}
