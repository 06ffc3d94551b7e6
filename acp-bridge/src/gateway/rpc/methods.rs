//! What each method does. It goes through the log only: commands by `submit`, records by `read` and `tail`.

use std::sync::Arc;
use std::time::Duration;

use acp_types::api::jsonrpsee::core::server::{Extensions, PendingSubscriptionSink};
use acp_types::api::{
    Accepted, Answered, CancelScope, Created, Deleted, Done, Exported, Head, Lanes, OPENRPC, OnBusy, Page, Queue,
    Records, SessionApiServer, SessionView, Waited,
};
use acp_types::method::v1;
use acp_types::record::{Seq, Turn};
use acp_types::{ErrorObjectOwned, RawBuf, RawKind, SessionId};
use async_trait::async_trait;
use serde_json::json;

use super::call::Peer;
use super::params::{json_of, kind_of, policy, set};
use super::{attend, export, fault, subscription, view, wait};
use crate::command::{self, Commander};
use crate::gateway::work::Worker;
use crate::gateway::{lanes, refusal};
use crate::log::{Filter, ListQuery, ReadLimit, SessionLog};
use crate::service::follower::Followers;
use crate::session::{Command, QueueCommand, Refusal, Reply};

/// Bytes of a prompt's key: it is kept in memory as long as its turn is remembered.
const MAX_KEY: usize = 1024;
/// Sessions in a page.
const PAGE: usize = 100;
const MAX_PAGE: u32 = 1000;
/// Milliseconds that a client waits for a turn.
const WAIT: u64 = 30_000;
const MAX_WAIT: u64 = 600_000;

type Answer<T> = Result<T, ErrorObjectOwned>;

/// The API on a log.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) log: Arc<dyn SessionLog>,
    pub(super) commander: Commander,
    pub(super) followers: Arc<Followers>,
}

impl Api {
    fn worker(&self, extensions: &Extensions) -> Answer<Worker> {
        Ok(Worker {
            log: Arc::clone(&self.log),
            commander: self.commander.clone(),
            followers: Arc::clone(&self.followers),
            client: Arc::clone(&peer(extensions)?.client),
        })
    }

    async fn submit(&self, extensions: &Extensions, session: Option<SessionId>, command: Command) -> Answer<Reply> {
        Ok(self.ask(extensions, session, command).await??)
    }

    /// The host's answer, or that there is no caller.
    async fn ask(
        &self,
        extensions: &Extensions,
        session: Option<SessionId>,
        command: Command,
    ) -> Answer<command::Answer> {
        let client = Arc::clone(&peer(extensions)?.client);
        Ok(self.commander.submit(session, client, command).await)
    }

    /// A command that is done or refused.
    async fn order(&self, extensions: &Extensions, session: SessionId, command: Command) -> Answer<Done> {
        match self.submit(extensions, Some(session), command).await? {
            Reply::Done => Ok(Done {}),
            other => Err(fault::unfit(other)),
        }
    }

