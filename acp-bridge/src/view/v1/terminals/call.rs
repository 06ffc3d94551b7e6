//! One tool call that shows terminals: where in its content they stand.

use std::sync::Arc;

use acp_types::Raw;
use acp_types::record::{Record, Seq, Turn};

use super::text::Text;

/// Bytes of other content that is kept, to be told again with the terminals beside it.
const MAX_BESIDE: usize = 64 * 1024;

/// Words in place of all output when the message would be too long.
const TOO_LONG: &str = "[the output is left out here: the message would be too long]";

/// Item of a tool call's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    /// Terminal that the client cannot show.
    Terminal(String),
    /// Other content, as JSON.
    Other(Box<str>),
}

impl Slot {
    pub(super) fn read(item: Raw<'_>, sees: impl Fn(&str) -> bool) -> Self {
        let terminal = item.member("type").is_some_and(|kind| kind.as_str() == "\"terminal\"");
        let id = item.member("terminalId").and_then(Raw::as_string).filter(|id| terminal && !sees(id));
        id.map_or_else(|| Self::Other(item.as_str().into()), |id| Self::Terminal(id.into_owned()))
    }

    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal(_))
    }
}

/// Output that the client has not been told yet, by the record that has the last of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unshown {
    pub(super) seq: Seq,
    at: u64,
    turn: Option<Turn>,
}

impl Unshown {
    pub(super) fn of(record: &Record) -> Self {
        Self { seq: record.seq, at: record.at, turn: record.turn }
    }

    /// Our part of `_meta` in an update that tells it. Its place in the log is there only if nothing that came after
    /// was told: a client would take it for the place where it is.
    pub(super) fn meta(&self, lane: &str, cursor: Seq) -> Option<String> {
        let is_last = self.seq == cursor;
        let mut meta = serde_json::Map::new();
        if is_last {
            meta.insert("seq".to_owned(), self.seq.into());
        }
        meta.insert("at".to_owned(), self.at.into());
        if let Some(turn) = self.turn.filter(|_| is_last) {
            meta.insert("turn".to_owned(), turn.into());
        }
        meta.insert("lane".to_owned(), lane.into());
        serde_json::to_string(&meta).ok()
    }
}

/// Tool call that shows terminals.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) lane: Arc<str>,
    /// Id of the call, as JSON.
    pub(super) id: Box<str>,
    content: Vec<Slot>,
    /// Flag: all that its terminals have printed was heard.
    pub(super) begun: bool,
    /// Flag: the content was too big to keep what stands beside the terminals.
    partial: bool,
    /// Flag: it has ended.
    pub(super) over: bool,
    pub(super) unshown: Option<Unshown>,
}

impl Call {
    pub(super) fn new(lane: Arc<str>, id: &str) -> Self {
        Self { lane, id: id.into(), content: Vec::new(), begun: false, partial: false, over: false, unshown: None }
    }

    pub(super) fn is(&self, lane: &str, id: &str) -> bool {
        *self.lane == *lane && *self.id == *id
    }

    pub(super) fn set_content(&mut self, content: Vec<Slot>) {
        self.content = content;
        self.partial = false;
    }

    /// Keeps no more of the content than may be kept from one update to the next.
    pub(super) fn forget_much(&mut self) {
        let beside = |slot: &Slot| if let Slot::Other(item) = slot { item.len() } else { 0 };
        let bytes: usize = self.content.iter().map(beside).sum();
        if bytes <= MAX_BESIDE {
            return;
        }
        if self.content.iter().any(Slot::is_terminal) {
            tracing::warn!(
                call = &*self.id,
                bytes,
                limit = MAX_BESIDE,
                "a tool call has much content beside a terminal: clients without terminals get what it prints from now \
                 on only when the agent tells the content again"
            );
        }
        self.content.retain(Slot::is_terminal);
        self.partial = true;
    }

    /// Gives a terminal a place that it has not been given: its call began before anybody listened, or has no content.
    pub(super) fn make_room_for(&mut self, id: &str) {
        if self.content.is_empty() {
            self.content.push(Slot::Terminal(id.to_owned()));
        }
    }

    pub(super) fn shows(&self, lane: &str, terminal: &str) -> bool {
        *self.lane == *lane && self.content.iter().any(|slot| matches!(slot, Slot::Terminal(id) if id == terminal))
    }

    /// Returns whether its content can be told again.
    pub(super) fn is_complete(&self) -> bool {
        !self.partial
    }

    /// Content with text in place of terminals.
    pub(super) fn content<'a>(&self, texts: impl Fn(&str) -> Option<&'a Text>) -> String {
        self.list(|id, out| {
            let text = texts(id).filter(|text| !text.is_empty());
            text.is_some_and(|text| {
                text.push_to(out);
                true
            })
        })
    }

    /// Content without any output, if that fits; else nothing but words that say so.
    pub(super) fn content_without_text(&self, room: usize) -> String {
        let mut first = true;
        let list = self.list(|_, out| {
            out.push_str(TOO_LONG);
            std::mem::take(&mut first)
        });
        if list.len() <= room { list } else { format!("[{}]", text_item(TOO_LONG)) }
    }

    /// List of its content. `text` writes what stands for a terminal, or says that nothing does.
    fn list(&self, mut text: impl FnMut(&str, &mut String) -> bool) -> String {
        let items = self.content.iter().filter_map(|slot| match slot {
            Slot::Other(item) => Some(item.to_string()),
            Slot::Terminal(id) => {
                let mut inside = String::new();
                text(id, &mut inside).then(|| text_item(&inside))
            }
        });
        format!("[{}]", items.collect::<Vec<_>>().join(","))
    }
}

/// Item of content with this text, the inside of a JSON literal.
fn text_item(literal: &str) -> String {
    format!(r#"{{"type":"content","content":{{"type":"text","text":"{literal}"}}}}"#)
}
