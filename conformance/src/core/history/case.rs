//! A history, read: what checks ask it.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::call::Call;
use super::event::{ENDED_EARLY, Event, History, What};
use super::message::{Body, Direction, Message};
use crate::core::schema::{Schemas, Side};

/// One history with its messages taken apart.
#[derive(Debug)]
pub struct Case<'a> {
    history: &'a History,
    messages: Vec<Message>,
    /// For each request its answer, and for each answer its request, by their places among the messages.
    pairs: HashMap<usize, usize>,
    /// The side of the subject.
    pub subject: Side,
    /// Schemas of its messages.
    pub schemas: Arc<Schemas>,
}

impl<'a> Case<'a> {
    /// Reads a history.
    #[must_use]
    pub fn new(history: &'a History, subject: Side, schemas: Arc<Schemas>) -> Self {
        let message = |(index, event): (usize, &Event)| {
            let (line, direction, label) = match &event.what {
                What::Sent { line, label } => (line, Direction::Sent, label.clone()),
                What::Received { line } => (line, Direction::Received, None),
                _ => return None,
            };
            let (body, extra) = match line.text() {
                Some(text) => Body::parse(text),
                None => (Body::Junk { why: "no UTF-8".to_owned() }, Vec::new()),
            };
            Some(Message { index, at: event.at, on: event.on, direction, label, body, extra })
        };
        let messages: Vec<Message> = history.events.iter().enumerate().filter_map(message).collect();
        let pairs = pairs(&messages);
        Self { history, messages, pairs, subject, schemas }
    }

    /// The history itself.
    #[must_use]
    pub fn history(&self) -> &'a History {
        self.history
    }

    /// Every message, in order.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Messages of the subject, in order.
    pub fn received(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| message.is_received())
    }

    /// Messages of ours, in order.
    pub fn sent(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| !message.is_received())
    }

    /// The message that we sent under this label.
    #[must_use]
    pub fn labelled(&self, label: &str) -> Option<&Message> {
        self.sent().find(|message| message.label.as_deref() == Some(label))
    }

    /// The request that we sent under this label, and its answer.
    #[must_use]
    pub fn call(&self, label: &str) -> Option<Call<'_>> {
        self.labelled(label).and_then(|request| self.call_of(request))
    }

    /// A request, by either side, with its answer. `None` if the message is no request.
    #[must_use]
    pub fn call_of<'m>(&'m self, request: &'m Message) -> Option<Call<'m>> {
        if !matches!(request.body, Body::Request { .. }) {
            return None;
        }
        let place = |index: &usize| self.messages.binary_search_by_key(index, |message| message.index).ok();
        let answer = self.pairs.get(&request.index).and_then(place).map(|place| &self.messages[place]);
        Some(Call { request, answer })
    }

    /// The request that this message answers, the newest of its id.
    #[must_use]
    pub fn asked_by(&self, answer: &Message) -> Option<&Message> {
        let index = self.pairs.get(&answer.index).filter(|_| matches!(answer.body, Body::Response { .. }))?;
        let place = self.messages.binary_search_by_key(index, |message| message.index).ok()?;
        self.messages.get(place)
    }

    /// Every labelled request of ours whose label begins so, and its answer.
    #[must_use]
    pub fn calls(&self, prefix: &str) -> Vec<Call<'_>> {
        let labelled = self.sent().filter(|m| m.label.as_deref().is_some_and(|label| label.starts_with(prefix)));
        labelled.filter_map(|message| self.call_of(message)).collect()
    }

    /// Requests of the subject with this method, and our answers.
    #[must_use]
    pub fn asked(&self, method: &str) -> Vec<Call<'_>> {
        self.received().filter(|m| m.requests(method)).filter_map(|message| self.call_of(message)).collect()
    }

    /// Updates of a session between two places of the history, exclusive.
    pub fn updates(&self, session: &str, from: usize, until: usize) -> impl Iterator<Item = &Message> {
        self.received().filter(move |message| {
            message.index > from
                && message.index < until
                && message.update().is_some()
                && message.params().is_some_and(|params| params["sessionId"] == session)
        })
    }

    /// The scenario's note under this label, of what it saw beside the wire.
    #[must_use]
    pub fn note(&self, label: &str) -> Option<&'a Value> {
        self.history.events.iter().find_map(|event| match &event.what {
            What::Note { label: known, data } if known == label => Some(data),
            _ => None,
        })
    }

    /// Returns whether the subject's model does what the suite's sentences say, so that what does not happen is its own
    /// doing.
    #[must_use]
    pub fn is_scripted(&self) -> bool {
        self.note("scripted").is_some()
    }

    /// The agent's words between two places, exclusive.
    #[must_use]
    pub fn said(&self, from: usize, until: usize) -> String {
        let within = self.received().filter(|message| message.index > from && message.index < until);
        let chunks = within.filter(|message| message.update_kind() == Some("agent_message_chunk"));
        chunks.filter_map(|message| message.update()?["content"]["text"].as_str()).collect()
    }

    /// Where the window of this label ended, if it did.
    #[must_use]
    pub fn quiet(&self, label: &str) -> Option<usize> {
        self.history.events.iter().position(|event| matches!(&event.what, What::Quiet { label: l, .. } if l == label))
    }

    /// The result of the first successful `initialize` of a connection.
    #[must_use]
    pub fn initialized(&self, on: u32) -> Option<&Value> {
        let request = self.messages.iter().find(|message| message.on == on && message.requests("initialize"))?;
        match &self.call_of(request)?.answer?.body {
            Body::Response { outcome: Ok(result), .. } => Some(result),
            _ => None,
        }
    }

    /// The version that was agreed on for a connection.
    #[must_use]
    pub fn version(&self, on: u32) -> Option<u64> {
        self.initialized(on)?["protocolVersion"].as_u64()
    }

    /// The params of the first `initialize` of a connection.
    #[must_use]
    pub fn introduced(&self, on: u32) -> Option<&Value> {
        self.messages.iter().find(|message| message.on == on && message.requests("initialize"))?.params()
    }

    /// An agent's capability by its path below `agentCapabilities`, on the first connection that was initialized:
    /// absent, null and false are none.
    #[must_use]
    pub fn capability(&self, path: &[&str]) -> Option<&Value> {
        let on = self.messages.iter().find(|message| message.requests("initialize"))?.on;
        let mut value = self.initialized(on)?.get("agentCapabilities")?;
        for name in path {
            value = value.get(name)?;
        }
        (!value.is_null() && value != &Value::Bool(false)).then_some(value)
    }

    /// The reason why a scenario did not get as far as a check needs: what went wrong last.
    #[must_use]
    pub fn why_not(&self, label: &str) -> String {
        let trouble = self.history.events.iter().rev().find_map(|event| match &event.what {
            What::Missed { label, waited_ms } => Some(format!("{label} did not come within {waited_ms} ms")),
            What::Exited { code, signal } => Some(match (code, signal) {
                (Some(code), _) => format!("the subject had exited with code {code}"),
                (_, Some(signal)) => format!("the subject had been ended by signal {signal}"),
                _ => "the subject had exited".to_owned(),
            }),
            What::OutputClosed => Some("the subject had closed its output".to_owned()),
            What::Note { label, data } if label == ENDED_EARLY => data.as_str().map(str::to_owned),
            _ => None,
        });
        match trouble {
            Some(trouble) => format!("the scenario did not get to `{label}`: {trouble}"),
            None => format!("the scenario did not get to `{label}`"),
        }
    }
}

