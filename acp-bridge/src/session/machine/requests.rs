//! Requests of a lane's agent to a client: each gets one answer (P8).

use std::collections::HashMap;
use std::sync::Arc;

use acp_types::capability;
use acp_types::record::body::{Requested, Resolved};
use acp_types::record::{Kind, Origin, Seq, Turn};
use acp_types::{Raw, RawBuf, RequestId};

use super::super::declined::Declined;
use super::super::permission::{self, Decision};
use super::super::{Effect, PendingRequest, Service, door, service};
use super::transition::Transition;

/// The requests of a lane's agent that have no answer yet.
///
/// What they ask is in the log; what is not is the ids by which the agent knows them.
#[derive(Debug, Default)]
pub(super) struct PendingRequests {
    by_seq: HashMap<Seq, RequestId>,
    by_id: HashMap<RequestId, Seq>,
}

/// Decider of the answer to a request.
///
/// ```text
///            a client, the policy while no controller is there, the agent that wants none any more,
///            or the host when none will come
///   pending ─────────────────────────────────────────────────────────────────────────────────────▶ answered
///      └── not to be put to anybody (unfit, too many) ──▶ declined, and nowhere in the log
/// ```
#[derive(Debug)]
pub(super) enum By {
    /// A client.
    Client(Arc<str>),
    /// The agent, which wants none any more.
    Agent,
    /// The host, since none will come.
    Host(Cause),
    /// The policy that is written so, since nobody is there.
    Policy(String),
}

/// Cause of an answer by other than a client, and whether the agent is there to be told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause {
    /// Name, as [`Resolved::cause`] has it.
    name: &'static str,
    /// Text for an error message.
    text: &'static str,
    agent_listens: bool,
}

impl Cause {
    pub(super) const CANCELLED: Self = Self { name: "cancelled", text: "the turn was cancelled", agent_listens: true };
    pub(super) const TURN_ENDED: Self =
        Self { name: "turn_ended", text: "the agent ended the turn", agent_listens: true };
    const WITHDRAWN: Self = Self { name: "withdrawn", text: "the agent withdrew the request", agent_listens: true };
    pub(super) const AGENT_EXITED: Self = Self { name: "agent_exited", text: "the agent exited", agent_listens: false };
    pub(super) const RECOVERED: Self = Self { name: "recovered", text: "the bridge stopped", agent_listens: false };
}

/// Requests as they come.
impl PendingRequests {
    /// Returns whether the agent has used that id for a request that has no answer yet. Such a request is refused by
    /// the connection, which knows every id that is in use. Should one come here all the same, an answer to it would be
    /// taken for the one to the first.
    pub(super) fn is_in_use(&self, id: &RequestId) -> bool {
        self.by_id.contains_key(id)
    }

    /// The agent asks what it may ask: the host serves it, or it is put to the clients, or declined.
    pub(super) fn ask(&mut self, cx: &mut Transition<'_>, id: RequestId, method: String, params: Option<RawBuf>) {
        match cx.config().services.of(&method) {
            None => {}
            Some(Service::Host) => {
                let lane = Arc::clone(cx.lane());
                cx.effect(Effect::Serve { lane, id, method, params });
                return;
            }
            Some(Service::Client) => {
                let params = params.as_ref().map_or(Raw::EMPTY_OBJECT, RawBuf::as_raw);
                if let Some(unfit) = unfit_for_clients(cx, &method, params) {
                    return decline(cx, id, &unfit);
                }
            }
            Some(Service::Nobody) => return decline(cx, id, &Declined::NotOffered { method }),
        }
        if let Some(full) = too_many(cx, params.as_ref()) {
            return decline(cx, id, &full);
        }
        let turn = cx.running();
        let request = record(cx, turn, method, params);
        self.add(request, id);
        // The turn is on its way out: nobody is to be asked any more.
        if turn.is_some_and(|turn| cx.cancel_requested(turn)) {
            self.resolve_by_default(cx, request, Cause::CANCELLED);
        } else {
            self.decide(cx, request);
        }
    }

