//! Requests and notifications to the agent.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use acp_types::method::v1;
use acp_types::record::body::Choice;
use acp_types::record::{Origin, Turn};
use acp_types::{Raw, RawBuf};

use super::super::{CallId, CommandId, Effect, Refusal, Reply, choice};
use super::admission::clean_outcome;
use super::lane::{Agent, Lane};
use super::recorder::Step;
use super::steer::Offer;
use super::wire;

/// Requests to the agent that have no answer yet.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: BTreeMap<CallId, Call>,
    /// For the agent to be there.
    waiting: VecDeque<Waiting>,
}

/// A request to the agent.
#[derive(Debug)]
enum Call {
    /// The prompt of the running turn.
    Prompt(Turn),
    /// A message for the running turn.
    Offer(Offer),
    /// What a client chose, for an agent that was started again.
    Choice(Choice),
    /// A client's own.
    Passed(Passed),
}

/// A client's request that is passed on.
#[derive(Debug)]
struct Passed {
    command: CommandId,
    client: Arc<str>,
    then: Then,
}

/// What a good answer means for the session.
#[derive(Debug)]
enum Then {
    Nothing,
    /// A client has chosen this; nothing if its params do not say what, and the answer may list options all the same.
    Chosen(Option<Choice>),
}

#[derive(Debug)]
struct Waiting {
    passed: Passed,
    method: String,
    params: Option<RawBuf>,
}

impl Lane {
    /// A client's request that is the agent's to answer.
    pub(super) fn call(
        &mut self,
        step: &mut Step<'_>,
        command: CommandId,
        client: Arc<str>,
        method: String,
        params: Option<RawBuf>,
    ) {
        let made = choice::of_request(&method, params.as_ref().map_or(Raw::NULL, RawBuf::as_raw));
        if made.as_ref().is_some_and(|made| !self.can_remember(step, made)) {
            step.refuse(command, Refusal::ChoicesFull);
            return;
        }
        let sets = made.is_some() || choice::sets_options(&method);
        let then = if sets { Then::Chosen(made) } else { Then::Nothing };
        let call = Waiting { passed: Passed { command, client, then }, method, params };
        if self.is_ready() {
            self.pass(step, call);
        } else if self.calls.waiting.len() >= step.config().max_waiting_calls {
            step.refuse(command, Refusal::StartCrowded { waiting: self.calls.waiting.len() });
        } else {
            self.calls.waiting.push_back(call);
            self.need_agent(step, false);
        }
    }

    /// Passes on what waited for the agent.
    pub(super) fn pass_waiting(&mut self, step: &mut Step<'_>) {
        while let Some(call) = self.calls.waiting.pop_front() {
            self.pass(step, call);
        }
    }

    fn pass(&mut self, step: &mut Step<'_>, call: Waiting) {
        let Waiting { passed, method, params } = call;
        if self.calls.open.len() >= step.config().max_open_calls {
            step.refuse(passed.command, Refusal::AgentCrowded { open: self.calls.open.len() });
            return;
        }
        let params = params.map(|params| wire::to_agent(params.as_raw(), self.agent_session(step)));
        self.send(step, Call::Passed(passed), method, params);
    }

    /// Gives the running turn's prompt to the agent.
    pub(super) fn send_prompt(&mut self, step: &mut Step<'_>, turn: Turn, params: Raw<'_>) {
        let params = wire::to_agent(params, self.agent_session(step));
        self.send(step, Call::Prompt(turn), v1::Prompt::NAME.to_owned(), Some(params));
    }

    /// A number under which the answer to the running turn's prompt will come, which the agent was given before.
    pub(super) fn expect_answer(&mut self, step: &mut Step<'_>, turn: Turn) -> CallId {
        let id = step.next_call();
        self.calls.open.insert(id, Call::Prompt(turn));
        id
    }

    /// There will be no answer to the prompt: the agent never got it.
    pub(super) fn expect_no_answer(&mut self) {
        self.calls.open.retain(|_, call| !matches!(call, Call::Prompt(_)));
    }

