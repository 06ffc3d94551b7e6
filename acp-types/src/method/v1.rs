//! The methods of ACP v1.

use super::table::methods;

methods! {
    #[cfg(all())] use agent_client_protocol_schema::v1 as schema;

    Initialize = Request "initialize", ToAgent, Connection, Stable, InitializeRequest => InitializeResponse;
    Authenticate = Request "authenticate", ToAgent, Connection, Stable, AuthenticateRequest => AuthenticateResponse;
    Logout = Request "logout", ToAgent, Connection, Stable, LogoutRequest => LogoutResponse;
    AuthStatus = Request "auth/status", ToAgent, Connection, Unstable, AuthStatusRequest => AuthStatusResponse;
    ListProviders = Request "providers/list", ToAgent, Connection, Unstable, ListProvidersRequest => ListProvidersResponse;
    SetProvider = Request "providers/set", ToAgent, Connection, Unstable, SetProviderRequest => SetProviderResponse;
    DisableProvider = Request "providers/disable", ToAgent, Connection, Unstable, DisableProviderRequest => DisableProviderResponse;
    NewSession = Request "session/new", ToAgent, Connection, Stable, NewSessionRequest => NewSessionResponse;
    ListSessions = Request "session/list", ToAgent, Connection, Stable, ListSessionsRequest => ListSessionsResponse;
    LoadSession = Request "session/load", ToAgent, Session, Stable, LoadSessionRequest => LoadSessionResponse;
    ResumeSession = Request "session/resume", ToAgent, Session, Stable, ResumeSessionRequest => ResumeSessionResponse;
    CloseSession = Request "session/close", ToAgent, Session, Stable, CloseSessionRequest => CloseSessionResponse;
    DeleteSession = Request "session/delete", ToAgent, Session, Stable, DeleteSessionRequest => DeleteSessionResponse;
    ForkSession = Request "session/fork", ToAgent, Session, Unstable, ForkSessionRequest => ForkSessionResponse;
    ArchiveSession = Request "session/archive", ToAgent, Session, Unstable, ArchiveSessionRequest => ArchiveSessionResponse;
    UnarchiveSession = Request "session/unarchive", ToAgent, Session, Unstable, UnarchiveSessionRequest => UnarchiveSessionResponse;
    SessionStatus = Request "session/status", ToAgent, Session, Unstable, SessionStatusRequest => SessionStatusResponse;
    SessionOptions = Request "session/options", ToAgent, SessionOrConnection, Unstable, SessionOptionsRequest => SessionOptionsResponse;
    SetSessionTitle = Request "session/set_title", ToAgent, Session, Unstable, SetSessionTitleRequest => SetSessionTitleResponse;
    SetSessionMode = Request "session/set_mode", ToAgent, Session, Stable, SetSessionModeRequest => SetSessionModeResponse;
    SetSessionConfigOption = Request "session/set_config_option", ToAgent, Session, Stable,
        SetSessionConfigOptionRequest => SetSessionConfigOptionResponse;
    Prompt = Request "session/prompt", ToAgent, Session, Stable, PromptRequest => PromptResponse;
    Cancel = Notification "session/cancel", ToAgent, Session, Stable, CancelNotification;
    NotifyMcp = Notification "mcp/message", ToAgent, Connection, Unstable, MessageMcpNotification;

    SessionUpdate = Notification "session/update", ToClient, Session, Stable, SessionNotification;
    AuthStatusUpdate = Notification "auth/status_update", ToClient, Connection, Unstable, AuthStatusUpdateNotification;
    RequestPermission = Request "session/request_permission", ToClient, Session, Stable,
        RequestPermissionRequest => RequestPermissionResponse;
    WriteTextFile = Request "fs/write_text_file", ToClient, Session, Stable, WriteTextFileRequest => WriteTextFileResponse;
    ReadTextFile = Request "fs/read_text_file", ToClient, Session, Stable, ReadTextFileRequest => ReadTextFileResponse;
    CreateTerminal = Request "terminal/create", ToClient, Session, Stable, CreateTerminalRequest => CreateTerminalResponse;
    TerminalOutput = Request "terminal/output", ToClient, Session, Stable, TerminalOutputRequest => TerminalOutputResponse;
    ReleaseTerminal = Request "terminal/release", ToClient, Session, Stable, ReleaseTerminalRequest => ReleaseTerminalResponse;
    KillTerminal = Request "terminal/kill", ToClient, Session, Stable, KillTerminalRequest => KillTerminalResponse;
    WaitForTerminalExit = Request "terminal/wait_for_exit", ToClient, Session, Stable,
        WaitForTerminalExitRequest => WaitForTerminalExitResponse;
    CreateElicitation = Request "elicitation/create", ToClient, SessionOrRequest, Stable,
        CreateElicitationRequest => CreateElicitationResponse;
    CompleteElicitation = Notification "elicitation/complete", ToClient, Connection, Stable, CompleteElicitationNotification;
    CallMcp = Request "mcp/message", ToClient, Connection, Unstable, MessageMcpRequest => MessageMcpResponse;

    CancelRequest = Notification "$/cancel_request", Both, Request, Stable, CancelRequestNotification;
    InitializeProxy = Request "proxy/initialize", ToAgent, Connection, Unstable, InitializeProxyRequest => InitializeProxyResponse;
    CallSuccessor = Request "proxy/successor", Both, Connection, Unstable, ProxySuccessorRequest => ProxySuccessorResponse;
    NotifySuccessor = Notification "proxy/successor", Both, Connection, Unstable, ProxySuccessorNotification;
}
