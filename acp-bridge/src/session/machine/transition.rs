//! Transition: one call of the machine, with the records and effects that come of it, and what the lanes share.

mod subject;

use std::sync::Arc;

use acp_types::meta::{META_KEY, UpdateMeta, reserved};
use acp_types::record::{Epoch, Kind, Origin, Record, Seq, Turn};
use acp_types::rewrite::{self, ParamsEdit};
use acp_types::{Raw, RawBuf, RequestId, SessionId};
use serde::Serialize;

use super::super::{CallId, CommandId, Effect, Output, Refusal, Reply, StartPlan, State, start, wire};
use super::config::Config;
use super::presence::ControllerPresence;

/// State that all lanes of a session share.
#[derive(Debug)]
pub(super) struct Core {
    session: SessionId,
    epoch: Epoch,
    config: Config,
    state: State,
    /// Params for the next start of an agent, with what the log must not have.
    start_params: RawBuf,
    /// True if some of them are kept outside of the log.
    start_is_kept: bool,
    presence: ControllerPresence,
    next_call: u64,
    /// Kept from update to update, so that the hot path allocates nothing but the record.
    text: String,
    meta: String,
}

impl Core {
    /// `kept`: params for the next start that were kept outside of the log.
    pub(super) fn new(session: SessionId, epoch: Epoch, config: Config, state: State, kept: Option<RawBuf>) -> Self {
        Self {
            session,
            epoch,
            config,
            start_is_kept: kept.is_some(),
            start_params: kept.unwrap_or_else(|| start::from_log(&state)),
            state,
            presence: ControllerPresence::default(),
            next_call: 0,
            text: String::new(),
            meta: String::new(),
        }
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn presence(&self) -> &ControllerPresence {
        &self.presence
    }
}

/// Call of the machine for one lane; what concerns the whole session is recorded in `main`.
///
/// It is the one way to records and effects. What is recorded is in the state at once.
pub(super) struct Transition<'a> {
    at: u64,
    /// The number of the agent's message that it is about.
    position: Option<u64>,
    lane: Arc<str>,
    out: &'a mut Output,
    core: &'a mut Core,
}

impl<'a> Transition<'a> {
    pub(super) fn new(at: u64, position: Option<u64>, lane: Arc<str>, out: &'a mut Output, core: &'a mut Core) -> Self {
        Self { at, position, lane, out, core }
    }

    /// The transition for another lane.
    pub(super) fn of(&mut self, lane: &Arc<str>) -> Transition<'_> {
        let (at, position, lane) = (self.at, self.position, Arc::clone(lane));
        Transition { at, position, lane, out: self.out, core: self.core }
    }

    /// The transition for the agent's message of another number.
    pub(super) fn at_position(&mut self, position: Option<u64>) -> &mut Self {
        self.position = position;
        self
    }
}

