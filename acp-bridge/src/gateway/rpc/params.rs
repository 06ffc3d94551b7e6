//! Params whose type does not say all: of a certain kind, or words that have to be read.

use acp_types::{ErrorObjectOwned, Raw, RawBuf, RawKind};

use super::fault;
use crate::view::door;

/// A param of a certain kind, or its default.
pub(super) fn kind_of(
    name: &str,
    value: Option<RawBuf>,
    kind: RawKind,
    default: &'static str,
) -> Result<RawBuf, ErrorObjectOwned> {
    match value {
        None => Ok(RawBuf::trusted(default)),
        Some(value) if value.as_raw().kind() == kind => Ok(value),
        Some(_) => {
            let kind = if kind == RawKind::Array { "an array" } else { "an object" };
            Err(fault::param(name, format!("`{name}` is not {kind}")))
        }
    }
}

/// As raw JSON.
pub(super) fn json_of(value: &serde_json::Value) -> Result<RawBuf, ErrorObjectOwned> {
    RawBuf::encode(value).map_err(|error| door::internal(error.to_string()))
}

/// Sets a member without a change to any byte of it.
pub(super) fn set(object: &RawBuf, key: &str, value: &RawBuf) -> RawBuf {
    let value: Raw<'_> = value.as_raw();
    acp_types::rewrite::set_member(object.as_raw(), key, value)
}
