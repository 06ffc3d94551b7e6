//! Sub-agents: threads of their own, shown as the tool call that started them.

use std::collections::BTreeMap;

use acp_types::v1::{SessionId, SessionUpdate, ToolCallStatus, ToolCallUpdate, ToolCallUpdateFields};
use serde_json::{Map, Value};

use super::calls::background;
use super::output::Output;
use super::shell::text;
use crate::codex::wire::{Item, Turn, TurnStatus};
use crate::translate::Effects;

/// Member of `_meta` that names the tool call of the sub-agent that made a call.
const PARENT: &str = "parentToolCallId";
/// Limit of sub-agents that are known at once.
const MOST: usize = 256;

/// The sub-agents of a session, by their thread.
#[derive(Debug, Default)]
pub(super) struct Agents(BTreeMap<String, Agent>);

#[derive(Debug)]
struct Agent {
    /// The tool call that started it.
    call: String,
    said: Output,
    /// The turn that it is in.
    turn: Option<String>,
    /// True until its call ended for the client.
    open: bool,
    /// The child session that its call stands in; `None` for the session itself.
    within: Option<SessionId>,
}

impl Agents {
    /// `_meta` of a tool call that a thread makes.
    pub(super) fn meta(&self, child: Option<&str>) -> Map<String, Value> {
        let agent = child.and_then(|child| self.0.get(child));
        agent.map(|agent| (PARENT.to_owned(), agent.call.clone().into())).into_iter().collect()
    }

    /// A tool call has started a sub-agent.
    pub(super) fn started(&mut self, thread: &str, call: &str, within: Option<&SessionId>) {
        if self.0.len() < MOST {
            let (call, within) = (call.to_owned(), within.cloned());
            let agent = Agent { call, said: Output::default(), turn: None, open: true, within };
            self.0.entry(thread.to_owned()).or_insert(agent);
        }
    }

    /// True for the thread of a sub-agent.
    pub(super) fn has(&self, thread: &str) -> bool {
        self.0.contains_key(thread)
    }

    /// A sub-agent says something.
    pub(super) fn said(&mut self, child: &str, item: &Item, out: &mut Effects) {
        let (Item::AgentMessage { text: said, .. } | Item::Plan { text: said, .. }) = item else { return };
        let Some(agent) = self.0.get_mut(child) else { return };
        if !agent.said.is_empty() {
            agent.said.push("\n\n");
        }
        agent.said.push(said);
        let fields = ToolCallUpdateFields::new().content(vec![text(&agent.said.glimpse())]);
        out.update(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(agent.call.clone(), fields)));
    }

    /// A turn of a sub-agent begins or ends.
    pub(super) fn turn(&mut self, child: &str, turn: &Turn, done: bool, out: &mut Effects) {
        if !done {
            if let Some(agent) = self.0.get_mut(child) {
                agent.turn = Some(turn.id.clone());
            }
            return;
        }
        let status = match turn.status {
            TurnStatus::Failed | TurnStatus::Interrupted => ToolCallStatus::Failed,
            _ => ToolCallStatus::Completed,
        };
        self.ended(child, status, out);
    }

    /// A sub-agent is done. Codex says so in two ways, and the call ends once.
    pub(super) fn ended(&mut self, child: &str, status: ToolCallStatus, out: &mut Effects) {
        let Some(agent) = self.0.get_mut(child) else { return };
        if agent.turn.take().is_none() && !agent.open {
            return;
        }
        agent.open = false;
        let fields = ToolCallUpdateFields::new().status(status);
        let update = ToolCallUpdate::new(agent.call.clone(), fields);
        out.update_of(agent.within.as_ref(), SessionUpdate::ToolCallUpdate(update));
    }

    /// Ends their calls for the client, because the turn that started them is over.
    pub(super) fn end_turn(&mut self, goes_on: bool, out: &mut Effects) {
        for agent in self.0.values_mut().filter(|agent| agent.open) {
            agent.open = false;
            let status = if goes_on { ToolCallStatus::Completed } else { ToolCallStatus::Failed };
            let update = ToolCallUpdate::new(agent.call.clone(), ToolCallUpdateFields::new().status(status));
            let update = if goes_on { update.meta(background()) } else { update };
            out.update_of(agent.within.as_ref(), SessionUpdate::ToolCallUpdate(update));
        }
    }

    /// The sub-agents that work, each with its thread and its turn.
    pub(super) fn running(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(thread, agent)| Some((thread.as_str(), agent.turn.as_deref()?)))
    }
}
