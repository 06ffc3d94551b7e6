//! Tolerant reading of what the app-server sends.

use std::borrow::Cow;

use acp_types::{RawBuf, json};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// A line as it can be read: text, without half surrogate pairs.
pub(crate) fn repaired(line: Bytes) -> Bytes {
    let line = match std::str::from_utf8(&line) {
        Ok(_) => line,
        Err(_) => String::from_utf8_lossy(&line).into_owned().into(),
    };
    let repaired = match json::well_formed_slice(&line) {
        Cow::Borrowed(_) => None,
        Cow::Owned(bytes) => Some(bytes.into()),
    };
    repaired.unwrap_or(line)
}

/// Reads params or a result; what does not fit is worth a line in the log, not more.
pub(crate) fn read<T: DeserializeOwned>(raw: Option<&RawBuf>, what: &str) -> Option<T> {
    let text = raw.map_or("{}", RawBuf::as_str);
    json::from_str(text)
        .inspect_err(|error| tracing::warn!(what, at = error.column(), "a message of Codex does not read"))
        .ok()
}

/// `null` as the default.
pub(super) fn nullable<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
