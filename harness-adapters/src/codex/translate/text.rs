//! Messages, thoughts and the plan of the model.

use std::collections::HashMap;

use acp_types::v1::{self, ContentBlock, ContentChunk, SessionUpdate};

use crate::codex::wire::{Delta, Item, PlanEvent, PlanStep, StepStatus};
use crate::translate::Effects;

/// The messages and thoughts of a turn, as far as they were shown.
#[derive(Debug, Default)]
pub(super) struct Text(HashMap<String, Shown>);

#[derive(Debug, Default)]
struct Shown {
    text: String,
    part: u32,
}

impl Text {
    /// Shows a piece of a message.
    pub(super) fn said(&mut self, delta: &Delta, out: &mut Effects) {
        if delta.delta.is_empty() {
            return;
        }
        self.0.entry(delta.item_id.clone()).or_default().text.push_str(&delta.delta);
        out.update(SessionUpdate::AgentMessageChunk(chunk(&delta.item_id, &delta.delta)));
    }

    /// Shows a piece of a thought. A blank line separates the parts of a summary.
    pub(super) fn thought(&mut self, delta: &Delta, out: &mut Effects) {
        if delta.delta.is_empty() {
            return;
        }
        let shown = self.0.entry(delta.item_id.clone()).or_default();
        let mut text = delta.delta.clone();
        if shown.part != delta.summary_index && !shown.text.is_empty() {
            text.insert_str(0, "\n\n");
        }
        shown.part = delta.summary_index;
        shown.text.push_str(&text);
        out.update(SessionUpdate::AgentThoughtChunk(chunk(&delta.item_id, &text)));
    }

    /// Shows the rest of a complete message or thought.
    pub(super) fn completed(&mut self, item: &Item, out: &mut Effects) {
        let (id, whole) = match item {
            Item::AgentMessage { id, text } | Item::Plan { id, text } => (id, text.clone()),
            Item::Reasoning { id, summary, content } => {
                (id, if summary.is_empty() { content.join("\n\n") } else { summary.join("\n\n") })
            }
            _ => return,
        };
        let shown = self.0.remove(id).unwrap_or_default();
        let Some(rest) = whole.strip_prefix(&shown.text).filter(|rest| !rest.is_empty()) else { return };
        let chunk = chunk(id, rest);
        out.update(match item {
            Item::Reasoning { .. } => SessionUpdate::AgentThoughtChunk(chunk),
            _ => SessionUpdate::AgentMessageChunk(chunk),
        });
    }

    /// Forgets the messages of a turn that is over.
    pub(super) fn finish(&mut self) {
        self.0.clear();
    }
}

/// One piece of a message.
pub(super) fn chunk(id: &str, text: &str) -> ContentChunk {
    ContentChunk::new(ContentBlock::Text(v1::TextContent::new(text))).message_id(v1::MessageId::new(id))
}

/// Shows the plan, which Codex always sends as a whole.
pub(super) fn plan(event: &PlanEvent, out: &mut Effects) {
    let entry = |step: &PlanStep| {
        let status = match step.status {
            StepStatus::Pending => v1::PlanEntryStatus::Pending,
            StepStatus::InProgress => v1::PlanEntryStatus::InProgress,
            StepStatus::Completed => v1::PlanEntryStatus::Completed,
        };
        v1::PlanEntry::new(&step.step, v1::PlanEntryPriority::Medium, status)
    };
    out.update(SessionUpdate::Plan(v1::Plan::new(event.plan.iter().map(entry).collect())));
}
