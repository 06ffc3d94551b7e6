//! The API as a trait, from which jsonrpsee makes the client, and the trait that a server implements.
#![cfg_attr(
    feature = "api-server",
    expect(clippy::too_many_arguments, reason = "the arguments are the members of an object on the wire")
)]

use jsonrpsee::proc_macros::rpc;

use super::{
    Accepted, Answered, CancelScope, Created, Deleted, Done, Event, Exported, Head, Lanes, OnBusy, Page, Queue,
    Records, SessionView, Stopping, Waited,
};
use crate::meta::MainAgent;
use crate::record::{Seq, Turn};
use crate::{ErrorObjectOwned, RawBuf, SessionId};

/// The session API. Params are named on the wire as in [`METHODS`](super::METHODS), where each is described.
#[cfg_attr(feature = "api-server", rpc(client, server))]
#[cfg_attr(not(feature = "api-server"), rpc(client))]
pub trait SessionApi {
    /// Starts a session.
    #[method(name = "session_create", param_kind = map, with_extensions)]
    async fn session_create(
        &self,
        cwd: String,
        #[argument(rename = "mcpServers")] mcp_servers: Option<RawBuf>,
        #[argument(rename = "clientCapabilities")] client_capabilities: Option<RawBuf>,
        #[argument(rename = "clientInfo")] client_info: Option<RawBuf>,
        agent: Option<MainAgent>,
    ) -> Result<Created, ErrorObjectOwned>;

    /// Lists sessions, newest first, a page at a time.
    #[method(name = "session_list", param_kind = map, with_extensions)]
    async fn session_list(
        &self,
        cwd: Option<String>,
        after: Option<SessionId>,
        limit: Option<u32>,
    ) -> Result<Page, ErrorObjectOwned>;

    /// State of a session at the head of its log.
    #[method(name = "session_get", param_kind = map, with_extensions)]
    async fn session_get(&self, session: SessionId) -> Result<SessionView, ErrorObjectOwned>;

    /// Reads records after a cursor.
    #[method(name = "session_read", param_kind = map, with_extensions)]
    async fn session_read(
        &self,
        session: SessionId,
        after: Option<Seq>,
        limit: Option<u32>,
    ) -> Result<Records, ErrorObjectOwned>;

