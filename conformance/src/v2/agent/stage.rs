//! Helpers of scenarios of version 2: the handshake, a turn that ends when the session is idle, states.

use serde_json::{Value, json};

use crate::core::history::{Body, Case, Message, brief};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::verdict::Outcome;
use crate::v2::VERSION;

/// The params of an `initialize` of this version.
pub(super) fn introduction(version: u64) -> Value {
    json!({
        "protocolVersion": version,
        "info": { "name": "acp-conformance", "version": env!("CARGO_PKG_VERSION") },
        "capabilities": {},
    })
}

/// Starts the agent and initializes it with version 2; goes on only with an agent that speaks it.
pub(super) async fn begin(probe: &mut Probe) -> Result<Value, Stop> {
    probe.open().await?;
    let answer = probe.call("initialize", "initialize", introduction(VERSION.into())).await?;
    let result = answer.map_err(|error| Stop::Refused(format!("initialize was answered with {}", brief(&error))))?;
    match result["protocolVersion"] == VERSION {
        true => Ok(result),
        false => Err(Stop::Refused(format!("version {}", result["protocolVersion"]))),
    }
}

/// Starts the agent, initializes it and makes a session.
pub(super) async fn session(probe: &mut Probe) -> Result<String, Stop> {
    begin(probe).await?;
    probe.session("new").await
}

/// Prompts and waits until the prompt is answered and the session is idle again, or the prompt is refused.
pub(super) async fn turn(probe: &mut Probe, label: &str, session: &str, text: &str) -> Result<(), Stop> {
    let id = probe.ask(label, "session/prompt", prompt_of(session, text)).await?;
    ended(probe, label, session, &id).await
}

/// Waits for the end of a turn whose prompt has this id.
pub(super) async fn ended(probe: &mut Probe, label: &str, session: &str, id: &Value) -> Result<(), Stop> {
    let mut end = End::default();
    let limit = probe.limits().turn;
    probe.until(label, limit, |message| end.saw(message, session, id)).await.map(drop)
}

/// State of a turn until it is over.
#[derive(Debug, Default)]
pub(super) struct End {
    answered: bool,
    ran: bool,
    idle: bool,
}

impl End {
    /// Takes a message; whether the turn is over.
    pub(super) fn saw(&mut self, message: &Message, session: &str, id: &Value) -> bool {
        if let Body::Response { id: answered, outcome } = &message.body
            && answered == id
        {
            self.answered = true;
            return outcome.is_err() || self.idle;
        }
        match state(message, session) {
            Some("idle") => self.idle |= self.ran || (self.answered && has_reason(message)),
            Some(_) => self.ran = true,
            None => {}
        }
        self.answered && self.idle
    }
}

/// Returns whether an idle ends work. One without a reason, before any work, may have been on its way when the prompt was
/// sent.
fn has_reason(message: &Message) -> bool {
    message.update().is_some_and(|update| update["stopReason"].is_string())
}

/// The state that a message tells of a session.
pub(super) fn state<'m>(message: &'m Message, session: &str) -> Option<&'m str> {
    let update = message.update()?;
    let own = message.params()?["sessionId"] == *session && message.update_kind() == Some("state_update");
    if own { update["state"].as_str() } else { None }
}

/// Returns whether a message is an update that shows work of a turn: words, tools, plans.
pub(super) fn is_output(message: &Message) -> bool {
    let kinds = ["agent_message", "agent_message_chunk", "agent_thought", "agent_thought_chunk", "plan_update"];
    message.update_kind().is_some_and(|kind| kinds.contains(&kind) || kind.starts_with("tool_call"))
}

/// Returns whether a message is an update that shows what was said and done in a session.
pub(super) fn is_history(message: &Message) -> bool {
    is_output(message) || message.update_kind().is_some_and(|kind| kind.starts_with("user_message"))
}

/// A prompt and all that belongs to it.
pub(super) struct Turn<'c> {
    /// Where the prompt stands.
    pub(super) asked: &'c Message,
    /// Where its answer stands.
    pub(super) answer: &'c Message,
    /// Its result.
    pub(super) result: &'c Value,
    /// The session's messages from the prompt on, until we asked for something else there.
    pub(super) updates: Vec<&'c Message>,
}

impl<'c> Turn<'c> {
    /// The turn whose prompt has this label, or why there is none.
    pub(super) fn of(case: &'c Case<'_>, label: &str) -> Result<Self, Outcome> {
        let Some(call) = case.call(label) else { return Err(Outcome::NotExercised(case.why_not(label))) };
        let (Some(answer), Some(result)) = (call.answer, call.result()) else {
            return Err(Outcome::NotExercised(format!("the prompt got {}", call.said())));
        };
        let session = call.request.params().map(|params| params["sessionId"].clone()).unwrap_or_default();
        let asks =
            |message: &&Message| matches!(message.body, Body::Request { .. }) && message.index > call.request.index;
        let until = case.sent().filter(asks).map(|message| message.index).next().unwrap_or(usize::MAX);
        let updates = case.updates(session.as_str().unwrap_or_default(), call.request.index, until).collect();
        Ok(Self { asked: call.request, answer, result, updates })
    }

    /// Its states, with their places.
    pub(super) fn states(&self) -> Vec<(&'c str, &'c Message)> {
        let session = self.asked.params().and_then(|params| params["sessionId"].as_str()).unwrap_or_default();
        self.updates.iter().filter_map(|message| Some((state(message, session)?, *message))).collect()
    }

    /// Where its work began.
    pub(super) fn begun(&self) -> Option<&'c Message> {
        self.states().into_iter().find(|(state, _)| *state != "idle").map(|(_, message)| message)
    }

    /// Where its work ended: the first idle behind the beginning, or one with a reason behind the answer if no beginning
    /// was told.
    pub(super) fn idle(&self) -> Option<&'c Message> {
        let begun = self.begun();
        let from = begun.map_or(self.answer.index, |message| message.index);
        let mut idle = self.states().into_iter().filter(|(state, message)| *state == "idle" && message.index > from);
        idle.find(|(_, message)| begun.is_some() || has_reason(message)).map(|(_, message)| message)
    }

    /// Prompt, answer and these.
    pub(super) fn places(&self, more: impl IntoIterator<Item = &'c Message>) -> Vec<usize> {
        let mut places: Vec<usize> =
            [self.asked, self.answer].into_iter().chain(more).map(|message| message.index).collect();
        places.sort_unstable();
        places
    }
}