    /// The agent is back after a restart of the bridge and waits for these, each with the number of the message that it came
    /// in. What is pending in the log and the agent does not wait for is over.
    pub(super) fn take_up(&mut self, cx: &mut Transition<'_>, asked: Vec<(u64, RequestId)>) {
        for (position, id) in asked {
            let pending = cx.pending().find(|(_, request)| request.position == Some(position));
            let pending = pending.map(|(request, _)| request).filter(|request| !self.by_seq.contains_key(request));
            if let Some(request) = pending {
                self.add(request, id);
                continue;
            }
            let answer = cx.logged().and_then(|lane| lane.answer_to(position)).cloned();
            match answer {
                Some(answer) => cx.answer_agent(id, answer),
                None => decline(cx, id, &Declined::Forgotten),
            }
        }
        let over = cx.pending().map(|(request, _)| request).filter(|request| !self.by_seq.contains_key(request));
        for request in over.collect::<Vec<_>>() {
            self.resolve_by_default(cx, request, Cause::RECOVERED);
        }
    }

    fn add(&mut self, request: Seq, id: RequestId) {
        self.by_seq.insert(request, id.clone());
        self.by_id.insert(id, request);
    }

    fn take(&mut self, request: Seq) -> Option<RequestId> {
        let id = self.by_seq.remove(&request)?;
        self.by_id.remove(&id);
        Some(id)
    }
}

/// Answers to them.
impl PendingRequests {
    /// The agent no longer wants an answer, but JSON-RPC wants it to get one.
    pub(super) fn withdraw(&mut self, cx: &mut Transition<'_>, id: &RequestId) {
        if let Some(&request) = self.by_id.get(id) {
            let error = cancelled_error(Cause::WITHDRAWN);
            self.resolve(cx, request, Err(error), By::Agent);
        } else {
            let lane = Arc::clone(cx.lane());
            cx.effect(Effect::Unserve { lane, id: id.clone() });
        }
    }

    /// Answers what is pending in one turn.
    pub(super) fn resolve_turn(&mut self, cx: &mut Transition<'_>, turn: Turn, cause: Cause) {
        let of_turn = cx.pending().filter(|(_, request)| request.turn == Some(turn));
        let requests: Vec<Seq> = of_turn.map(|(request, _)| request).collect();
        for request in requests {
            self.resolve_by_default(cx, request, cause);
        }
    }

    /// Answers all that is pending in the lane.
    pub(super) fn resolve_all(&mut self, cx: &mut Transition<'_>, cause: Cause) {
        for request in all(cx) {
            self.resolve_by_default(cx, request, cause);
        }
    }

    fn resolve_by_default(&mut self, cx: &mut Transition<'_>, request: Seq, cause: Cause) {
        let permission = cx.state().pending_request(request).is_some_and(PendingRequest::is_permission);
        let answer = if permission { Ok(cancelled()) } else { Err(cancelled_error(cause)) };
        self.resolve(cx, request, answer, By::Host(cause));
    }

    /// The one answer to a request that is pending.
    pub(super) fn resolve(&mut self, cx: &mut Transition<'_>, request: Seq, answer: Result<RawBuf, RawBuf>, by: By) {
        let Some(pending) = cx.state().pending_request(request) else { return };
        let kind = if pending.is_permission() { Kind::PermissionResolved } else { Kind::Response };
        let turn = pending.turn;
        let agent_listens = !matches!(by, By::Host(Cause { agent_listens: false, .. }));
        let (origin, cause, policy) = match by {
            By::Client(client) => (Origin::Client(client), None, None),
            By::Agent => (Origin::Agent, Some(Cause::WITHDRAWN.name), None),
            By::Host(cause) => (Origin::Host, Some(cause.name), None),
            By::Policy(policy) => (Origin::Host, Some("policy"), Some(policy)),
        };
        let (result, error) = match answer.clone() {
            Ok(result) => (Some(result), None),
            Err(error) => (None, Some(error)),
        };
        let resolved = Resolved { request, result, error, cause: cause.map(str::to_owned), policy };
        cx.record(kind, origin, turn, &resolved);
        cx.presence_mut().resolved(request);
        if let Some(id) = self.take(request)
            && agent_listens
        {
            cx.answer_agent(id, answer);
        }
    }
}

/// Answers by the policy in the place of controllers.
impl PendingRequests {
    /// Applies the policy, since nobody is there any more or it is another one.
    pub(super) fn apply_policy(&mut self, cx: &mut Transition<'_>) {
        for request in all(cx) {
            self.decide(cx, request);
        }
    }

