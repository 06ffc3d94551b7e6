//! Sub-agents: threads of their own, shown as the tool call that started them.

use std::collections::BTreeMap;

use acp_types::v1::{SessionUpdate, ToolCallStatus, ToolCallUpdate, ToolCallUpdateFields};
use serde_json::{Map, Value, json};

use super::calls::Purpose;
use super::items::background;
use super::output::Output;
use super::shell::text;
use super::{Place, Translator, view};
use crate::codex::wire::{AgentTool, Files, Item, Status, Turn, TurnStatus};
use crate::translate::Effects;

/// The tool call under which the client finds what started another one, in its `_meta`.
const PARENT: &str = "parentToolCallId";
/// Sub-agents that are known at once.
const MOST: usize = 256;

/// By their thread.
#[derive(Debug, Default)]
pub(super) struct Agents(BTreeMap<String, Agent>);

#[derive(Debug)]
struct Agent {
    call: String,
    said: Output,
    /// The turn it is in.
    turn: Option<String>,
    /// Not ended for the client.
    open: bool,
}

impl Agents {
    pub(super) fn meta(&self, child: Option<&str>) -> Map<String, Value> {
        let agent = child.and_then(|child| self.0.get(child));
        agent.map(|agent| (PARENT.to_owned(), agent.call.clone().into())).into_iter().collect()
    }

    fn bind(&mut self, thread: &str, call: &str) {
        if self.0.len() < MOST {
            let agent = Agent { call: call.to_owned(), said: Output::default(), turn: None, open: true };
            self.0.entry(thread.to_owned()).or_insert(agent);
        }
    }

    /// The turn that started them is over.
    pub(super) fn end_turn(&mut self, goes_on: bool, out: &mut Effects) {
        for agent in self.0.values_mut().filter(|agent| agent.open) {
            agent.open = false;
            let status = if goes_on { ToolCallStatus::Completed } else { ToolCallStatus::Failed };
            let update = ToolCallUpdate::new(agent.call.clone(), ToolCallUpdateFields::new().status(status));
            let update = if goes_on { update.meta(background()) } else { update };
            out.update(SessionUpdate::ToolCallUpdate(update));
        }
    }
}

impl Translator {
    /// Something was done with a sub-agent.
    pub(super) fn agent(&mut self, item: &Item, done: bool, place: &Place, out: &mut Effects) {
        match item {
            Item::CollabAgentToolCall { id, tool: AgentTool::SpawnAgent, status, receiver_thread_ids, .. }
                if done && *status == Status::Completed && !receiver_thread_ids.is_empty() =>
            {
                if !self.items.is_open(id) {
                    self.announce(item, place, out);
                }
                // It is over when the sub-agent is.
                self.items.forget(id);
                for thread in receiver_thread_ids {
                    self.agents.bind(thread, id);
                }
            }
            Item::SubAgentActivity { id, kind, agent_thread_id, .. } => {
                if kind == "started" && !self.agents.0.contains_key(agent_thread_id) {
                    self.announce(item, place, out);
                    self.agents.bind(agent_thread_id, id);
                } else if done && matches!(kind.as_str(), "completed" | "interrupted") {
                    let status = if kind == "completed" { ToolCallStatus::Completed } else { ToolCallStatus::Failed };
                    self.agent_ended(agent_thread_id, status, out);
                }
            }
            _ => self.tool(item, &Files::new(), done, place, out),
        }
    }

    fn announce(&mut self, item: &Item, place: &Place, out: &mut Effects) {
        if let Some(view) = view::view(item, &Files::new(), false, &self.setup.cwd) {
            let meta = self.agents.meta(place.child.as_deref());
            let view = view.status(ToolCallStatus::InProgress);
            out.update(SessionUpdate::ToolCall(if meta.is_empty() { view } else { view.meta(meta) }));
        }
    }

    pub(super) fn child_said(&mut self, child: &str, item: &Item, out: &mut Effects) {
        let (Item::AgentMessage { text: said, .. } | Item::Plan { text: said, .. }) = item else { return };
        let Some(agent) = self.agents.0.get_mut(child) else { return };
        if !agent.said.is_empty() {
            agent.said.push("\n\n");
        }
        agent.said.push(said);
        let fields = ToolCallUpdateFields::new().content(vec![text(&agent.said.glimpse())]);
        out.update(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(agent.call.clone(), fields)));
    }

    pub(super) fn child_turn(&mut self, child: &str, turn: &Turn, done: bool, out: &mut Effects) {
        if !done {
            if let Some(agent) = self.agents.0.get_mut(child) {
                agent.turn = Some(turn.id.clone());
            }
            return;
        }
        let status = match turn.status {
            TurnStatus::Failed | TurnStatus::Interrupted => ToolCallStatus::Failed,
            _ => ToolCallStatus::Completed,
        };
        self.agent_ended(child, status, out);
    }

    fn agent_ended(&mut self, child: &str, status: ToolCallStatus, out: &mut Effects) {
        let Some(agent) = self.agents.0.get_mut(child) else { return };
        // Once for what tells of its end in two ways.
        if agent.turn.take().is_none() && !agent.open {
            return;
        }
        agent.open = false;
        let fields = ToolCallUpdateFields::new().status(status);
        out.update(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(agent.call.clone(), fields)));
    }

    /// Stops the sub-agents and their commands, too.
    pub(super) fn stop_children(&mut self, out: &mut Effects) {
        let running: Vec<_> =
            self.agents.0.iter().filter_map(|(thread, agent)| Some((thread.clone(), agent.turn.clone()?))).collect();
        for (thread, turn) in running {
            let params = json!({ "threadId": thread, "turnId": turn });
            self.calls.call("turn/interrupt", &params, Purpose::Interrupt, out);
            let params = json!({ "threadId": thread });
            self.calls.call("thread/backgroundTerminals/clean", &params, Purpose::Aside, out);
        }
    }
}
