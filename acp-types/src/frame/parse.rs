//! Bytes to frame: the top level of the message is walked once, each member's value is checked where it stands.

use std::borrow::Cow;

use super::error::{FrameError, FrameErrorKind, Shape};
use super::message::{Frame, Limits, Notification, Request, Response};
use crate::scan::{self, MAX_DEPTH, ScanError};
use crate::{Id, Raw, RawKind, RequestId, error, escape};

/// Bytes of an oversized message that are searched for its id.
const PREFIX: usize = 4096;

const NAMES: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
const JSONRPC: usize = 0;
const ID: usize = 1;
const METHOD: usize = 2;
const PARAMS: usize = 3;
const RESULT: usize = 4;
const ERROR: usize = 5;

/// The members that JSON-RPC defines, as far as they were read.
#[derive(Default)]
struct Envelope<'a> {
    values: [Option<Raw<'a>>; 6],
    /// Keys that were seen, also those whose value could not be read.
    seen: [bool; 6],
    duplicate: Option<usize>,
}

impl<'a> Frame<'a> {
    /// Reads one message. Whitespace around it, a carriage return for example, is allowed; unknown members are ignored.
    ///
    /// # Errors
    /// For everything that JSON-RPC 2.0 calls invalid and for what exceeds `limits`. The error carries the id when
    /// there is one, and knows the answer to send.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, FrameError> {
        if bytes.len() > limits.max_bytes {
            return Err(FrameError::too_large(bytes, bytes.len(), limits.max_bytes));
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let offset = error.valid_up_to();
                return Err(refuse_prefix(&bytes[..offset], FrameErrorKind::NotUtf8 { offset }).or_id_at_end(bytes));
            }
        };
        let mut envelope = Envelope::default();
        match envelope.read(text, limits.max_depth) {
            Ok(()) => envelope.check().map_err(|kind| envelope.refuse(kind)),
            Err(kind) => Err(envelope.refuse(kind).or_id_at_end(bytes)),
        }
    }
}

impl FrameError {
    /// For a transport that did not keep an oversized message: `prefix` is what it has of it, `bytes` how long it was.
    /// The id is found when it stands in the first 4 KiB.
    #[must_use]
    pub fn too_large(prefix: &[u8], bytes: usize, limit: usize) -> Self {
        refuse_prefix(prefix, FrameErrorKind::TooLarge { bytes, limit })
    }

    /// The same error, with the id that `end`, the end of the message, names, if the message is an answer and its id was
    /// not read before.
    #[must_use]
    pub fn or_id_at_end(mut self, end: &[u8]) -> Self {
        if self.shape == Shape::Response && self.id.is_none() {
            self.id = id_at_end(end);
        }
        self
    }
}

