//! Coalescing for `session/load`: adjacent chunks of one message come as one update. Pure.
//!
//! A joined chunk is the **last** record it covers with the whole text, so that the seq it carries is a cursor from
//! which a resume gives exactly the rest.

use std::sync::Arc;

use acp_types::meta::META_KEY;
use acp_types::record::{Kind, Record};
use acp_types::{Raw, RawBuf, rewrite};

/// Text that one joined chunk carries at most, in bytes of its JSON literal; a longer message comes in several.
const MAX_TEXT: usize = 64 * 1024;

/// Kinds of update whose text continues that of the one before.
const CHUNKS: [&str; 3] = ["agent_message_chunk", "agent_thought_chunk", "user_message_chunk"];

/// Coalescer of adjacent text chunks in a stream of update records.
///
/// Chunks are joined when they have the same kind, message id, turn and lane, plain text as content, and no member
/// that this version does not know; everything else passes as it is. Nothing is lost, doubled or moved.
#[derive(Debug, Default)]
pub(crate) struct Coalescer {
    open: Option<Open>,
}

/// Chunk that the next record may continue.
#[derive(Debug)]
struct Open {
    last: Arc<Record>,
    kind: usize,
    message: Option<Box<str>>,
    /// Text so far, as the inside of a JSON literal; empty while there is one record only.
    text: String,
}

/// Parts that matter of a chunk that may be joined.
struct Chunk<'a> {
    kind: usize,
    message: Option<&'a str>,
    /// Inside of the text's JSON literal.
    text: &'a str,
}

impl Coalescer {
    /// Takes the next update record. `session/update` params that are complete are appended to `out`.
    pub(crate) fn push(&mut self, record: &Arc<Record>, out: &mut Vec<RawBuf>) {
        let Some(chunk) = Chunk::read(record) else {
            self.flush(out);
            out.push(record.body.clone());
            return;
        };
        if let Some(open) = &mut self.open
            && open.takes(record, &chunk)
        {
            open.join(record, &chunk);
            return;
        }
        self.flush(out);
        let message = chunk.message.map(Box::from);
        self.open = Some(Open { last: Arc::clone(record), kind: chunk.kind, message, text: String::new() });
    }

    /// Completes what is open: at the end, and before anything else that the reader is to see in its place.
    pub(crate) fn flush(&mut self, out: &mut Vec<RawBuf>) {
        if let Some(open) = self.open.take() {
            out.push(open.into_params());
        }
    }
}

impl Open {
    fn takes(&self, record: &Record, chunk: &Chunk<'_>) -> bool {
        self.kind == chunk.kind
            && self.message.as_deref() == chunk.message
            && self.last.turn == record.turn
            && self.last.lane == record.lane
            && self.len() + chunk.text.len() <= MAX_TEXT
    }

    fn len(&self) -> usize {
        if self.text.is_empty() { self.first_text().len() } else { self.text.len() }
    }

    fn first_text(&self) -> &str {
        Chunk::read(&self.last).map_or("", |chunk| chunk.text)
    }

    fn join(&mut self, record: &Arc<Record>, chunk: &Chunk<'_>) {
        if self.text.is_empty() {
            self.text = self.first_text().to_owned();
        }
        // Both are insides of valid literals, so their concatenation is one.
        self.text.push_str(chunk.text);
        self.last = Arc::clone(record);
    }

    fn into_params(self) -> RawBuf {
        if self.text.is_empty() {
            return self.last.body.clone();
        }
        let literal = format!("\"{}\"", self.text);
        rewrite::set_path(self.last.body.as_raw(), &["update", "content", "text"], Raw::trusted(&literal))
    }
}

impl<'a> Chunk<'a> {
    /// Reads a chunk; `None` for anything that must be left as it is.
    fn read(record: &'a Record) -> Option<Self> {
        if record.kind != Kind::Update {
            return None;
        }
        let [_, update, meta] = exactly(record.body.as_raw(), ["sessionId", "update", "_meta"])?;
        if let Some(meta) = meta {
            exactly(meta, [META_KEY])?;
        }
        let [name, content, message] = exactly(update?, ["sessionUpdate", "content", "messageId"])?;
        let [kind, text] = exactly(content?, ["type", "text"])?;
        if kind?.as_str() != "\"text\"" {
            return None;
        }
        let name = name?.as_str().strip_prefix('"')?.strip_suffix('"')?;
        let kind = CHUNKS.iter().position(|known| *known == name)?;
        let text = text?.as_str().strip_prefix('"')?.strip_suffix('"')?;
        Some(Self { kind, message: message.map(Raw::as_str), text })
    }
}

/// Members of an object that has no others and none twice.
fn exactly<'a, const N: usize>(object: Raw<'a>, keys: [&str; N]) -> Option<[Option<Raw<'a>>; N]> {
    let mut found = [None; N];
    for (key, value) in object.members() {
        let at = keys.iter().position(|known| **known == *key)?;
        if found[at].replace(value).is_some() {
            return None;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests;