    /// Follows a session from a cursor: history, a mark, then live.
    #[subscription(
        name = "session_subscribe" => "session_event",
        unsubscribe = "session_unsubscribe",
        item = Event,
        param_kind = map,
        with_extensions
    )]
    async fn session_subscribe(&self, session: SessionId, after: Option<Seq>, attend: Option<bool>);

    /// A session as JSON Lines, a page at a time.
    #[method(name = "session_export", param_kind = map, with_extensions)]
    async fn session_export(
        &self,
        session: SessionId,
        after: Option<Seq>,
        page: Option<String>,
    ) -> Result<Exported, ErrorObjectOwned>;

    /// Hands in a prompt; answered when it is accepted.
    #[method(name = "session_prompt", param_kind = map, with_extensions)]
    async fn session_prompt(
        &self,
        session: SessionId,
        prompt: RawBuf,
        key: Option<String>,
        #[argument(rename = "onBusy")] on_busy: Option<OnBusy>,
        lane: Option<String>,
        #[argument(rename = "acceptContextLoss")] accept_context_loss: Option<bool>,
    ) -> Result<Accepted, ErrorObjectOwned>;

    /// Waits for the end of a turn.
    #[method(name = "session_wait", param_kind = map, with_extensions)]
    async fn session_wait(
        &self,
        session: SessionId,
        turn: Turn,
        #[argument(rename = "timeoutMs")] timeout_ms: Option<u64>,
    ) -> Result<Waited, ErrorObjectOwned>;

    /// Stops a turn, the running one if none is named, or what waits.
    #[method(name = "session_cancel", param_kind = map, with_extensions)]
    async fn session_cancel(
        &self,
        session: SessionId,
        turn: Option<Turn>,
        scope: Option<CancelScope>,
        lane: Option<String>,
        reason: Option<String>,
    ) -> Result<Done, ErrorObjectOwned>;

    /// The prompts that wait.
    #[method(name = "queue_list", param_kind = map, with_extensions)]
    async fn queue_list(&self, session: SessionId) -> Result<Queue, ErrorObjectOwned>;

    /// Gives a prompt that waits other content.
    #[method(name = "queue_edit", param_kind = map, with_extensions)]
    async fn queue_edit(&self, session: SessionId, turn: Turn, prompt: RawBuf) -> Result<Done, ErrorObjectOwned>;

    /// Gives a prompt that waits another place.
    #[method(name = "queue_move", param_kind = map, with_extensions)]
    async fn queue_move(&self, session: SessionId, turn: Turn, before: Option<Turn>) -> Result<Done, ErrorObjectOwned>;

    /// Cancels a prompt that waits.
    #[method(name = "queue_withdraw", param_kind = map, with_extensions)]
    async fn queue_withdraw(&self, session: SessionId, turn: Turn) -> Result<Done, ErrorObjectOwned>;

    /// Answers a request of the agent. The first answer counts.
    #[method(name = "session_respond", param_kind = map, with_extensions)]
    async fn session_respond(
        &self,
        session: SessionId,
        request: Seq,
        outcome: Option<RawBuf>,
        result: Option<RawBuf>,
        error: Option<RawBuf>,
    ) -> Result<Answered, ErrorObjectOwned>;

    /// Puts the session in a mode; the agent's own answer.
    #[method(name = "session_set_mode", param_kind = map, with_extensions)]
    async fn session_set_mode(&self, session: SessionId, mode: String) -> Result<RawBuf, ErrorObjectOwned>;

    /// Sets one of the session's options; the agent's own answer.
    #[method(name = "session_set_config", param_kind = map, with_extensions)]
    async fn session_set_config(
        &self,
        session: SessionId,
        option: String,
        value: RawBuf,
    ) -> Result<RawBuf, ErrorObjectOwned>;

    /// Says what becomes of permission requests while nobody is there.
    #[method(name = "session_set_policy", param_kind = map, with_extensions)]
    async fn session_set_policy(
        &self,
        session: SessionId,
        unattended: Option<String>,
    ) -> Result<Done, ErrorObjectOwned>;

    /// Puts in force what a session says that was written elsewhere.
    #[method(name = "session_trust", param_kind = map, with_extensions)]
    async fn session_trust(&self, session: SessionId) -> Result<Done, ErrorObjectOwned>;

    /// Stops what runs, and the agent. The session can be opened again.
    #[method(name = "session_close", param_kind = map, with_extensions)]
    async fn session_close(&self, session: SessionId) -> Result<Head, ErrorObjectOwned>;

    /// The agents of a session.
    #[method(name = "lane_list", param_kind = map, with_extensions)]
    async fn lane_list(&self, session: SessionId) -> Result<Lanes, ErrorObjectOwned>;

    /// Starts one more agent in a session; answered with its modes and options once it serves.
    #[method(name = "lane_add", param_kind = map, with_extensions)]
    async fn lane_add(&self, session: SessionId, lane: String, agent: String) -> Result<RawBuf, ErrorObjectOwned>;

    /// Cancels what a lane runs and queues, and stops its agent.
    #[method(name = "lane_remove", param_kind = map, with_extensions)]
    async fn lane_remove(&self, session: SessionId, lane: String) -> Result<Done, ErrorObjectOwned>;

    /// Deletes a session and its log.
    #[method(name = "session_delete", param_kind = map, with_extensions)]
    async fn session_delete(&self, session: SessionId) -> Result<Deleted, ErrorObjectOwned>;

    /// Stops the bridge as TERM does.
    #[method(name = "bridge_stop", with_extensions)]
    async fn bridge_stop(&self) -> Result<Stopping, ErrorObjectOwned>;

    /// The OpenRPC document of this API.
    #[method(name = "rpc.discover")]
    async fn discover(&self) -> Result<RawBuf, ErrorObjectOwned>;
}
