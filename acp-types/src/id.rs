//! Ids: JSON-RPC request ids, which must come back exactly as they were sent, and session ids.

mod session;

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use session::SessionId;

use crate::{Raw, RawBuf, RawKind, escape};

/// A JSON-RPC id as it stands in a frame: an integer of any size, a string, or `null`.
///
/// `null` names nothing: it is only valid in the answer to a message whose id could not be read. Two ids are equal when
/// they have the same type and mean the same (`"a"` and `"\u0061"`); `7` and `"7"` are different ids.
#[derive(Clone, Copy)]
pub struct Id<'a>(Raw<'a>);

/// An owned JSON-RPC id. The token is kept as it was received, so that an answer carries the same bytes.
///
/// Equality is that of [`Id`]. Made by parsing a frame, from a `u64`, or by [`RequestId::string`].
#[derive(Clone)]
pub struct RequestId(Arc<str>);

/// A JSON value that cannot be an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON-RPC id: use a string or an integer without fraction and exponent")]
#[non_exhaustive]
pub struct InvalidId;

/// The meaning of an id, for comparison.
#[derive(PartialEq, Eq, Hash)]
enum Meaning<'a> {
    Null,
    Integer(&'a str),
    Text(Cow<'a, str>),
    /// A string that names half a surrogate pair means nothing, so it is compared as written.
    Token(&'a str),
}

impl<'a> Id<'a> {
    /// The id that names nothing.
    pub const NULL: Id<'static> = Id(Raw::NULL);

    /// Reads an id from a JSON value; `null` counts as one, see [`Id::is_null`].
    ///
    /// # Errors
    /// For any value that is neither string, integer nor `null`.
    pub fn new(raw: Raw<'a>) -> Result<Self, InvalidId> {
        match raw.kind() {
            RawKind::String | RawKind::Null => Ok(Self(raw)),
            RawKind::Number if !raw.as_str().contains(['.', 'e', 'E']) => Ok(Self(raw)),
            _ => Err(InvalidId),
        }
    }

    /// The token as written.
    #[must_use]
    pub const fn as_raw(self) -> Raw<'a> {
        self.0
    }

    /// True if it is empty.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The id as a plain unsigned integer, which ids made from a `u64` are.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        self.0.as_u64()
    }

    /// A copy that owns its text.
    #[must_use]
    pub fn to_owned(self) -> RequestId {
        RequestId(self.0.as_str().into())
    }

    fn meaning(self) -> Meaning<'a> {
        match (self.0.kind(), self.0.as_str()) {
            (RawKind::Null, _) => Meaning::Null,
            // Two ids that name different halves of a surrogate pair are two ids.
            (RawKind::String, token) => escape::decode(token).map_or(Meaning::Token(token), Meaning::Text),
            (_, "-0") => Meaning::Integer("0"),
            (_, token) => Meaning::Integer(token),
        }
    }
}

impl PartialEq for Id<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.meaning() == other.meaning()
    }
}

impl Eq for Id<'_> {}

impl Hash for Id<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.meaning().hash(state);
    }
}

impl fmt::Debug for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({:?})", self.0)
    }
}

impl fmt::Display for Id<'_> {
    /// The token as written, so that `7` and `"7"` read differently.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl<'a> From<&'a RequestId> for Id<'a> {
    fn from(id: &'a RequestId) -> Self {
        id.as_id()
    }
}

impl RequestId {
    /// A string id.
    #[must_use]
    pub fn string(text: &str) -> Self {
        let mut token = String::with_capacity(escape::string_len(text));
        escape::push_string(&mut token, text);
        Self(token.into())
    }

    /// The id that names nothing, for the answer to a message whose id could not be read.
    #[must_use]
    pub fn null() -> Self {
        Id::NULL.to_owned()
    }

    /// The borrowed form.
    #[must_use]
    pub fn as_id(&self) -> Id<'_> {
        Id(self.as_raw())
    }

    /// The token as written.
    #[must_use]
    pub fn as_raw(&self) -> Raw<'_> {
        Raw::trusted(&self.0)
    }

    /// True if it is empty.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_id().is_null()
    }

    /// The id as a plain unsigned integer, which ids made from a `u64` are.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.as_id().as_u64()
    }
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        self.as_id() == other.as_id()
    }
}

impl Eq for RequestId {}

impl Hash for RequestId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_id().hash(state);
    }
}

impl From<u64> for RequestId {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

impl From<Id<'_>> for RequestId {
    fn from(id: Id<'_>) -> Self {
        id.to_owned()
    }
}

impl TryFrom<Raw<'_>> for RequestId {
    type Error = InvalidId;

    /// Unlike [`Id::new`] this refuses `null`.
    fn try_from(raw: Raw<'_>) -> Result<Self, InvalidId> {
        let id = Id::new(raw)?;
        if id.is_null() { Err(InvalidId) } else { Ok(id.to_owned()) }
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({:?})", self.as_raw())
    }
}

impl fmt::Display for RequestId {
    /// The token as written, so that `7` and `"7"` read differently.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_raw().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawBuf::deserialize(deserializer)?;
        Id::new(raw.as_raw()).map(Id::to_owned).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Id, RequestId};
    use crate::Raw;

    fn id(text: &str) -> RequestId {
        RequestId::try_from(Raw::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn ids_of_different_type_are_different() {
        let ids: HashSet<_> = ["7", "\"7\"", "-7", "\"\"", "\"null\"", "70"].into_iter().map(id).collect();
        assert_eq!(ids.len(), 6);
        assert_ne!(id("\"null\""), RequestId::null());
    }

    #[test]
    fn ids_that_mean_the_same_are_equal_and_keep_their_bytes() {
        let escaped = id(r#""\u0061""#);
        assert_eq!(escaped, RequestId::string("a"));
        assert!(HashSet::from([escaped.clone()]).contains(&id("\"a\"")));
        assert_eq!(escaped.to_string(), r#""\u0061""#);
        assert_eq!(id("-0"), RequestId::from(0));
        assert_eq!(id("-0").to_string(), "-0");
        assert_ne!(id(r#""\ud800""#), id(r#""\ud801""#));
        assert_ne!(id(r#""\ud800""#), id(r#""\\ud800""#));
    }

    #[test]
    fn integers_of_any_size_survive_serde() {
        for text in ["0", "-1", "9223372036854775808", "-123456789012345678901234567890", "\"a\\n\\u00e9\""] {
            let id: RequestId = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&id).unwrap(), text);
        }
    }

    #[test]
    fn what_cannot_be_an_id_is_refused() {
        for text in ["1.0", "1e3", "1E3", "-1.5", "true", "{}", "[1]"] {
            assert!(Id::new(Raw::parse(text).unwrap()).is_err(), "{text}");
        }
        assert!(RequestId::try_from(Raw::NULL).is_err());
        assert!(Id::new(Raw::NULL).unwrap().is_null());
    }
}
