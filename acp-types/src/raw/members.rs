//! Walking the top level of an object or array whose text was checked before.

use std::borrow::Cow;
use std::iter::FusedIterator;

use super::value::Raw;
use crate::{escape, scan};

impl<'a> Raw<'a> {
    /// The value of an object's member; `None` also for anything but an object.
    #[must_use]
    pub fn member(self, key: &str) -> Option<Self> {
        let [value] = self.pick([key]);
        value
    }

    /// The values of several members in one pass over the object.
    #[must_use]
    pub fn pick<const N: usize>(self, keys: [&str; N]) -> [Option<Self>; N] {
        let mut found = [None; N];
        for member in self.raw_members() {
            for (key, slot) in keys.iter().zip(&mut found) {
                if member.is(key) {
                    *slot = Some(member.value);
                }
            }
        }
        found
    }

    /// The value at the end of a chain of members. The empty chain is the value itself.
    #[must_use]
    pub fn path(self, keys: &[&str]) -> Option<Self> {
        keys.iter().try_fold(self, |value, key| value.member(key))
    }

    /// An object's members in order, duplicates included; nothing for anything but an object.
    #[must_use]
    pub fn members(self) -> Members<'a> {
        Members::new(self)
    }

    /// An array's elements in order; nothing for anything but an array.
    #[must_use]
    pub fn elements(self) -> Elements<'a> {
        Elements::new(self)
    }

    pub(crate) fn raw_members(self) -> RawMembers<'a> {
        RawMembers::new(self)
    }
}

/// A member of an object and where it stands in the object's text.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    /// The key as written, with its quotes.
    pub(crate) key: &'a str,
    pub(crate) value: Raw<'a>,
    /// Position of the key's opening quote.
    pub(crate) start: usize,
    /// Start of the value.
    pub(crate) value_start: usize,
    /// End of the value.
    pub(crate) end: usize,
}

impl Member<'_> {
    #[inline]
    pub(crate) fn is(&self, key: &str) -> bool {
        escape::is(self.key, key)
    }
}

/// Members as written. Ends early, and never panics, on text that is not an object.
#[derive(Clone)]
pub(crate) struct RawMembers<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> RawMembers<'a> {
    fn new(raw: Raw<'a>) -> Self {
        let text = if raw.as_str().starts_with('{') { raw.as_str() } else { "" };
        Self { text, at: 1 }
    }
}

impl<'a> Iterator for RawMembers<'a> {
    type Item = Member<'a>;

    #[inline]
    fn next(&mut self) -> Option<Member<'a>> {
        let bytes = self.text.as_bytes();
        let mut start = scan::space(bytes, self.at);
        if bytes.get(start) == Some(&b',') {
            start = scan::space(bytes, start + 1);
        }
        if bytes.get(start) != Some(&b'"') {
            return None;
        }
        let key_end = scan::skip_string(bytes, start);
        let colon = scan::space(bytes, key_end);
        let value_start = scan::space(bytes, colon + 1);
        let end = scan::skip(bytes, value_start);
        self.at = end;
        let key = self.text.get(start..key_end)?;
        let value = Raw::trusted(self.text.get(value_start..end)?);
        Some(Member { key, value, start, value_start, end })
    }
}

/// An object's members in order; see [`Raw::members`].
#[derive(Clone)]
pub struct Members<'a>(RawMembers<'a>);

impl<'a> Members<'a> {
    fn new(raw: Raw<'a>) -> Self {
        Self(raw.raw_members())
    }
}

impl std::fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Members").finish_non_exhaustive()
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Raw<'a>);

    /// The key is decoded; half a surrogate pair in it reads as U+FFFD.
    fn next(&mut self) -> Option<Self::Item> {
        let member = self.0.next()?;
        let key = escape::decode_lossy(member.key).unwrap_or(Cow::Borrowed(member.key.trim_matches('"')));
        Some((key, member.value))
    }
}

impl FusedIterator for Members<'_> {}

/// An array's elements in order; see [`Raw::elements`].
#[derive(Clone)]
pub struct Elements<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Elements<'a> {
    fn new(raw: Raw<'a>) -> Self {
        let text = if raw.as_str().starts_with('[') { raw.as_str() } else { "" };
        Self { text, at: 1 }
    }
}

impl std::fmt::Debug for Elements<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Elements").finish_non_exhaustive()
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        let bytes = self.text.as_bytes();
        let mut start = scan::space(bytes, self.at);
        if bytes.get(start) == Some(&b',') {
            start = scan::space(bytes, start + 1);
        }
        if matches!(bytes.get(start), None | Some(b']' | b'}' | b',')) {
            self.at = bytes.len();
            return None;
        }
        let end = scan::skip(bytes, start);
        self.at = end;
        self.text.get(start..end).map(Raw::trusted)
    }
}

impl FusedIterator for Elements<'_> {}