    async fn call(&self, extensions: &Extensions, session: SessionId, method: &str, params: RawBuf) -> Answer<RawBuf> {
        let command = Command::Call { lane: None, method: method.to_owned(), params: Some(params) };
        match self.submit(extensions, Some(session), command).await? {
            Reply::Agent(Ok(result)) => Ok(result),
            Reply::Agent(Err(error)) => Err(fault::agent(error)),
            other => Err(fault::unfit(other)),
        }
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
    ) -> Answer<Created> {
        if !cwd.starts_with('/') {
            return Err(fault::param("cwd", "`cwd` is not an absolute path"));
        }
        let mcp_servers = kind_of("mcpServers", mcp_servers, RawKind::Array, "[]")?;
        let capabilities = kind_of("clientCapabilities", client_capabilities, RawKind::Object, "{}")?;
        let ours = concat!(r#"{"name":"acp-bridge session API","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);
        let info = kind_of("clientInfo", client_info, RawKind::Object, ours)?;
        let initialize = json_of(&json!({ "protocolVersion": 1, "clientCapabilities": {}, "clientInfo": {} }))?;
        let initialize = set(&set(&initialize, "clientCapabilities", &capabilities), "clientInfo", &info);
        let params = set(&json_of(&json!({ "cwd": cwd, "mcpServers": [] }))?, "mcpServers", &mcp_servers);
        match self.submit(ext, None, Command::Create { params, initialize }).await? {
            Reply::Created { session, result } => Ok(Created { session, result }),
            Reply::Agent(Err(error)) => Err(fault::agent(error)),
            other => Err(fault::unfit(other)),
        }
    }

    async fn session_list(
        &self,
        ext: &Extensions,
        cwd: Option<String>,
        after: Option<SessionId>,
        limit: Option<u32>,
    ) -> Answer<Page> {
        let limit = limit.map_or(PAGE, |limit| limit.clamp(1, MAX_PAGE) as usize);
        let missing = |_| fault::param("after", "`after` names no session: list again without it");
        if let Some(after) = &after {
            self.worker(ext)?.info(after).await.map_err(missing)?;
        }
        let sessions = self.worker(ext)?.list(ListQuery { cwd, after, limit }).await?;
        let next = sessions.last().filter(|_| sessions.len() >= limit).map(|info| info.id.clone());
        Ok(Page { sessions: sessions.into_iter().map(view::session).collect(), next })
    }

    async fn session_get(&self, ext: &Extensions, session: SessionId) -> Answer<SessionView> {
        let worker = self.worker(ext)?;
        let info = worker.info(&session).await?;
        let now = worker.snapshot(&session).await?;
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
        let read = self.log.read(&session, after.unwrap_or(0), ReadLimit { records, ..most }, Filter::All).await;
        let records = read.map_err(|error| refusal::log_failed(&session, &error))?;
        let head = self.worker(ext)?.info(&session).await?.head;
        Ok(Records { records: records.into_iter().map(view::record).collect(), head })
    }

    async fn session_export(
        &self,
        _: &Extensions,
        session: SessionId,
        after: Option<Seq>,
        page: Option<String>,
    ) -> Answer<Exported> {
        export::page(&self.log, &session, after.unwrap_or(0), page.as_deref()).await
    }

    async fn session_subscribe(
        &self,
        pending: PendingSubscriptionSink,
        ext: &Extensions,
        session: SessionId,
        after: Option<Seq>,
        attend: Option<bool>,
    ) {
        match peer(ext) {
            Ok(peer) => {
                // The task belongs to jsonrpsee; the gateway waits for it all the same.
                let _task = peer.tasks.token();
                let (log, after) = (Arc::clone(&self.log), after.unwrap_or(0));
                if attend == Some(true) {
                    attend::deliver(log, &self.commander, peer, pending, session, after).await;
                } else {
                    subscription::deliver(log, peer, pending, session, after).await;
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
        let prompt = kind_of("prompt", Some(prompt), RawKind::Array, "[]")?;
        if key.as_ref().is_some_and(|key| key.len() > MAX_KEY) {
            return Err(fault::param("key", format!("`key` is longer than {MAX_KEY} bytes: use a shorter one")));
        }
        let params = set(&json_of(&json!({ "sessionId": session, "prompt": [] }))?, "prompt", &prompt);
        let lane = lane.map(Into::into);
        let command = Command::Prompt {
            lane,
            params,
            key,
            on_busy: on_busy.unwrap_or_default().into(),
            after_restart: acp_types::meta::AfterRestart::default(),
            accept_context_loss: accept_context_loss.unwrap_or(false),
        };
        match self.submit(ext, Some(session), command).await? {
            Reply::Turn(turn) => Ok(Accepted { turn }),
            other => Err(fault::unfit(other)),
        }
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
            waited = wait::end_of(&self.log, &session, turn) => waited,
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
        let command = Command::Cancel { lane: lane.map(Into::into), turn, scope: scope.into(), reason };
        self.order(ext, session, command).await
    }

    async fn queue_list(&self, ext: &Extensions, session: SessionId) -> Answer<Queue> {
        match self.submit(ext, Some(session), Command::Queue(QueueCommand::List)).await? {
            Reply::Queue(queue) => Ok(Queue { queue }),
            other => Err(fault::unfit(other)),
        }
    }

    async fn queue_edit(&self, ext: &Extensions, session: SessionId, turn: Turn, prompt: RawBuf) -> Answer<Done> {
        let prompt = kind_of("prompt", Some(prompt), RawKind::Array, "[]")?;
        self.order(ext, session, Command::Queue(QueueCommand::Edit { turn, prompt })).await
    }

    async fn queue_move(&self, ext: &Extensions, session: SessionId, turn: Turn, before: Option<Turn>) -> Answer<Done> {
        self.order(ext, session, Command::Queue(QueueCommand::Move { turn, before })).await
    }

    async fn queue_withdraw(&self, ext: &Extensions, session: SessionId, turn: Turn) -> Answer<Done> {
        self.order(ext, session, Command::Queue(QueueCommand::Withdraw { turn })).await
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
        let answer = match (outcome, result, error) {
            (Some(outcome), None, None) => Ok(set(&json_of(&json!({ "outcome": {} }))?, "outcome", &outcome)),
            (None, Some(result), None) => Ok(result),
            (None, None, Some(error)) => match acp_types::RawError::new(error) {
                Ok(error) => Err(error.into_raw()),
                Err(invalid) => return Err(fault::param("error", format!("`error` is {invalid}"))),
            },
            _ => return Err(fault::param("outcome", "give exactly one of `outcome`, `result` and `error`")),
        };
        match self.submit(ext, Some(session), Command::Answer { request, answer }).await? {
            Reply::Answered(counted) => Ok(Answered { counted }),
            other => Err(fault::unfit(other)),
        }
    }

    async fn lane_list(&self, ext: &Extensions, session: SessionId) -> Answer<Lanes> {
        Ok(lanes::listed(&self.worker(ext)?.snapshot(&session).await?.state))
    }

    async fn lane_add(&self, ext: &Extensions, session: SessionId, lane: String, agent: String) -> Answer<RawBuf> {
        let command = Command::LaneAdd { lane: lane.into(), agent };
        match self.submit(ext, Some(session), command).await? {
            Reply::State(state) => Ok(state),
            other => Err(fault::unfit(other)),
        }
    }

    async fn lane_remove(&self, ext: &Extensions, session: SessionId, lane: String) -> Answer<Done> {
        self.order(ext, session, Command::LaneRemove { lane: lane.into() }).await
    }

    async fn session_set_mode(&self, ext: &Extensions, session: SessionId, mode: String) -> Answer<RawBuf> {
        let params = json_of(&json!({ "sessionId": session, "modeId": mode }))?;
        self.call(ext, session, v1::SetSessionMode::NAME, params).await
    }

    async fn session_set_config(
        &self,
        ext: &Extensions,
        session: SessionId,
        option: String,
        value: RawBuf,
    ) -> Answer<RawBuf> {
        let params = set(&json_of(&json!({ "sessionId": session, "configId": option }))?, "value", &value);
        self.call(ext, session, v1::SetSessionConfigOption::NAME, params).await
    }

    async fn session_set_policy(
        &self,
        ext: &Extensions,
        session: SessionId,
        unattended: Option<String>,
    ) -> Answer<Done> {
        let unattended = unattended.as_deref().map(policy).transpose()?;
        self.order(ext, session, Command::SetPolicy { unattended }).await
    }

    async fn session_trust(&self, ext: &Extensions, session: SessionId) -> Answer<Done> {
        self.order(ext, session, Command::Trust).await
    }

    async fn session_close(&self, ext: &Extensions, session: SessionId) -> Answer<Head> {
        Ok(Head { head: self.worker(ext)?.close(&session).await? })
    }

    async fn session_delete(&self, ext: &Extensions, session: SessionId) -> Answer<Deleted> {
        match self.ask(ext, Some(session), Command::Delete).await? {
            Ok(_) => Ok(Deleted { deleted: true }),
            Err(Refusal::UnknownSession { .. }) => Ok(Deleted { deleted: false }),
            Err(why) => Err(why.into()),
        }
    }

    async fn discover(&self) -> Answer<RawBuf> {
        Ok(RawBuf::trusted(OPENRPC.trim_end()))
    }
}

/// Who calls: put there by `call`, for every call.
fn peer(extensions: &Extensions) -> Answer<&Peer> {
    extensions.get::<Peer>().ok_or_else(|| refusal::internal("the call has no caller"))
}
