//! What Codex says and thinks, and its plan.

use std::collections::HashMap;

use acp_types::v1::{self, ContentBlock, ContentChunk, SessionUpdate};

use super::{Place, Translator, input};
use crate::codex::wire::{Delta, Item, Named, PlanEvent, StepStatus, UserInput};
use crate::embedded::RESOURCE;
use crate::translate::Effects;

/// A title is cut off after this many characters.
const TITLE: usize = 80;

/// What was shown of the messages of this turn.
#[derive(Debug, Default)]
pub(super) struct Texts(HashMap<String, Shown>);

#[derive(Debug, Default)]
struct Shown {
    text: String,
    part: u32,
}

impl Texts {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Translator {
    /// Whether it comes from a turn that is over; then it belongs nowhere.
    fn is_late(&self, turn: &str) -> bool {
        self.last_turn.as_deref() == Some(turn)
    }

    pub(super) fn said(&mut self, delta: &Delta, out: &mut Effects) {
        if self.is_late(&delta.turn_id) || delta.delta.is_empty() {
            return;
        }
        self.texts.0.entry(delta.item_id.clone()).or_default().text.push_str(&delta.delta);
        out.update(SessionUpdate::AgentMessageChunk(chunk(&delta.item_id, &delta.delta)));
    }

    pub(super) fn thought(&mut self, delta: &Delta, out: &mut Effects) {
        if self.is_late(&delta.turn_id) || delta.delta.is_empty() {
            return;
        }
        let shown = self.texts.0.entry(delta.item_id.clone()).or_default();
        let mut text = delta.delta.clone();
        if shown.part != delta.summary_index && !shown.text.is_empty() {
            text.insert_str(0, "\n\n");
        }
        shown.part = delta.summary_index;
        shown.text.push_str(&text);
        out.update(SessionUpdate::AgentThoughtChunk(chunk(&delta.item_id, &text)));
    }

    /// A message or thought is complete: what was not streamed of it is shown now.
    pub(super) fn text_completed(&mut self, item: &Item, place: &Place, out: &mut Effects) {
        let (id, whole) = match item {
            Item::AgentMessage { id, text } | Item::Plan { id, text } => (id, text.clone()),
            Item::Reasoning { id, summary, content } => {
                (id, if summary.is_empty() { content.join("\n\n") } else { summary.join("\n\n") })
            }
            _ => return,
        };
        if self.is_late(&place.turn) && !self.setup.replay {
            return;
        }
        let shown = self.texts.0.remove(id).unwrap_or_default();
        let Some(rest) = whole.strip_prefix(&shown.text).filter(|rest| !rest.is_empty()) else { return };
        let chunk = chunk(id, rest);
        out.update(match item {
            Item::Reasoning { .. } => SessionUpdate::AgentThoughtChunk(chunk),
            _ => SessionUpdate::AgentMessageChunk(chunk),
        });
    }

    /// What the user said; the client knows it, unless the session is shown again.
    pub(super) fn user_said(&mut self, id: &str, content: &[UserInput], out: &mut Effects) {
        if self.setup.replay {
            for block in content.iter().filter_map(input::content) {
                let chunk = ContentChunk::new(block).message_id(v1::MessageId::new(id));
                out.update(SessionUpdate::UserMessageChunk(chunk));
            }
        }
    }

    pub(super) fn named(&mut self, event: Named, out: &mut Effects) {
        if let Some(name) = event.thread_name {
            self.titled = true;
            out.update(SessionUpdate::SessionInfoUpdate(v1::SessionInfoUpdate::new().title(name)));
        }
    }
}

/// A piece of a message.
pub(super) fn chunk(id: &str, text: &str) -> ContentChunk {
    ContentChunk::new(ContentBlock::Text(v1::TextContent::new(text))).message_id(v1::MessageId::new(id))
}

/// The plan is always told as a whole.
pub(super) fn plan(event: &PlanEvent, out: &mut Effects) {
    let entry = |step: &crate::codex::wire::Step| {
        let status = match step.status {
            StepStatus::Pending => v1::PlanEntryStatus::Pending,
            StepStatus::InProgress => v1::PlanEntryStatus::InProgress,
            StepStatus::Completed => v1::PlanEntryStatus::Completed,
        };
        v1::PlanEntry::new(&step.step, v1::PlanEntryPriority::Medium, status)
    };
    out.update(SessionUpdate::Plan(v1::Plan::new(event.plan.iter().map(entry).collect())));
}

/// A title from what Codex calls the beginning of a thread: all that the first prompt holds in one line, embedded resources
/// included.
pub(in crate::codex) fn title_of_preview(preview: &str) -> Option<String> {
    title(&RESOURCE.strip(preview)).or_else(|| title(preview))
}

/// A title from the beginning of a text.
pub(super) fn title(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let mut title: String = line.chars().take(TITLE).collect();
    if title.len() < line.len() {
        title.push('…');
    }
    Some(title)
}
