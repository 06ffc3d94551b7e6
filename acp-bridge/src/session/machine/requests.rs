//! Requests of a lane's agent to a client: each gets one answer (P8).

use std::collections::HashMap;
use std::sync::Arc;

use acp_types::record::body::{Requested, Resolved};
use acp_types::record::{Kind, Origin, Seq};
use acp_types::{Raw, RawBuf, RequestId};

use super::super::declined::Declined;
use super::super::{CommandId, Effect, PendingRequest, Reply, Service, door, service};
use super::admission::{Fault, clean_outcome};
use super::lane::Lane;
use super::recorder::Step;

/// The ids by which the agent knows the requests that are pending in the state; nothing of them is in the log.
#[derive(Debug, Default)]
pub(super) struct OpenRequests {
    by_seq: HashMap<Seq, RequestId>,
    by_id: HashMap<RequestId, Seq>,
}

impl OpenRequests {
    pub(super) fn add(&mut self, seq: Seq, id: RequestId) {
        self.by_seq.insert(seq, id.clone());
        self.by_id.insert(id, seq);
    }

    pub(super) fn knows(&self, seq: Seq) -> bool {
        self.by_seq.contains_key(&seq)
    }

    fn take(&mut self, seq: Seq) -> Option<RequestId> {
        let id = self.by_seq.remove(&seq)?;
        self.by_id.remove(&id);
        Some(id)
    }
}

/// Why requests are answered by other than a client, and whether the agent is there to be told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause {
    /// As [`Resolved::cause`] has it.
    name: &'static str,
    /// For an error message.
    text: &'static str,
    agent_listens: bool,
}

/// Who decides what the answer to a request is.
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

impl Cause {
    pub(super) const CANCELLED: Self = Self { name: "cancelled", text: "the turn was cancelled", agent_listens: true };
    pub(super) const TURN_ENDED: Self =
        Self { name: "turn_ended", text: "the agent ended the turn", agent_listens: true };
    pub(super) const WITHDRAWN: Self =
        Self { name: "withdrawn", text: "the agent withdrew the request", agent_listens: true };
    pub(super) const AGENT_EXITED: Self = Self { name: "agent_exited", text: "the agent exited", agent_listens: false };
    pub(super) const RECOVERED: Self = Self { name: "recovered", text: "the bridge stopped", agent_listens: false };
}

impl Lane {
    /// The agent asks. A request whose id is in use is refused by the connection, which knows every id that is. Should one
    /// come here all the same, an answer to it would be taken for the one to the first.
    pub(super) fn request(&mut self, step: &mut Step<'_>, id: RequestId, method: String, params: Option<RawBuf>) {
        if self.requests.by_id.contains_key(&id) {
            return;
        }
        if let Some(fault) = self.fault(step, &method, params.as_ref().map(RawBuf::as_raw)) {
            self.warn_of(step, &method, fault);
            let why = fault.to_string();
            let declined = match fault {
                Fault::OurMethod => Declined::NotForAgents { method, why },
                Fault::OurUpdate(_) | Fault::ForeignSession => Declined::NotTaken { method, why },
            };
            self.decline(step, id, &declined);
            return;
        }
        match step.config().services.of(&method) {
            None => {}
            Some(Service::Host) => {
                step.effect(Effect::Serve { lane: Arc::clone(&self.name), id, method, params });
                return;
            }
            Some(Service::Client) => {
                let params = params.as_ref().map_or(Raw::EMPTY_OBJECT, RawBuf::as_raw);
                if let Some(unfit) = unfit_for_clients(step, &method, params) {
                    self.decline(step, id, &unfit);
                    return;
                }
            }
            Some(Service::Nobody) => {
                self.decline(step, id, &Declined::NotOffered { method });
                return;
            }
        }
        if let Some(full) = self.too_many_pending(step, params.as_ref()) {
            self.decline(step, id, &full);
            return;
        }
        let turn = self.running(step);
        let seq = if method == PendingRequest::PERMISSION {
            let body = self.for_clients(step, turn, params.as_ref().map_or(Raw::EMPTY_OBJECT, RawBuf::as_raw));
            self.record_raw(step, Kind::PermissionRequested, Origin::Agent, turn, body)
        } else {
            let params = params.map(|params| self.for_clients_if_of_session(step, turn, params));
            self.record(step, Kind::Request, Origin::Agent, turn, &Requested { method, params })
        };
        self.requests.add(seq, id);
        // The turn is on its way out: nobody is to be asked any more.
        if turn.is_some_and(|turn| step.cancel_requested(turn)) {
            self.resolve_by_default(step, seq, Cause::CANCELLED);
        } else {
            self.decide(step, seq);
        }
    }

    fn too_many_pending(&self, step: &Step<'_>, params: Option<&RawBuf>) -> Option<Declined> {
        let mut bytes = params.map_or(0, |params| params.as_str().len());
        let mut count = 0;
        for (_, request) in self.pending(step) {
            count += 1;
            bytes += request.weight();
        }
        let config = step.config();
        let full = count >= config.max_pending || (count > 0 && bytes > config.max_pending_bytes);
        full.then_some(Declined::ManyPending { count })
    }

