//! Each method, from its params to the service and from there to its result.

use std::time::Duration;

use acp_types::api::jsonrpsee::core::server::{Extensions, PendingSubscriptionSink};
use acp_types::api::{
    Accepted, Answered, CancelScope, Created, Deleted, Done, Exported, Head, Lanes, OPENRPC, OnBusy, Page, Queue,
    Records, SessionApiServer, SessionView, Stopping, Waited,
};
use acp_types::meta::MainAgent;
use acp_types::record::{Seq, Turn};
use acp_types::{ErrorObjectOwned, RawBuf, RawKind, SessionId, capability};
use async_trait::async_trait;

use super::call::{Outlet, caller, peer};
use super::params::{answer_of, kind_of};
use super::{attend, fault, subscription, view};
use crate::log::{ListQuery, ReadLimit};
use crate::service::{SessionService, command, validate};
use crate::session::Command;
use crate::view::v1::calls;
use crate::view::{door, lanes_of};

/// Sessions in a page.
const PAGE: usize = 100;
const MAX_PAGE: u32 = 1000;
/// Milliseconds that a client waits for a turn.
const WAIT: u64 = 30_000;
const MAX_WAIT: u64 = 600_000;

type Answer<T> = Result<T, ErrorObjectOwned>;

/// Session API on a service.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) service: SessionService,
}

impl Api {
    /// Submits a command that is done or refused.
    async fn order(&self, ext: &Extensions, session: SessionId, command: Command) -> Answer<Done> {
        self.service.order(caller(ext)?, session, command).await.map_err(fault::refused)?;
        Ok(Done {})
    }

    async fn call(&self, ext: &Extensions, session: SessionId, method: &str, params: RawBuf) -> Answer<RawBuf> {
        self.service.call(caller(ext)?, session, method, params).await.map_err(fault::refused)
    }
}

#[async_trait]
impl SessionApiServer for Api {
    async fn session_create(
        &self,
        ext: &Extensions,
        cwd: String,
        mcp_servers: Option<RawBuf>,
        client_capabilities: Option<RawBuf>,
        client_info: Option<RawBuf>,
        agent: Option<MainAgent>,
    ) -> Answer<Created> {
        validate::cwd(Some(&cwd)).map_err(|invalid| fault::invalid(&invalid))?;
        let mcp_servers = kind_of("mcpServers", mcp_servers, RawKind::Array)?;
        let capabilities = kind_of(capability::CLIENT, client_capabilities, RawKind::Object)?;
        let info = kind_of("clientInfo", client_info, RawKind::Object)?;
        let initialize = calls::initialize(capabilities.as_ref(), info.as_ref()).map_err(unwritable)?;
        let params = calls::new_session(&cwd, mcp_servers.as_ref(), agent.as_ref()).map_err(unwritable)?;
        let created = self.service.create(caller(ext)?, params.as_raw(), initialize).await.map_err(fault::refused)?;
        Ok(Created { session: created.session, result: created.result })
    }

    async fn session_list(
        &self,
        ext: &Extensions,
        cwd: Option<String>,
        after: Option<SessionId>,
        limit: Option<u32>,
    ) -> Answer<Page> {
        let limit = limit.map_or(PAGE, |limit| limit.clamp(1, MAX_PAGE) as usize);
        let query = ListQuery { cwd, after, limit };
        let sessions = self.service.list(caller(ext)?, query).await.map_err(fault::refused)?;
        let next = sessions.last().filter(|_| sessions.len() >= limit).map(|info| info.id.clone());
        Ok(Page { sessions: sessions.into_iter().map(view::session).collect(), next })
    }

    async fn session_get(&self, ext: &Extensions, session: SessionId) -> Answer<SessionView> {
        let (info, now) = self.service.get(caller(ext)?, &session).await.map_err(fault::refused)?;
        Ok(view::whole(info, now.head, &now.state))
    }