/// The error for a message of which only the beginning can be read.
fn refuse_prefix(prefix: &[u8], kind: FrameErrorKind) -> FrameError {
    let prefix = &prefix[..prefix.len().min(PREFIX)];
    let text = match std::str::from_utf8(prefix) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&prefix[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut envelope = Envelope::default();
    // That the prefix is cut off is known; only what was read before matters.
    let _ = envelope.read(text, MAX_DEPTH);
    envelope.refuse(kind)
}

/// The id of a message by its end, where its last member is the id: what stands before the last brace of an object is
/// a member of that object.
fn id_at_end(bytes: &[u8]) -> Option<RequestId> {
    let end = &bytes[bytes.len().saturating_sub(PREFIX)..];
    let key = memchr::memmem::rfind(end, br#""id""#)?;
    let colon = scan::space(end, key + br#""id""#.len());
    if end.get(colon) != Some(&b':') {
        return None;
    }
    let start = scan::space(end, colon + 1);
    let stop = scan::value(end, start, 1).ok()?;
    let brace = scan::space(end, stop);
    if end.get(brace) != Some(&b'}') || scan::space(end, brace + 1) < end.len() {
        return None;
    }
    let id = Raw::trusted(std::str::from_utf8(&end[start..stop]).ok()?);
    RequestId::try_from(id).ok()
}

impl<'a> Envelope<'a> {
    fn read(&mut self, text: &'a str, max_depth: usize) -> Result<(), FrameErrorKind> {
        let bytes = text.as_bytes();
        let start = scan::space(bytes, 0);
        if bytes.get(start) != Some(&b'{') {
            let end = scan::value(bytes, start, max_depth)?;
            end_of_text(bytes, end)?;
            return Err(match Raw::trusted(&text[start..end]).kind() {
                RawKind::Array => FrameErrorKind::Batch,
                other => FrameErrorKind::NotAnObject(other),
            });
        }
        if max_depth == 0 {
            return Err(FrameErrorKind::TooDeep { offset: start, limit: 0 });
        }
        let inner_depth = max_depth.min(MAX_DEPTH) - 1;
        let mut too_deep = None;
        let mut at = scan::space(bytes, start + 1);
        if bytes.get(at) == Some(&b'}') {
            return end_of_text(bytes, at + 1);
        }
        loop {
            let key_end = scan::string(bytes, at).map_err(|error| too_deep.unwrap_or(error.into()))?;
            let slot = slot(&text[at..key_end]);
            at = scan::space(bytes, key_end);
            if bytes.get(at) != Some(&b':') {
                return Err(too_deep.unwrap_or(scan::unexpected(bytes, at).into()));
            }
            at = scan::space(bytes, at + 1);
            if let Some(slot) = slot {
                if self.seen[slot] {
                    self.duplicate = self.duplicate.or(Some(slot));
                }
                self.seen[slot] = true;
            }
            let end = match scan::value(bytes, at, inner_depth) {
                Ok(end) => end,
                // The rest is still looked at, for the id of the message that must be answered.
                Err(ScanError::TooDeep { offset, .. }) => {
                    let limit = max_depth.min(MAX_DEPTH);
                    too_deep = too_deep.or(Some(FrameErrorKind::TooDeep { offset, limit }));
                    scan::skip(bytes, at)
                }
                Err(error) => return Err(too_deep.unwrap_or(error.into())),
            };
            if let Some(slot) = slot {
                self.values[slot] = text.get(at..end).map(Raw::trusted);
            }
            at = scan::space(bytes, end);
            match bytes.get(at) {
                Some(b',') => at = scan::space(bytes, at + 1),
                Some(b'}') => break,
                _ => return Err(too_deep.unwrap_or(scan::unexpected(bytes, at).into())),
            }
        }
        too_deep.map_or_else(|| end_of_text(bytes, at + 1), Err)
    }

    fn check(&self) -> Result<Frame<'a>, FrameErrorKind> {
        if let Some(slot) = self.duplicate {
            return Err(FrameErrorKind::Duplicate(NAMES[slot]));
        }
        let [jsonrpc, id, method, params, result, error] = self.values;
        if jsonrpc.is_none_or(|version| !escape::is(version.as_str(), "2.0")) {
            return Err(FrameErrorKind::BadVersion);
        }
        let id = id.map(Id::new).transpose().map_err(|_| FrameErrorKind::BadId)?;
        let value = |member: Option<Raw<'a>>| member.filter(|value| !value.is_null());
        // Many peers write all members that they know, and null into those that do not apply.
        let outcome = match (value(method), value(result), value(error)) {
            (Some(method), None, None) => return call(id, method, params),
            (None, Some(result), None) => Ok(result),
            (None, None, Some(error)) => Err(error),
            (None, None, None) => match (method, result, error) {
                (_, Some(result), _) => Ok(result),
                (None, None, Some(error)) => Err(error),
                (Some(method), None, _) => return call(id, method, params),
                (None, None, None) => return Err(FrameErrorKind::Nothing),
            },
            _ => return Err(FrameErrorKind::Ambiguous),
        };
        let id = id.ok_or(FrameErrorKind::MissingId)?;
        match outcome {
            Ok(_) if id.is_null() => Err(FrameErrorKind::BadId),
            Err(object) if !error::is_error_object(object) => Err(FrameErrorKind::BadError),
            outcome => Ok(Frame::Response(Response { id, outcome })),
        }
    }

    fn refuse(&self, kind: FrameErrorKind) -> FrameError {
        let is_json = !matches!(
            kind,
            FrameErrorKind::NotUtf8 { .. } | FrameErrorKind::Syntax { .. } | FrameErrorKind::TrailingData { .. }
        );
        let id = self.values[ID].and_then(|raw| Id::new(raw).ok()).filter(|id| !id.is_null());
        let called = self.seen[METHOD] && !self.values[METHOD].is_some_and(Raw::is_null);
        let shape = if !called && (self.seen[RESULT] || self.seen[ERROR]) {
            Shape::Response
        } else if kind == FrameErrorKind::BadParams && !self.seen[ID] {
            Shape::Notification
        } else if called {
            Shape::Call
        } else {
            Shape::Unknown
        };
        let marked = self.seen[JSONRPC] || (self.seen[ID] && shape != Shape::Unknown);
        // Whoever waits for an answer learns from a torn one that there will be no other. A request is not known to be
        // one before its end has been read.
        let one_id = (is_json || shape == Shape::Response) && self.duplicate != Some(ID);
        FrameError { kind, id: id.filter(|_| one_id).map(Id::to_owned), shape, marked }
    }
}

fn call<'a>(id: Option<Id<'a>>, method: Raw<'a>, params: Option<Raw<'a>>) -> Result<Frame<'a>, FrameErrorKind> {
    if id.is_some_and(Id::is_null) {
        return Err(FrameErrorKind::BadId);
    }
    let method: Cow<'a, str> = method.as_string().ok_or(FrameErrorKind::BadMethod)?;
    let params = match params {
        None => None,
        Some(params) => match params.kind() {
            RawKind::Object | RawKind::Array => Some(params),
            RawKind::Null => None,
            _ => return Err(FrameErrorKind::BadParams),
        },
    };
    Ok(match id {
        Some(id) => Frame::Request(Request { id, method, params }),
        None => Frame::Notification(Notification { method, params }),
    })
}

fn slot(key: &str) -> Option<usize> {
    match key {
        "\"jsonrpc\"" => Some(JSONRPC),
        "\"id\"" => Some(ID),
        "\"method\"" => Some(METHOD),
        "\"params\"" => Some(PARAMS),
        "\"result\"" => Some(RESULT),
        "\"error\"" => Some(ERROR),
        other if other.contains('\\') => NAMES.iter().position(|name| escape::is(other, name)),
        _ => None,
    }
}

fn end_of_text(bytes: &[u8], at: usize) -> Result<(), FrameErrorKind> {
    let offset = scan::space(bytes, at);
    if offset < bytes.len() { Err(FrameErrorKind::TrailingData { offset }) } else { Ok(()) }
}

impl From<ScanError> for FrameErrorKind {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::TooDeep { offset, limit } => Self::TooDeep { offset, limit },
            ScanError::Trailing { offset } => Self::TrailingData { offset },
            ScanError::Unexpected { offset } | ScanError::End { offset } => Self::Syntax { offset },
        }
    }
}
