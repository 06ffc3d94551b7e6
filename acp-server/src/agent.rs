//! Methods that an agent implements.

use std::future::Future;

use acp_types::method::v1;
use acp_types::v1 as schema;
use acp_types::{ErrorObjectOwned, Raw, RawBuf};

use crate::context::Context;
use crate::dispatch::{Side, notify, route};
use crate::error::{Answer, method_not_found};
use crate::peer::ClientPeer;

/// The [`Context`] of an agent's handlers.
pub type AgentContext = Context<ClientPeer>;

/// An ACP agent. Every method has a default: a method that the agent does not serve is answered with "method not
/// found", and `initialize` agrees on protocol version 1 without any capability.
///
/// Requests run at the same time, notifications one after the other in the order in which they came. A handler may be
/// dropped when its request was cancelled and [`Config::cancel_grace`](crate::Config::cancel_grace) has passed. A
/// handler that panics answers with an internal error; the connection lives on. What the peer sent in full, members
/// that the types do not know included, is in the [`Context`].
///
/// While a notification is handled nothing else that the peer sent is, answers to our calls included: a handler of a
/// notification must not wait for one.
pub trait Agent: Send + Sync + 'static {
    /// Runs one turn. When [`Context::cancelled`] fires it should end soon with `cancelled`; an error after that is
    /// reported as `cancelled` too.
    fn prompt(
        &self,
        params: schema::PromptRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::PromptResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::Prompt as acp_types::method::Request>::METHOD.name)) }
    }

    /// Agrees on protocol version and capabilities. It is called once, before everything else.
    fn initialize(
        &self,
        params: schema::InitializeRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::InitializeResponse>> + Send {
        let _ = (params, context);
        async { Ok(schema::InitializeResponse::new(schema::ProtocolVersion::V1)) }
    }

    /// Logs in with one of the methods that the agent offered.
    fn authenticate(
        &self,
        params: schema::AuthenticateRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::AuthenticateResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::Authenticate as acp_types::method::Request>::METHOD.name)) }
    }

    /// Ends the authentication.
    fn logout(
        &self,
        params: schema::LogoutRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::LogoutResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::Logout as acp_types::method::Request>::METHOD.name)) }
    }

    /// Begins a session.
    fn new_session(
        &self,
        params: schema::NewSessionRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::NewSessionResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::NewSession as acp_types::method::Request>::METHOD.name)) }
    }

    /// Opens an old session; its history comes as updates before the answer.
    fn load_session(
        &self,
        params: schema::LoadSessionRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::LoadSessionResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::LoadSession as acp_types::method::Request>::METHOD.name)) }
    }

    /// Opens an old session without its history.
    fn resume_session(
        &self,
        params: schema::ResumeSessionRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::ResumeSessionResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::ResumeSession as acp_types::method::Request>::METHOD.name)) }
    }

    /// Lists sessions that the agent knows.
    fn list_sessions(
        &self,
        params: schema::ListSessionsRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::ListSessionsResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::ListSessions as acp_types::method::Request>::METHOD.name)) }
    }

    /// Frees what an open session holds.
    fn close_session(
        &self,
        params: schema::CloseSessionRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::CloseSessionResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::CloseSession as acp_types::method::Request>::METHOD.name)) }
    }

    /// Removes a session for good.
    fn delete_session(
        &self,
        params: schema::DeleteSessionRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::DeleteSessionResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::DeleteSession as acp_types::method::Request>::METHOD.name)) }
    }

    /// Begins a session that continues another one. Unstable.
    fn fork_session(
        &self,
        params: schema::ForkSessionRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::ForkSessionResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::ForkSession as acp_types::method::Request>::METHOD.name)) }
    }

    /// Switches the mode of a session.
    fn set_session_mode(
        &self,
        params: schema::SetSessionModeRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::SetSessionModeResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::SetSessionMode as acp_types::method::Request>::METHOD.name)) }
    }

    /// Changes an option of a session.
    fn set_session_config_option(
        &self,
        params: schema::SetSessionConfigOptionRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::SetSessionConfigOptionResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::SetSessionConfigOption as acp_types::method::Request>::METHOD.name)) }
    }

    /// Tells whether the client is authenticated. Unstable.
    fn auth_status(
        &self,
        params: schema::AuthStatusRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::AuthStatusResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::AuthStatus as acp_types::method::Request>::METHOD.name)) }
    }

    /// Puts a session away. Unstable.
    fn archive_session(
        &self,
        params: schema::ArchiveSessionRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::ArchiveSessionResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::ArchiveSession as acp_types::method::Request>::METHOD.name)) }
    }

    /// Takes a session back out. Unstable.
    fn unarchive_session(
        &self,
        params: schema::UnarchiveSessionRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::UnarchiveSessionResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::UnarchiveSession as acp_types::method::Request>::METHOD.name)) }
    }

    /// Tells what a session is doing. Unstable.
    fn session_status(
        &self,
        params: schema::SessionStatusRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::SessionStatusResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::SessionStatus as acp_types::method::Request>::METHOD.name)) }
    }

    /// Tells which options a session has or would begin with, and begins none. Unstable.
    fn session_options(
        &self,
        params: schema::SessionOptionsRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::SessionOptionsResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::SessionOptions as acp_types::method::Request>::METHOD.name)) }
    }

    /// Names a session. Unstable.
    fn set_session_title(
        &self,
        params: schema::SetSessionTitleRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::SetSessionTitleResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::SetSessionTitle as acp_types::method::Request>::METHOD.name)) }
    }

    /// Lists model providers. Unstable.
    fn list_providers(
        &self,
        params: schema::ListProvidersRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::ListProvidersResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::ListProviders as acp_types::method::Request>::METHOD.name)) }
    }

    /// Sets a model provider up. Unstable.
    fn set_provider(
        &self,
        params: schema::SetProviderRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::SetProviderResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::SetProvider as acp_types::method::Request>::METHOD.name)) }
    }

    /// Turns a model provider off. Unstable.
    fn disable_provider(
        &self,
        params: schema::DisableProviderRequest,
        context: &AgentContext,
    ) -> impl Future<Output = Answer<schema::DisableProviderResponse>> + Send {
        let _ = (params, context);
        async { Err(method_not_found(<v1::DisableProvider as acp_types::method::Request>::METHOD.name)) }
    }

    /// The turn of a session is to stop. The context of its prompt has been cancelled already, so most agents need not
    /// do anything here.
    fn cancel(&self, params: schema::CancelNotification, context: &AgentContext) -> impl Future<Output = ()> + Send {
        let _ = (params, context);
        async {}
    }

    /// A notification of an MCP server that the client provides. Unstable.
    fn notify_mcp(
        &self,
        params: schema::MessageMcpNotification,
        context: &AgentContext,
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
        context: &AgentContext,
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
        context: &AgentContext,
    ) -> impl Future<Output = ()> + Send {
        let _ = (method, params, context);
        async {}
    }
}

