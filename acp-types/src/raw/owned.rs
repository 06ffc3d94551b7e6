//! JSON text that owns its bytes.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::value::Raw;
use crate::json;
use crate::scan::ScanError;

/// Owned, shared JSON text: exactly one well-formed value. Cloning shares the bytes.
///
/// With serde it stands for the JSON itself, with serde_json only. Behind `Option`, `null` reads as `None`; use
/// [`present`] where `null` is a value of its own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawBuf(Arc<str>);

impl Raw<'_> {
    /// A copy that owns its text.
    #[must_use]
    pub fn to_owned(self) -> RawBuf {
        RawBuf::trusted(self.as_str())
    }
}

impl RawBuf {
    /// Checks `text`; whitespace around the value is cut off.
    ///
    /// # Errors
    /// When it is not exactly one value, or one nested deeper than [`crate::MAX_DEPTH`].
    pub fn parse(text: impl Into<Arc<str>>) -> Result<Self, ScanError> {
        let text = text.into();
        let value = Raw::parse(&text)?;
        if value.as_str().len() == text.len() { Ok(Self(text)) } else { Ok(value.to_owned()) }
    }

    /// Takes text that was checked before; see [`Raw::trusted`].
    #[must_use]
    pub fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// When `T` cannot be JSON, such as a map whose keys are not strings.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Self> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// The text as a view that can be read and passed on.
    #[must_use]
    pub fn as_raw(&self) -> Raw<'_> {
        Raw::trusted(&self.0)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same value for readers that refuse half a surrogate pair: see [`crate::json::well_formed`].
    #[must_use]
    pub fn into_well_formed(self) -> Self {
        match json::well_formed(&self.0) {
            Cow::Borrowed(_) => self,
            Cow::Owned(text) => Self(text.into()),
        }
    }

    /// The shared text itself.
    #[must_use]
    pub fn into_inner(self) -> Arc<str> {
        self.0
    }
}

impl Default for RawBuf {
    /// `null`.
    fn default() -> Self {
        Raw::NULL.to_owned()
    }
}

impl From<Raw<'_>> for RawBuf {
    fn from(raw: Raw<'_>) -> Self {
        raw.to_owned()
    }
}

impl fmt::Debug for RawBuf {
    /// Length and the first few characters: payloads do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_raw(), f)
    }
}

impl fmt::Display for RawBuf {
    /// The whole text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RawBuf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_raw().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().into()))
    }
}

/// For `#[serde(default, deserialize_with = "acp_types::present")]`: a member that is there is `Some`, even `null`.
///
/// # Errors
/// As for [`RawBuf`].
pub fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RawBuf>, D::Error> {
    RawBuf::deserialize(deserializer).map(Some)
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for RawBuf {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnyJson".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        true.into()
    }
}