/// Ids are the same if type and value are; `1` and `1.0` are the same number.
fn key(id: &Value) -> String {
    match id.as_f64() {
        Some(number) => number.to_string(),
        None => id.to_string(),
    }
}

/// Requests and what answers them: the first answer behind a request that has its id and goes the other way.
fn pairs(messages: &[Message]) -> HashMap<usize, usize> {
    let mut pairs = HashMap::new();
    let mut open: HashMap<(u32, bool, String), Vec<usize>> = HashMap::new();
    for message in messages {
        match &message.body {
            Body::Request { id, .. } => {
                open.entry((message.on, message.is_received(), key(id))).or_default().push(message.index);
            }
            Body::Response { id, .. } => {
                let asked = open.remove(&(message.on, !message.is_received(), key(id))).unwrap_or_default();
                for request in asked {
                    pairs.insert(request, message.index);
                    pairs.insert(message.index, request);
                }
            }
            _ => {}
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::event::Line;
    use super::*;

    fn history(lines: &[(bool, Option<&str>, Value)]) -> History {
        let event = |(at, (sent, label, value)): (usize, &(bool, Option<&str>, Value))| {
            let line = Line::Text(value.to_string());
            let label = label.map(str::to_owned);
            let what = if *sent { What::Sent { line, label } } else { What::Received { line } };
            Event { at: u64::try_from(at).unwrap_or_default(), on: 1, what }
        };
        History { scenario: "test".into(), events: lines.iter().enumerate().map(event).collect() }
    }

    fn case(history: &History) -> Case<'_> {
        Case::new(history, Side::Agent, Schemas::of(None, 1).expect("the newest schemas"))
    }

    #[test]
    fn a_call_finds_its_answer_by_value_and_type_of_the_id() {
        let history = history(&[
            (true, Some("new"), json!({"jsonrpc":"2.0","id":1,"method":"session/new"})),
            (false, None, json!({"jsonrpc":"2.0","id":"1","result":{"wrong":true}})),
            (false, None, json!({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}})),
        ]);
        let case = case(&history);
        assert_eq!(case.call("new").and_then(|call| call.code()), Some(-32000));
        assert!(case.call("other").is_none());
    }

    #[test]
    fn what_is_absent_null_or_false_is_no_capability() {
        let capabilities =
            json!({"agentCapabilities":{"loadSession":false,"sessionCapabilities":{"list":{},"close":null}}});
        let history = history(&[
            (true, None, json!({"jsonrpc":"2.0","id":1,"method":"initialize","params":{}})),
            (false, None, json!({"jsonrpc":"2.0","id":1,"result":capabilities})),
        ]);
        let case = case(&history);
        assert!(case.capability(&["sessionCapabilities", "list"]).is_some());
        assert!(case.capability(&["sessionCapabilities", "close"]).is_none());
        assert!(case.capability(&["loadSession"]).is_none());
    }
}
