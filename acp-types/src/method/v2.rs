//! The methods of the ACP v2 draft. The table is always there, the typed methods with feature `unstable-v2`.

use super::table::methods;

methods! {
    #[cfg(feature = "unstable-v2")] use agent_client_protocol_schema::v2 as schema;

    Initialize = Request "initialize", ToAgent, Connection, Stable, InitializeRequest => InitializeResponse;
    Login = Request "auth/login", ToAgent, Connection, Stable, LoginAuthRequest => LoginAuthResponse;
    Logout = Request "auth/logout", ToAgent, Connection, Stable, LogoutAuthRequest => LogoutAuthResponse;
    AuthStatus = Request "auth/status", ToAgent, Connection, Unstable, AuthStatusRequest => AuthStatusResponse;
    ListProviders = Request "providers/list", ToAgent, Connection, Unstable, ListProvidersRequest => ListProvidersResponse;
    SetProvider = Request "providers/set", ToAgent, Connection, Unstable, SetProviderRequest => SetProviderResponse;
    DisableProvider = Request "providers/disable", ToAgent, Connection, Unstable, DisableProviderRequest => DisableProviderResponse;
    NewSession = Request "session/new", ToAgent, Connection, Stable, NewSessionRequest => NewSessionResponse;
    ListSessions = Request "session/list", ToAgent, Connection, Stable, ListSessionsRequest => ListSessionsResponse;
    ResumeSession = Request "session/resume", ToAgent, Session, Stable, ResumeSessionRequest => ResumeSessionResponse;
    CloseSession = Request "session/close", ToAgent, Session, Stable, CloseSessionRequest => CloseSessionResponse;
    DeleteSession = Request "session/delete", ToAgent, Session, Stable, DeleteSessionRequest => DeleteSessionResponse;
    ForkSession = Request "session/fork", ToAgent, Session, Unstable, ForkSessionRequest => ForkSessionResponse;
    ArchiveSession = Request "session/archive", ToAgent, Session, Unstable, ArchiveSessionRequest => ArchiveSessionResponse;
    UnarchiveSession = Request "session/unarchive", ToAgent, Session, Unstable, UnarchiveSessionRequest => UnarchiveSessionResponse;
    SessionStatus = Request "session/status", ToAgent, Session, Unstable, SessionStatusRequest => SessionStatusResponse;
    SessionOptions = Request "session/options", ToAgent, SessionOrConnection, Unstable, SessionOptionsRequest => SessionOptionsResponse;
    SetSessionTitle = Request "session/set_title", ToAgent, Session, Unstable, SetSessionTitleRequest => SetSessionTitleResponse;
    SetSessionConfigOption = Request "session/set_config_option", ToAgent, Session, Stable,
        SetSessionConfigOptionRequest => SetSessionConfigOptionResponse;
    Prompt = Request "session/prompt", ToAgent, Session, Stable, PromptRequest => PromptResponse;
    CancelToolCall = Request "tool_call/cancel", ToAgent, Session, Stable, CancelToolCallRequest => CancelToolCallResponse;
    CancelTerminal = Request "terminal/cancel", ToAgent, Session, Stable, CancelTerminalRequest => CancelTerminalResponse;
    CancelSession = Notification "session/cancel", ToAgent, Session, Stable, CancelSessionNotification;
    NotifyMcp = Notification "mcp/message", ToAgent, Connection, Unstable, MessageMcpNotification;

    SessionUpdate = Notification "session/update", ToClient, Session, Stable, UpdateSessionNotification;
    AuthStatusUpdate = Notification "auth/status_update", ToClient, Connection, Unstable, AuthStatusUpdateNotification;
    RequestPermission = Request "session/request_permission", ToClient, Session, Stable,
        RequestPermissionRequest => RequestPermissionResponse;
    CreateElicitation = Request "elicitation/create", ToClient, SessionOrRequest, Stable,
        CreateElicitationRequest => CreateElicitationResponse;
    CompleteElicitation = Notification "elicitation/complete", ToClient, Connection, Stable, CompleteElicitationNotification;
    CallMcp = Request "mcp/message", ToClient, Connection, Unstable, MessageMcpRequest => MessageMcpResponse;

    CancelRequest = Notification "$/cancel_request", Both, Request, Stable, CancelRequestNotification;
    InitializeProxy = Request "proxy/initialize", ToAgent, Connection, Unstable, InitializeProxyRequest => InitializeProxyResponse;
    CallSuccessor = Request "proxy/successor", Both, Connection, Unstable, ProxySuccessorRequest => ProxySuccessorResponse;
    NotifySuccessor = Notification "proxy/successor", Both, Connection, Unstable, ProxySuccessorNotification;
}