    /// Whether anybody waits for an answer of the agent, or for the agent.
    pub(super) fn any_calls(&self) -> bool {
        !self.calls.open.is_empty() || !self.calls.waiting.is_empty()
    }

    /// Whether a client waits for the agent to be there.
    pub(super) fn is_called(&self) -> bool {
        !self.calls.waiting.is_empty()
    }

    /// Gives the agent a message for the running turn.
    pub(super) fn send_offer(&mut self, step: &mut Step<'_>, offer: Offer, method: &str, params: RawBuf) {
        self.send(step, Call::Offer(offer), method.to_owned(), Some(params));
    }

    /// Gives an agent that was started again what a client chose.
    pub(super) fn send_choice(&mut self, step: &mut Step<'_>, made: &Choice) -> CallId {
        let params = wire::with_session(made.params.as_raw(), self.agent_session(step));
        self.send(step, Call::Choice(made.clone()), made.method.clone(), Some(params))
    }

    fn can_remember(&self, step: &Step<'_>, made: &Choice) -> bool {
        self.logged(step.state()).is_none_or(|lane| lane.settings().have_room_for(made))
    }

    fn send(&mut self, step: &mut Step<'_>, call: Call, method: String, params: Option<RawBuf>) -> CallId {
        let id = step.next_call();
        self.calls.open.insert(id, call);
        step.effect(Effect::Call { lane: Arc::clone(&self.name), call: id, method, params });
        id
    }

    /// A client's notification; nobody is there to hear it while there is no agent.
    pub(super) fn notify(&mut self, step: &mut Step<'_>, command: CommandId, method: String, params: Option<RawBuf>) {
        if self.agent == Agent::Alive {
            let params = params.map(|params| wire::to_agent(params.as_raw(), self.agent_session(step)));
            step.effect(Effect::Notify { lane: Arc::clone(&self.name), method, params });
        }
        step.reply(command, Ok(Reply::Done));
    }

    /// The agent answers; a second answer, and one to nothing, is dropped.
    pub(super) fn answered(&mut self, step: &mut Step<'_>, call: CallId, outcome: Result<RawBuf, RawBuf>) {
        let session = step.core.session.as_str();
        let outcome =
            clean_outcome(outcome).map(|result| wire::result_for_clients(result, self.agent_session(step), session));
        match self.calls.open.remove(&call) {
            Some(Call::Prompt(turn)) => self.prompt_answered(step, turn, outcome),
            Some(Call::Offer(offer)) => self.steered(step, offer, outcome),
            Some(Call::Choice(made)) => self.choice_answered(step, call, made, &outcome),
            Some(Call::Passed(Passed { command, client, then })) => {
                if let (Ok(result), Then::Chosen(made)) = (&outcome, then) {
                    self.chosen(step, &Origin::Client(client), made, result.as_raw());
                }
                step.reply(command, Ok(Reply::Agent(outcome)));
            }
            None => {}
        }
    }

    /// The agent is gone: what it had to answer is answered for it.
    pub(super) fn fail_open_calls(&mut self, step: &mut Step<'_>, reason: &str) {
        for call in std::mem::take(&mut self.calls.open).into_values() {
            match call {
                // How its turn ends is said where the agent's going is.
                Call::Prompt(_) | Call::Choice(_) => {}
                Call::Offer(offer) => self.offer_unanswered(step, &offer, reason),
                Call::Passed(passed) => {
                    step.refuse(passed.command, Refusal::NoAnswer { reason: reason.to_owned() });
                }
            }
        }
    }

    /// The agent will not come: what waited for it is answered.
    pub(super) fn fail_waiting_calls(&mut self, step: &mut Step<'_>, why: &Refusal) {
        for call in std::mem::take(&mut self.calls.waiting) {
            step.refuse(call.passed.command, why.clone());
        }
    }

    /// Both, when the session is put to rest.
    pub(super) fn fail_calls(&mut self, step: &mut Step<'_>, why: &Refusal) {
        self.fail_open_calls(step, &why.to_string());
        self.fail_waiting_calls(step, why);
    }
}