    /// What its agent has asked and nobody has answered, oldest first.
    pub(super) fn pending<'s>(&'s self, step: &'s Step<'_>) -> impl Iterator<Item = (Seq, &'s PendingRequest)> + 's {
        step.state().pending().filter(|(_, request)| request.lane == self.name)
    }

    /// A client answers what is pending in this lane. The first answer counts.
    pub(super) fn answer(
        &mut self,
        step: &mut Step<'_>,
        command: CommandId,
        client: Arc<str>,
        request: Seq,
        answer: Result<RawBuf, RawBuf>,
    ) {
        self.resolve(step, request, clean_outcome(answer), By::Client(client));
        step.reply(command, Ok(Reply::Answered(true)));
    }

    /// The agent no longer wants an answer, but JSON-RPC wants it to get one.
    pub(super) fn withdrew(&mut self, step: &mut Step<'_>, id: &RequestId) {
        if let Some(&seq) = self.requests.by_id.get(id) {
            let error = cancelled_error(Cause::WITHDRAWN);
            self.resolve(step, seq, Err(error), By::Agent);
        } else {
            step.effect(Effect::Unserve { lane: Arc::clone(&self.name), id: id.clone() });
        }
    }

    /// Answers what is pending in one turn.
    pub(super) fn resolve_turn(&mut self, step: &mut Step<'_>, turn: Seq, cause: Cause) {
        let of_turn = self.pending(step).filter(|(_, request)| request.turn == Some(turn));
        let seqs: Vec<Seq> = of_turn.map(|(seq, _)| seq).collect();
        for seq in seqs {
            self.resolve_by_default(step, seq, cause);
        }
    }

    /// Answers all that is pending in this lane.
    pub(super) fn resolve_all(&mut self, step: &mut Step<'_>, cause: Cause) {
        let seqs: Vec<Seq> = self.pending(step).map(|(seq, _)| seq).collect();
        for seq in seqs {
            self.resolve_by_default(step, seq, cause);
        }
    }

    pub(super) fn resolve_by_default(&mut self, step: &mut Step<'_>, request: Seq, cause: Cause) {
        let permission = step.state().pending_request(request).is_some_and(PendingRequest::is_permission);
        let answer = if permission { Ok(cancelled()) } else { Err(cancelled_error(cause)) };
        self.resolve(step, request, answer, By::Host(cause));
    }

    /// The one answer to a request that is pending.
    pub(super) fn resolve(&mut self, step: &mut Step<'_>, request: Seq, answer: Result<RawBuf, RawBuf>, by: By) {
        let Some(pending) = step.state().pending_request(request) else { return };
        let kind = if pending.is_permission() { Kind::PermissionResolved } else { Kind::Response };
        let turn = pending.turn;
        let (result, error) = match answer.clone() {
            Ok(result) => (Some(result), None),
            Err(error) => (None, Some(error)),
        };
        let (origin, cause, policy) = match &by {
            By::Client(client) => (Origin::Client(Arc::clone(client)), None, None),
            By::Agent => (Origin::Agent, Some(Cause::WITHDRAWN.name), None),
            By::Host(cause) => (Origin::Host, Some(cause.name), None),
            By::Policy(policy) => (Origin::Host, Some("policy"), Some(policy.clone())),
        };
        let resolved = Resolved { request, result, error, cause: cause.map(str::to_owned), policy };
        self.record(step, kind, origin, turn, &resolved);
        step.core.attendance.resolved(request);
        let agent_listens = !matches!(by, By::Host(Cause { agent_listens: false, .. }));
        if let Some(id) = self.requests.take(request)
            && agent_listens
        {
            step.effect(Effect::Respond { lane: Arc::clone(&self.name), id, answer });
        }
    }

    pub(super) fn decline(&self, step: &mut Step<'_>, id: RequestId, declined: &Declined) {
        let answer = Err(door::answer_of(declined));
        step.effect(Effect::Respond { lane: Arc::clone(&self.name), id, answer });
    }
}

/// Why clients are not to be asked for files or commands. Whether they can was told to the agent as the client had it
/// that made the session.
fn unfit_for_clients(step: &Step<'_>, method: &str, params: Raw<'_>) -> Option<Declined> {
    let initialize = step.state().created().map_or(Raw::EMPTY_OBJECT, |created| created.initialize.as_raw());
    if !service::can_be_asked(initialize, method) {
        return Some(Declined::NotOffered { method: method.to_owned() });
    }
    service::unfit_for_log(method, params)
}

/// The answer to a permission request that nobody decides.
pub(super) fn cancelled() -> RawBuf {
    RawBuf::trusted(r#"{"outcome":{"outcome":"cancelled"}}"#)
}

fn cancelled_error(cause: Cause) -> RawBuf {
    door::answer_of(&Declined::Cancelled { why: cause.text })
}