    async fn session_read(
        &self,
        ext: &Extensions,
        session: SessionId,
        after: Option<Seq>,
        limit: Option<u32>,
    ) -> Answer<Records> {
        let most = ReadLimit::default();
        let records = limit.map_or(most.records, |limit| (limit as usize).clamp(1, most.records));
        let limit = ReadLimit { records, ..most };
        let read = self.service.read(caller(ext)?, &session, after.unwrap_or(0), limit).await;
        let (records, head) = read.map_err(fault::refused)?;
        Ok(Records { records, head })
    }

    async fn session_export(
        &self,
        ext: &Extensions,
        session: SessionId,
        after: Option<Seq>,
        page: Option<String>,
    ) -> Answer<Exported> {
        let exported = self.service.export(caller(ext)?, &session, after.unwrap_or(0), page.as_deref()).await;
        let page = exported.map_err(fault::refused)?;
        Ok(Exported { lines: page.lines, next: page.next })
    }

    async fn session_subscribe(
        &self,
        pending: PendingSubscriptionSink,
        ext: &Extensions,
        session: SessionId,
        after: Option<Seq>,
        attend: Option<bool>,
    ) {
        let outlet = ext.get::<Outlet>().ok_or_else(|| door::internal("the subscription has no connection"));
        match peer(ext).and_then(|peer| Ok((peer, outlet?))) {
            Ok((peer, outlet)) => {
                // The task belongs to jsonrpsee; the gateway waits for it all the same.
                let _task = peer.tasks.token();
                let after = after.unwrap_or(0);
                if attend == Some(true) {
                    attend::deliver(&self.service, peer, outlet, pending, session, after).await;
                } else {
                    subscription::deliver(&self.service, peer, outlet, pending, session, after).await;
                }
            }
            Err(error) => pending.reject(error).await,
        }
    }

    async fn session_prompt(
        &self,
        ext: &Extensions,
        session: SessionId,
        prompt: RawBuf,
        key: Option<String>,
        on_busy: Option<OnBusy>,
        lane: Option<String>,
        accept_context_loss: Option<bool>,
    ) -> Answer<Accepted> {
        let prompt = command::Prompt {
            params: calls::prompt(&session, &prompt).map_err(unwritable)?,
            lane,
            key,
            on_busy: on_busy.unwrap_or_default().into(),
            after_restart: acp_types::meta::AfterRestart::default(),
            accept_context_loss: accept_context_loss.unwrap_or(false),
        };
        let turn = self.service.prompt(caller(ext)?, session, prompt).await.map_err(fault::refused)?;
        Ok(Accepted { turn })
    }

    async fn session_wait(
        &self,
        ext: &Extensions,
        session: SessionId,
        turn: Turn,
        timeout_ms: Option<u64>,
    ) -> Answer<Waited> {
        let peer = peer(ext)?;
        let time = Duration::from_millis(timeout_ms.unwrap_or(WAIT).min(MAX_WAIT));
        tokio::select! {
            biased;
            waited = self.service.wait(&peer.caller, &session, turn) => waited.map_err(fault::refused),
            () = peer.gone.cancelled() => Err(fault::stopping()),
            () = peer.shutdown.cancelled() => Err(fault::stopping()),
            () = tokio::time::sleep(time) => Ok(Waited { turn, seq: None, ended: None }),
        }
    }

    async fn session_cancel(
        &self,
        ext: &Extensions,
        session: SessionId,
        turn: Option<Turn>,
        scope: Option<CancelScope>,
        lane: Option<String>,
        reason: Option<String>,
    ) -> Answer<Done> {
        let scope = scope.unwrap_or_default();
        if turn.is_some() && scope != CancelScope::Turn {
            return Err(fault::param("turn", "`turn` is for the scope `turn`: leave one of the two out"));
        }
        let stop = command::Stop { lane, turn, scope: scope.into(), reason };
        self.order(ext, session, command::cancel(stop)).await
    }

    async fn queue_list(&self, ext: &Extensions, session: SessionId) -> Answer<Queue> {
        let queue = self.service.queue(caller(ext)?, session).await.map_err(fault::refused)?;
        Ok(Queue { queue })
    }

