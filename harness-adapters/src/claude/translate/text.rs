//! Text and thoughts of the model: as they are streamed, and whole when they were not.

use std::collections::BTreeMap;

use acp_types::v1;
use serde_json::Value;

use super::calls::Calls;
use crate::claude::wire::stream::Delta;
use crate::claude::wire::{Event, StreamEvent};
use crate::translate::Effects;

/// Limit of a message that is kept to recognise it when it is sent again, in bytes.
const REMEMBERED: usize = 1024 * 1024;

/// Kind of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Thought,
}

/// The message that is being streamed.
#[derive(Debug, Default)]
pub(super) struct Text {
    id: String,
    blocks: BTreeMap<u64, Piece>,
    /// Number of its blocks that came whole.
    whole: u64,
    /// Blocks that were shown of a message that was given up. The model will likely say them again.
    echo: Vec<Said>,
    /// Something was shown since it was last looked at.
    shown: bool,
}

#[derive(Debug)]
enum Piece {
    Said(Said),
    Call(String),
    Other,
}

#[derive(Debug)]
struct Said {
    kind: Kind,
    /// The message that it is shown as part of.
    id: String,
    text: String,
    /// An earlier block that it may repeat.
    echo: Option<Box<Self>>,
}

impl Text {
    /// Takes in one event of the stream.
    pub(super) fn stream(&mut self, event: StreamEvent, calls: &mut Calls, out: &mut Effects) {
        match event.event {
            Event::MessageStart { message } => {
                self.blocks.clear();
                self.whole = 0;
                self.id = message.id;
            }
            Event::ContentBlockStart { index, content_block } => {
                let piece = self.start(&content_block, calls, out);
                self.blocks.insert(index, piece);
            }
            Event::ContentBlockDelta { index, delta } => {
                let (kind, text) = match delta {
                    Delta::Text { text } => (Kind::Text, text),
                    Delta::Thinking { thinking } => (Kind::Thought, thinking),
                    Delta::Other => return,
                };
                if let Some(Piece::Said(said)) = self.blocks.get_mut(&index)
                    && said.kind == kind
                {
                    self.shown |= said.add(&text, out);
                }
            }
            Event::MessageStop => match event.abandoned_blocks {
                Some(abandoned) => self.give_up(abandoned.from_block_index, calls, out),
                None => self.echo.clear(),
            },
            Event::MessageDelta { .. } | Event::Other => {}
        }
    }

    fn start(&mut self, block: &Value, calls: &mut Calls, out: &mut Effects) -> Piece {
        let text = |key: &str| block.get(key).and_then(Value::as_str);
        let kind = match text("type") {
            Some("text") => Kind::Text,
            Some("thinking") => Kind::Thought,
            Some("tool_use") => {
                let (Some(id), Some(name)) = (text("id"), text("name")) else { return Piece::Other };
                calls.begin(id, name, out);
                return Piece::Call(id.to_owned());
            }
            _ => return Piece::Other,
        };
        let echo = self.echo.iter().position(|said| said.kind == kind).map(|at| Box::new(self.echo.remove(at)));
        Piece::Said(Said { kind, id: self.id.clone(), text: String::new(), echo })
    }

    /// Forgets a message that broke off, but not what was shown of it.
    fn give_up(&mut self, from: u64, calls: &mut Calls, out: &mut Effects) {
        self.echo.clear();
        for piece in std::mem::take(&mut self.blocks).split_off(&from).into_values() {
            match piece {
                Piece::Said(mut said) => {
                    // Broken off again while it still repeated: all of the first attempt is what is shown.
                    if let Some(echo) = said.echo.take() {
                        said = *echo;
                    }
                    self.echo.push(said);
                }
                Piece::Call(id) => calls.abandon(&id, out),
                Piece::Other => {}
            }
        }
    }

    /// A block of the session's own message that came whole. It is shown unless it has been streamed.
    pub(super) fn whole(&mut self, id: &str, kind: Kind, text: &str, out: &mut Effects) {
        if let Some(Piece::Said(said)) = self.next(id)
            && said.kind == kind
            && !said.text.is_empty()
        {
            said.echo = None;
            return;
        }
        if !text.is_empty() {
            self.shown = true;
            out.update(chunk(kind, id, text));
        }
    }

    /// A block that came whole and is no text.
    pub(super) fn pass(&mut self, id: &str) {
        self.next(id);
    }

    fn next(&mut self, id: &str) -> Option<&mut Piece> {
        if id != self.id {
            return None;
        }
        let at = self.whole;
        self.whole += 1;
        self.blocks.get_mut(&at)
    }

    /// A turn is over: nothing will be said again.
    pub(super) fn finish(&mut self) {
        self.echo.clear();
        self.blocks.clear();
        self.id.clear();
    }

    /// True if something was shown since the last call.
    pub(super) fn take_shown(&mut self) -> bool {
        std::mem::take(&mut self.shown)
    }
}

impl Said {
    /// Shows more of it; whether something was to be shown.
    fn add(&mut self, text: &str, out: &mut Effects) -> bool {
        if self.text.len() < REMEMBERED {
            self.text.push_str(text);
        }
        let Some(echo) = &self.echo else {
            out.update(chunk(self.kind, &self.id, text));
            return true;
        };
        if echo.text.starts_with(&self.text) {
            return false;
        }
        match self.text.strip_prefix(&echo.text) {
            Some(rest) => {
                // It goes on where the first attempt broke off.
                out.update(chunk(self.kind, &echo.id, rest));
                self.id.clone_from(&echo.id);
            }
            None => out.update(chunk(self.kind, &self.id, &self.text)),
        }
        self.echo = None;
        true
    }
}

/// A chunk of a message.
pub(super) fn chunk(kind: Kind, id: &str, text: &str) -> v1::SessionUpdate {
    let chunk = v1::ContentChunk::new(v1::ContentBlock::from(text)).message_id(v1::MessageId::new(id));
    match kind {
        Kind::Text => v1::SessionUpdate::AgentMessageChunk(chunk),
        Kind::Thought => v1::SessionUpdate::AgentThoughtChunk(chunk),
    }
}
