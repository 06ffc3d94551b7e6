//! One value: its text, its kind, and what it says if it is a scalar.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::scan::{self, MAX_DEPTH, ScanError};
use crate::{escape, json};

/// Borrowed JSON text: exactly one well-formed value (RFC 8259) without whitespace around it.
///
/// Equality is of the bytes. Where an object has the same key more than once, reading takes the **last**, as
/// JavaScript and serde_json do, and the rewrites of [`crate::rewrite`] change **all** of them, so that no reader,
/// whichever it takes, sees the old value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Raw<'a>(&'a str);

/// Type of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "JSON has these six and no more")]
#[expect(missing_docs, reason = "the names are JSON's own")]
pub enum RawKind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

impl<'a> Raw<'a> {
    /// The value `null`.
    pub const NULL: Raw<'static> = Raw("null");
    /// The value `{}`.
    pub const EMPTY_OBJECT: Raw<'static> = Raw("{}");
    /// `[]`.
    pub const EMPTY_ARRAY: Raw<'static> = Raw("[]");

    /// Checks `text`; whitespace around the value is cut off.
    ///
    /// # Errors
    /// When it is not exactly one value, or one nested deeper than [`MAX_DEPTH`].
    pub fn parse(text: &'a str) -> Result<Self, ScanError> {
        let bytes = text.as_bytes();
        let start = scan::space(bytes, 0);
        let end = scan::value(bytes, start, MAX_DEPTH)?;
        let rest = scan::space(bytes, end);
        if rest < bytes.len() {
            return Err(ScanError::Trailing { offset: rest });
        }
        Ok(Self(&text[start..end]))
    }

    /// Takes text that was checked before (read back from a log, cut out of a parsed frame) without looking at it.
    ///
    /// Text that is not one JSON value yields wrong answers later, never a panic or an endless loop.
    #[must_use]
    pub const fn trusted(text: &'a str) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Type of the value, from its first byte.
    #[must_use]
    pub fn kind(self) -> RawKind {
        match self.0.as_bytes().first() {
            Some(b'{') => RawKind::Object,
            Some(b'[') => RawKind::Array,
            Some(b'"') => RawKind::String,
            Some(b't' | b'f') => RawKind::Bool,
            Some(b'n') => RawKind::Null,
            _ => RawKind::Number,
        }
    }

    /// Decodes into a type of its own; half a surrogate pair reads as U+FFFD ([`crate::json`]).
    ///
    /// # Errors
    /// When the value does not have the shape of `T`.
    pub fn decode<T: DeserializeOwned>(self) -> serde_json::Result<T> {
        json::from_str(self.0)
    }

    /// The text of a string, with U+FFFD for half a surrogate pair; `None` for any other value.
    #[must_use]
    pub fn as_string(self) -> Option<Cow<'a, str>> {
        escape::decode_lossy(self.0)
    }

    /// A number written as a plain integer (no sign, fraction or exponent) that fits.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        if self.0.as_bytes().first()?.is_ascii_digit() { self.0.parse().ok() } else { None }
    }

    /// `true` or `false`.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.0 {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// True if it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == RawKind::Null
    }

    /// Range of this value in `outer`, the buffer that it was parsed from. The empty range `0..0` for a value that
    /// does not lie in `outer`, such as a constant.
    #[must_use]
    pub fn range_in(self, outer: &[u8]) -> Range<usize> {
        let start = (self.0.as_ptr() as usize).wrapping_sub(outer.as_ptr() as usize);
        match start.checked_add(self.0.len()) {
            Some(end) if end <= outer.len() => start..end,
            _ => 0..0,
        }
    }

    /// Appends the text so that it fits on one line: newlines between tokens, the only place where JSON can have
    /// them, become spaces. Everything else is copied as it is.
    pub(crate) fn push_to(self, out: &mut String) {
        let mut rest = self.0;
        while let Some(at) = memchr::memchr2(b'\n', b'\r', rest.as_bytes()) {
            out.push_str(&rest[..at]);
            out.push(' ');
            rest = &rest[at + 1..];
        }
        out.push_str(rest);
    }
}

impl fmt::Debug for Raw<'_> {
    /// Length and the first few characters: payloads do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 24;
        let prefix: String = self.0.chars().take(SHOWN).collect();
        let more = if prefix.len() < self.0.len() { "…" } else { "" };
        write!(f, "Raw({} bytes: {prefix}{more})", self.0.len())
    }
}

impl fmt::Display for Raw<'_> {
    /// The whole text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Raw<'_> {
    /// As embedded JSON, with serde_json's serializers only.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &serde_json::value::RawValue = serde_json::from_str(self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}