    async fn queue_edit(&self, ext: &Extensions, session: SessionId, turn: Turn, prompt: RawBuf) -> Answer<Done> {
        let command = command::queue_edit(turn, prompt).map_err(|invalid| fault::invalid(&invalid))?;
        self.order(ext, session, command).await
    }

    async fn queue_move(&self, ext: &Extensions, session: SessionId, turn: Turn, before: Option<Turn>) -> Answer<Done> {
        self.order(ext, session, command::queue_move(turn, before)).await
    }

    async fn queue_withdraw(&self, ext: &Extensions, session: SessionId, turn: Turn) -> Answer<Done> {
        self.order(ext, session, command::queue_withdraw(turn)).await
    }

    async fn session_respond(
        &self,
        ext: &Extensions,
        session: SessionId,
        request: Seq,
        outcome: Option<RawBuf>,
        result: Option<RawBuf>,
        error: Option<RawBuf>,
    ) -> Answer<Answered> {
        let answer = answer_of(outcome.as_ref().map(calls::permission), result, error)?;
        let counted = self.service.answer(caller(ext)?, session, request, answer).await.map_err(fault::refused)?;
        Ok(Answered { counted })
    }

    async fn lane_list(&self, ext: &Extensions, session: SessionId) -> Answer<Lanes> {
        let state = self.service.lanes(caller(ext)?, &session).await.map_err(fault::refused)?;
        Ok(lanes_of(&state))
    }

    async fn lane_add(&self, ext: &Extensions, session: SessionId, lane: String, agent: String) -> Answer<RawBuf> {
        self.service.lane_add(caller(ext)?, session, lane, agent).await.map_err(fault::refused)
    }

    async fn lane_remove(&self, ext: &Extensions, session: SessionId, lane: String) -> Answer<Done> {
        self.order(ext, session, command::lane_remove(lane)).await
    }

    async fn session_set_mode(&self, ext: &Extensions, session: SessionId, mode: String) -> Answer<RawBuf> {
        let (method, params) = calls::set_mode(&session, &mode).map_err(unwritable)?;
        self.call(ext, session, method, params).await
    }

    async fn session_set_config(
        &self,
        ext: &Extensions,
        session: SessionId,
        option: String,
        value: RawBuf,
    ) -> Answer<RawBuf> {
        let (method, params) = calls::set_config_option(&session, &option, &value).map_err(unwritable)?;
        self.call(ext, session, method, params).await
    }

    async fn session_set_policy(
        &self,
        ext: &Extensions,
        session: SessionId,
        unattended: Option<String>,
    ) -> Answer<Done> {
        let unattended = unattended.as_deref().map(validate::policy).transpose();
        let command = command::set_policy(unattended.map_err(|invalid| fault::invalid(&invalid))?);
        self.order(ext, session, command).await
    }

    async fn session_trust(&self, ext: &Extensions, session: SessionId) -> Answer<Done> {
        self.order(ext, session, command::trust()).await
    }

    async fn session_close(&self, ext: &Extensions, session: SessionId) -> Answer<Head> {
        let head = self.service.close(caller(ext)?, &session).await.map_err(fault::refused)?;
        Ok(Head { head })
    }

    async fn session_delete(&self, ext: &Extensions, session: SessionId) -> Answer<Deleted> {
        let deleted = self.service.delete(caller(ext)?, session).await.map_err(fault::refused)?;
        Ok(Deleted { deleted })
    }

    async fn bridge_stop(&self, ext: &Extensions) -> Answer<Stopping> {
        self.service.stop(caller(ext)?).map_err(fault::refused)?;
        Ok(Stopping { process: std::process::id() })
    }

    async fn discover(&self) -> Answer<RawBuf> {
        Ok(RawBuf::trusted(OPENRPC.trim_end()))
    }
}

/// Params that cannot be written as JSON.
fn unwritable(error: serde_json::Error) -> ErrorObjectOwned {
    door::internal(error.to_string())
}
