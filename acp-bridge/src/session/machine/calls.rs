//! Requests to the agent that wait for its answer, or for the agent.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use acp_types::method::v1;
use acp_types::record::Turn;
use acp_types::record::body::Choice;
use acp_types::{Raw, RawBuf};

use super::super::{CallId, CommandId, Refusal, choice, wire};
use super::steering::SteerRequest;
use super::transition::Transition;

/// The requests of a lane to its agent.
///
/// ```text
///             the agent is ready                 it answers, or is gone
///   waiting ──────────────────────▶ open ──────────────────────────────▶ (taken)
///      └─── no agent comes, the session is put to rest ─────────────────▶ (taken)
/// ```
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: BTreeMap<CallId, Call>,
    waiting: VecDeque<ClientRequest>,
}

/// A request to the agent that has no answer yet, by what its answer is for.
#[derive(Debug)]
pub(super) enum Call {
    /// The prompt of the running turn.
    Prompt(Turn),
    /// A message for the running turn.
    Steer(SteerRequest),
    /// A choice of a client, for an agent that was started again.
    Choice(Choice),
    /// A client's own.
    Client(ClientCall),
}

/// A client that waits for the agent's answer.
#[derive(Debug)]
pub(super) struct ClientCall {
    pub(super) command: CommandId,
    pub(super) client: Arc<str>,
    pub(super) answer: AnswerMeaning,
}

/// Meaning of a good answer to a client for the session.
#[derive(Debug)]
pub(super) enum AnswerMeaning {
    Nothing,
    /// The client has chosen this; nothing if its params do not say what, and the answer may list options all the same.
    Chosen(Option<Choice>),
    /// The client has named the session; the answer has the name.
    Titled,
}

/// A client's request that is passed on.
#[derive(Debug)]
pub(super) struct ClientRequest {
    call: ClientCall,
    method: String,
    params: Option<RawBuf>,
}

impl ClientRequest {
    /// A client asks the agent.
    ///
    /// # Errors
    /// When it chooses something that the log cannot remember.
    pub(super) fn new(
        cx: &Transition<'_>,
        command: CommandId,
        client: Arc<str>,
        method: String,
        params: Option<RawBuf>,
    ) -> Result<Self, Refusal> {
        let made = choice::of_request(&method, params.as_ref().map_or(Raw::NULL, RawBuf::as_raw));
        let fits = |made: &Choice| cx.logged().is_none_or(|lane| lane.settings().have_room_for(made));
        if made.as_ref().is_some_and(|made| !fits(made)) {
            return Err(Refusal::ChoicesFull);
        }
        let answer = if made.is_some() || choice::sets_options(&method) {
            AnswerMeaning::Chosen(made)
        } else if method == v1::SetSessionTitle::NAME {
            AnswerMeaning::Titled
        } else {
            AnswerMeaning::Nothing
        };
        Ok(Self { call: ClientCall { command, client, answer }, method, params })
    }
}

impl Calls {
    /// A request is on its way to the agent.
    pub(super) fn expect(&mut self, id: CallId, call: Call) {
        self.open.insert(id, call);
    }

    /// There will be no answer to the prompt: the agent never got it.
    pub(super) fn expect_no_answer(&mut self) {
        self.open.retain(|_, call| !matches!(call, Call::Prompt(_)));
    }

    /// Passes a client's request on to the agent, which is ready.
    pub(super) fn pass(&mut self, cx: &mut Transition<'_>, request: ClientRequest) {
        let ClientRequest { call, method, params } = request;
        if self.open.len() >= cx.config().max_open_calls {
            cx.refuse(call.command, Refusal::AgentCrowded { open: self.open.len() });
            return;
        }
        let params = params.map(|params| wire::to_agent(params.as_raw(), cx.agent_session()));
        let id = cx.call_agent(method, params);
        self.expect(id, Call::Client(call));
    }

    /// Keeps a client's request for an agent that is not ready. Returns whether there was room; else it is refused.
    pub(super) fn wait(&mut self, cx: &mut Transition<'_>, request: ClientRequest) -> bool {
        let room = self.waiting.len() < cx.config().max_waiting_calls;
        if room {
            self.waiting.push_back(request);
        } else {
            cx.refuse(request.call.command, Refusal::StartCrowded { waiting: self.waiting.len() });
        }
        room
    }

    /// Passes on what waited for the agent.
    pub(super) fn pass_waiting(&mut self, cx: &mut Transition<'_>) {
        while let Some(request) = self.waiting.pop_front() {
            self.pass(cx, request);
        }
    }

    /// Takes the call that the agent's answer is for; nothing for a second answer, and for one to nothing.
    pub(super) fn take(&mut self, call: CallId) -> Option<Call> {
        self.open.remove(&call)
    }

    /// The agent is gone: tells the clients that wait for its answers. The messages for the running turn that have none.
    pub(super) fn fail_open(&mut self, cx: &mut Transition<'_>, reason: &str) -> Vec<SteerRequest> {
        let mut unanswered = Vec::new();
        for call in std::mem::take(&mut self.open).into_values() {
            match call {
                // How its turn ends is said where the agent's going is.
                Call::Prompt(_) | Call::Choice(_) => {}
                Call::Steer(request) => unanswered.push(request),
                Call::Client(call) => cx.refuse(call.command, Refusal::NoAnswer { reason: reason.to_owned() }),
            }
        }
        unanswered
    }

    /// The agent will not come: tells the clients that wait for it.
    pub(super) fn fail_waiting(&mut self, cx: &mut Transition<'_>, why: &Refusal) {
        for request in std::mem::take(&mut self.waiting) {
            cx.refuse(request.call.command, why.clone());
        }
    }

    /// Returns whether anybody waits for an answer of the agent, or for the agent.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.waiting.is_empty()
    }

    /// Returns whether a client waits for the agent to be there.
    pub(super) fn any_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}
