//! Messages of the peer over their bytes as received.

use std::fmt;
use std::ops::Range;

use acp_types::{Raw, RawBuf, RequestId};
use bytes::Bytes;

/// Method and params of one received message, as ranges of its bytes.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) line: Bytes,
    pub(super) method: Name,
    pub(super) params: Option<Range<usize>>,
    pub(super) ordinal: u64,
}

/// A method name: where it stands, or itself when it was written with escapes.
#[derive(Clone)]
pub(super) enum Name {
    Span(Range<usize>),
    Text(Box<str>),
}

impl Call {
    fn method(&self) -> &str {
        match &self.method {
            Name::Span(range) => text(&self.line, range),
            Name::Text(name) => name,
        }
    }

    fn params(&self) -> Option<Raw<'_>> {
        self.params.as_ref().map(|range| Raw::trusted(text(&self.line, range)))
    }
}

/// The bytes were found to be UTF-8 when the frame was parsed, so the fallback is never taken.
fn text<'a>(line: &'a Bytes, range: &Range<usize>) -> &'a str {
    line.get(range.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

/// A request of the peer, over its bytes as received.
///
/// The bytes pin the buffer that they were read into: copy what is kept for long.
#[derive(Clone)]
pub struct Incoming {
    pub(super) id: RequestId,
    pub(super) call: Call,
}

impl Incoming {
    /// The id to answer to, as the peer wrote it.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// The method name.
    #[must_use]
    pub fn method(&self) -> &str {
        self.call.method()
    }

    /// The params, an object or array, as received.
    #[must_use]
    pub fn params(&self) -> Option<Raw<'_>> {
        self.call.params()
    }

    /// See [`Event::ordinal`](super::Event::ordinal).
    #[must_use]
    pub fn ordinal(&self) -> u64 {
        self.call.ordinal
    }

    /// The whole message as received.
    #[must_use]
    pub fn line(&self) -> &Bytes {
        &self.call.line
    }
}

impl fmt::Debug for Incoming {
    /// Without the params: payloads do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("id", &self.id)
            .field("method", &self.method())
            .field("bytes", &self.call.line.len())
            .finish_non_exhaustive()
    }
}

/// A notification of the peer, over its bytes as received.
///
/// The bytes pin the buffer that they were read into: copy what is kept for long.
#[derive(Clone)]
pub struct IncomingNotification {
    pub(super) call: Call,
}

impl IncomingNotification {
    /// The method name.
    #[must_use]
    pub fn method(&self) -> &str {
        self.call.method()
    }

    /// The params, an object or array, as received.
    #[must_use]
    pub fn params(&self) -> Option<Raw<'_>> {
        self.call.params()
    }

    /// The params alone, without a copy.
    #[must_use]
    pub fn into_payload(self) -> Option<Payload> {
        let range = self.call.params?;
        Some(Payload { line: self.call.line, range })
    }

    /// See [`Event::ordinal`](super::Event::ordinal).
    #[must_use]
    pub fn ordinal(&self) -> u64 {
        self.call.ordinal
    }

    /// The whole message as received.
    #[must_use]
    pub fn line(&self) -> &Bytes {
        &self.call.line
    }
}

impl fmt::Debug for IncomingNotification {
    /// Without the params: payloads do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingNotification")
            .field("method", &self.method())
            .field("bytes", &self.call.line.len())
            .finish_non_exhaustive()
    }
}

/// The result of a request of ours, or the params of a notification, over the message's bytes as received.
///
/// The bytes pin the buffer that they were read into: copy what is kept for long.
#[derive(Clone)]
pub struct Payload {
    pub(super) line: Bytes,
    pub(super) range: Range<usize>,
}

impl Payload {
    /// The value, any JSON.
    #[must_use]
    pub fn raw(&self) -> Raw<'_> {
        Raw::trusted(text(&self.line, &self.range))
    }
}

impl From<RawBuf> for Payload {
    /// Copies the value.
    fn from(value: RawBuf) -> Self {
        let line = Bytes::copy_from_slice(value.as_str().as_bytes());
        let range = 0..line.len();
        Self { line, range }
    }
}

impl fmt::Debug for Payload {
    /// Without the content: payloads do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").field("bytes", &self.range.len()).finish_non_exhaustive()
    }
}