/// Routes messages to an agent's handlers.
pub(crate) struct AgentSide<T>(pub(crate) T);

impl<T: Agent> Side for AgentSide<T> {
    type Peer = ClientPeer;
    const AGENT: bool = true;

    async fn request(&self, method: &str, context: &AgentContext) -> Answer<RawBuf> {
        route!(self.0, method, context, {
            Prompt => prompt,
            Initialize => initialize,
            Authenticate => authenticate,
            Logout => logout,
            NewSession => new_session,
            LoadSession => load_session,
            ResumeSession => resume_session,
            ListSessions => list_sessions,
            CloseSession => close_session,
            DeleteSession => delete_session,
            ForkSession => fork_session,
            SetSessionMode => set_session_mode,
            SetSessionConfigOption => set_session_config_option,
            AuthStatus => auth_status,
            ArchiveSession => archive_session,
            UnarchiveSession => unarchive_session,
            SessionStatus => session_status,
            SessionOptions => session_options,
            SetSessionTitle => set_session_title,
            ListProviders => list_providers,
            SetProvider => set_provider,
            DisableProvider => disable_provider,
        })
    }

    async fn notification(&self, method: &str, context: &AgentContext) {
        notify!(self.0, method, context, {
            Cancel => cancel,
            NotifyMcp => notify_mcp,
        })
    }
}
