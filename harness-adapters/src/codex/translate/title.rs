//! The title of a session: given by somebody, or the beginning of its first prompt.

use acp_types::v1::{ContentBlock, SessionInfoUpdate, SessionUpdate};

use super::controls::{Controls, Pending};
use crate::codex::wire::Named;
use crate::embedded::RESOURCE;
use crate::translate::Effects;

/// Limit of a title, in characters. A longer one is cut off.
const LENGTH: usize = 80;

/// The title of one session.
#[derive(Debug)]
pub(super) struct Title {
    /// True if the session has one.
    given: bool,
    /// The title that the running turn gives, if it ends well.
    proposed: Option<Proposed>,
}

#[derive(Debug)]
struct Proposed {
    title: String,
    /// True if Codex would take something else for the title.
    tell_codex: bool,
}

impl Title {
    /// The title of a session that has one or not.
    pub(super) fn new(given: bool) -> Self {
        Self { given, proposed: None }
    }

    /// Proposes a title from a prompt that begins a turn.
    pub(super) fn propose(&mut self, prompt: &[ContentBlock]) {
        let typed = prompt.iter().find_map(|block| match block {
            ContentBlock::Text(text) => of_text(&text.text),
            _ => None,
        });
        self.proposed = typed.map(|title| Proposed { title, tell_codex: has_context(prompt) });
    }

    /// A turn is over. The first that ends well gives a session without a title its own.
    pub(super) fn turn_ended(&mut self, well: bool, controls: &mut Controls, out: &mut Effects) {
        let Some(Proposed { title, tell_codex }) = self.proposed.take().filter(|_| well && !self.given) else { return };
        self.given = true;
        if tell_codex {
            controls.rename(&title, Pending::Aside, out);
        }
        out.update(SessionUpdate::SessionInfoUpdate(SessionInfoUpdate::new().title(title)));
    }

    /// The client has named the session.
    pub(super) fn set(&mut self) {
        self.given = true;
    }

    /// Codex says that the session was named.
    pub(super) fn named(&mut self, event: Named, out: &mut Effects) {
        if let Some(name) = event.thread_name {
            self.given = true;
            out.update(SessionUpdate::SessionInfoUpdate(SessionInfoUpdate::new().title(name)));
        }
    }
}

/// True if a prompt has more than what was typed. Codex would take that for the beginning of its title.
fn has_context(prompt: &[ContentBlock]) -> bool {
    prompt.iter().any(|block| matches!(block, ContentBlock::Resource(_) | ContentBlock::ResourceLink(_)))
}

/// A title from Codex's preview of a thread: all of the first prompt in one line, embedded resources included.
pub(crate) fn of_preview(preview: &str) -> Option<String> {
    of_text(&RESOURCE.strip(preview)).or_else(|| of_text(preview))
}

fn of_text(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let mut title: String = line.chars().take(LENGTH).collect();
    if title.len() < line.len() {
        title.push('…');
    }
    Some(title)
}