    /// Does with one request what the policy says, if nobody is there and it asks for a permission.
    fn decide(&mut self, cx: &mut Transition<'_>, request: Seq) {
        let pending = cx.state().pending_request(request).filter(|pending| pending.is_permission());
        let Some(params) = pending.and_then(|pending| pending.params.clone()) else { return };
        if !cx.presence().is_unattended() {
            return;
        }
        match permission::decide(cx.policy(), params.as_raw()) {
            Decision::Allow => {
                if let Some(option) = permission::option(params.as_raw(), "allow_once") {
                    self.resolve_by_policy(cx, request, selected(option));
                }
            }
            Decision::Reject => self.reject(cx, request),
            Decision::Wait(limit) => {
                let until = limit.map(|limit| cx.after(limit));
                cx.presence_mut().wait(request, until);
            }
        }
    }

    /// Refuses it, this once; a request that offers no such answer is told that nobody gave one.
    pub(super) fn reject(&mut self, cx: &mut Transition<'_>, request: Seq) {
        let params = cx.state().pending_request(request).and_then(|pending| pending.params.clone());
        let params = params.unwrap_or_default();
        let answer = permission::option(params.as_raw(), "reject_once").map_or_else(cancelled, selected);
        self.resolve_by_policy(cx, request, answer);
    }

    fn resolve_by_policy(&mut self, cx: &mut Transition<'_>, request: Seq, answer: RawBuf) {
        let policy = cx.policy().to_string();
        self.resolve(cx, request, Ok(answer), By::Policy(policy));
    }
}

/// Answers a request that is put to nobody.
pub(super) fn decline(cx: &mut Transition<'_>, id: RequestId, declined: &Declined) {
    cx.answer_agent(id, Err(door::answer_of(declined)));
}

/// Requests that are pending in the lane.
fn all(cx: &Transition<'_>) -> Vec<Seq> {
    cx.pending().map(|(request, _)| request).collect()
}

/// Puts a request into the log, where clients find it.
fn record(cx: &mut Transition<'_>, turn: Option<Turn>, method: String, params: Option<RawBuf>) -> Seq {
    if method == PendingRequest::PERMISSION {
        let body = cx.for_clients(turn, params.as_ref().map_or(Raw::EMPTY_OBJECT, RawBuf::as_raw));
        return cx.record_raw(Kind::PermissionRequested, Origin::Agent, turn, body);
    }
    let params = params.map(|params| cx.for_clients_if_of_session(turn, params));
    cx.record(Kind::Request, Origin::Agent, turn, &Requested { method, params })
}

fn too_many(cx: &Transition<'_>, params: Option<&RawBuf>) -> Option<Declined> {
    let mut bytes = params.map_or(0, |params| params.as_str().len());
    let mut count = 0;
    for (_, request) in cx.pending() {
        count += 1;
        bytes += request.weight();
    }
    let config = cx.config();
    let full = count >= config.max_pending || (count > 0 && bytes > config.max_pending_bytes);
    full.then_some(Declined::ManyPending { count })
}

/// Reason why clients are not to be asked for files or commands. Whether they can was told to the agent as the client
/// had it that made the session.
fn unfit_for_clients(cx: &Transition<'_>, method: &str, params: Raw<'_>) -> Option<Declined> {
    let initialize = cx.state().created().map_or(Raw::EMPTY_OBJECT, |created| created.initialize.as_raw());
    if !capability::client_answers(initialize, method) {
        return Some(Declined::NotOffered { method: method.to_owned() });
    }
    service::unfit_for_log(method, params)
}

/// The answer to a permission request that nobody decides.
fn cancelled() -> RawBuf {
    RawBuf::trusted(r#"{"outcome":{"outcome":"cancelled"}}"#)
}

fn cancelled_error(cause: Cause) -> RawBuf {
    door::answer_of(&Declined::Cancelled { why: cause.text })
}

/// The answer that chooses an option.
fn selected(option: Raw<'_>) -> RawBuf {
    RawBuf::trusted(format!(r#"{{"outcome":{{"outcome":"selected","optionId":{option}}}}}"#))
}