/// Records that come of it.
impl Transition<'_> {
    /// Adds a record of the lane and folds it into the state.
    pub(super) fn record<T: Serialize>(&mut self, kind: Kind, origin: Origin, turn: Option<Turn>, body: &T) -> Seq {
        let body =
            RawBuf::encode(body).expect("bodies are structs of strings, numbers and JSON that was parsed before");
        self.record_raw(kind, origin, turn, body)
    }

    /// Adds a record whose body is JSON already.
    pub(super) fn record_raw(&mut self, kind: Kind, origin: Origin, turn: Option<Turn>, body: RawBuf) -> Seq {
        let seq = self.core.state.head() + 1;
        let lane = Arc::clone(&self.lane);
        let (at, epoch, position) = (self.at, self.core.epoch, self.position);
        let record = Record { seq, at, epoch, lane, origin, kind, turn, position, body };
        // To go on after a failure would put a record into the log with which it can never be opened again; without
        // the machine, the log is as it was. `session_props.rs` is the proof that it does not happen.
        self.core.state.apply(&record).expect("the machine makes only records that its state allows");
        self.out.records.push(Arc::new(record));
        seq
    }

    /// An `update` record of params that are an object.
    pub(super) fn record_update(&mut self, origin: Origin, turn: Option<Turn>, params: Raw<'_>) -> Seq {
        // What the bridge says in its own name has its key.
        let body = if origin == Origin::Host { self.placed(turn, params) } else { self.for_clients(turn, params) };
        self.record_raw(Kind::Update, origin, turn, body)
    }

    /// The user's message, one update for each content block of a prompt.
    pub(super) fn record_message(&mut self, origin: &Origin, turn: Option<Turn>, params: Raw<'_>) {
        for block in params.member("prompt").into_iter().flat_map(Raw::elements) {
            let chunk = wire::user_message_chunk(block);
            self.record_update(origin.clone(), turn, Raw::trusted(&chunk));
        }
    }

    /// Params as clients see them, in the next record: their session id, and where it stands in the log, which nobody
    /// else may say.
    pub(super) fn for_clients(&mut self, turn: Option<Turn>, params: Raw<'_>) -> RawBuf {
        let clean = reserved::without_our_key(params);
        self.placed(turn, clean.as_ref().map_or(params, RawBuf::as_raw))
    }

    /// Params as clients see them, that may concern no session: to those nothing is added.
    pub(super) fn for_clients_if_of_session(&mut self, turn: Option<Turn>, params: RawBuf) -> RawBuf {
        if params.as_raw().member("sessionId").is_none() {
            return wire::clean(params);
        }
        self.for_clients(turn, params.as_raw())
    }

    /// Params with the session's id as clients know it, and with their place in the log.
    fn placed(&mut self, turn: Option<Turn>, params: Raw<'_>) -> RawBuf {
        let seq = self.core.state.head() + 1;
        let meta = UpdateMeta { seq, at: self.at, turn, lane: (&*self.lane).into() };
        let Core { text, meta: meta_text, session, .. } = &mut *self.core;
        text.clear();
        meta_text.clear();
        meta.push_to(meta_text);
        let meta = Some((META_KEY, Raw::trusted(meta_text)));
        let edit = ParamsEdit { session_id: Some(session.as_str()), meta };
        rewrite::params_into(text, params, &edit);
        RawBuf::trusted(text.as_str())
    }
}

/// Effects that come of it.
impl Transition<'_> {
    pub(super) fn effect(&mut self, effect: Effect) {
        self.out.effects.push(effect);
    }

    pub(super) fn reply(&mut self, command: CommandId, reply: Result<Reply, Refusal>) {
        self.effect(Effect::Reply { command, reply });
    }

    pub(super) fn refuse(&mut self, command: CommandId, why: Refusal) {
        self.reply(command, Err(why));
    }

    /// The next agent is started with other params. What the log does not say of them is kept elsewhere.
    pub(super) fn set_start_params(&mut self, params: RawBuf) {
        if params == self.core.start_params {
            return;
        }
        self.core.start_params = params.clone();
        if self.core.start_is_kept || params != start::from_log(&self.core.state) {
            self.core.start_is_kept = true;
            self.effect(Effect::KeepStart { params });
        }
    }

    pub(super) fn start_agent(&mut self, plan: StartPlan) {
        self.effect(Effect::StartAgent { lane: Arc::clone(&self.lane), plan });
    }

    pub(super) fn stop_agent(&mut self, kill: bool) {
        self.effect(Effect::StopAgent { lane: Arc::clone(&self.lane), kill });
    }

    /// Names a request to an agent.
    pub(super) fn next_call(&mut self) -> CallId {
        let id = CallId(self.core.next_call);
        self.core.next_call += 1;
        id
    }

    pub(super) fn call_agent(&mut self, method: String, params: Option<RawBuf>) -> CallId {
        let call = self.next_call();
        self.effect(Effect::Call { lane: Arc::clone(&self.lane), call, method, params });
        call
    }

    pub(super) fn notify_agent(&mut self, method: String, params: Option<RawBuf>) {
        self.effect(Effect::Notify { lane: Arc::clone(&self.lane), method, params });
    }

    pub(super) fn answer_agent(&mut self, id: RequestId, answer: Result<RawBuf, RawBuf>) {
        self.effect(Effect::Respond { lane: Arc::clone(&self.lane), id, answer });
    }
}
