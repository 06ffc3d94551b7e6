//! The rewrite of every message that passes through a bridge: `sessionId` and one key of `_meta`, in one pass.

use super::{push_until_end, push_with_member};
use crate::{Raw, RawBuf, RawKind, escape};

/// Changes to the params of a message.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers write it out with `..Default::default()`")]
pub struct ParamsEdit<'a> {
    /// The new `sessionId`, as plain text.
    pub session_id: Option<&'a str>,
    /// A key of `_meta` and its new value; other keys of `_meta` stay. A `_meta` that is not an object is replaced.
    pub meta: Option<(&'a str, Raw<'a>)>,
}

impl ParamsEdit<'_> {
    /// Bytes that the edit adds at most.
    fn added(&self) -> usize {
        let session = self.session_id.map_or(0, |id| r#","sessionId":"#.len() + escape::string_len(id));
        let meta = self
            .meta
            .map_or(0, |(key, value)| r#","_meta":{,:}"#.len() + escape::string_len(key) + value.as_str().len());
        session + meta
    }
}

/// Edits params. What is absent is added at the end; params that are not an object come back as they are.
#[must_use]
pub fn params(params: Raw<'_>, edit: &ParamsEdit<'_>) -> RawBuf {
    let mut out = String::with_capacity(params.as_str().len() + edit.added());
    params_into(&mut out, params, edit);
    RawBuf::trusted(out)
}

/// Appends edited params to `out`; without allocating when it has room.
pub fn params_into(out: &mut String, params: Raw<'_>, edit: &ParamsEdit<'_>) {
    let text = params.as_str();
    if params.kind() != RawKind::Object {
        out.push_str(text);
        return;
    }
    out.reserve(text.len() + edit.added());
    let mut session_id = edit.session_id;
    let mut meta = edit.meta;
    let mut copied = 0;
    let mut end = None;
    for member in params.raw_members() {
        if let Some(id) = edit.session_id.filter(|_| member.is("sessionId")) {
            out.push_str(&text[copied..member.value_start]);
            escape::push_string(out, id);
            copied = member.end;
            session_id = None;
        } else if let Some((key, value)) = edit.meta.filter(|_| member.is("_meta")) {
            out.push_str(&text[copied..member.value_start]);
            push_with_member(out, super::object_or_empty(member.value), key, value);
            copied = member.end;
            meta = None;
        }
        end = Some(member.end);
    }
    if session_id.is_some() || meta.is_some() {
        push_until_end(out, text, copied, end);
        copied = end.unwrap_or(1);
    }
    if let Some(id) = session_id {
        out.push_str(r#""sessionId":"#);
        escape::push_string(out, id);
        if meta.is_some() {
            out.push(',');
        }
    }
    if let Some((key, value)) = meta {
        out.push_str(r#""_meta":{"#);
        escape::push_string(out, key);
        out.push(':');
        out.push_str(value.as_str());
        out.push('}');
    }
    out.push_str(&text[copied..]);
}
