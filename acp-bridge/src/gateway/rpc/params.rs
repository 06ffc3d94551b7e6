//! Params whose type does not say of which kind they must be.

use acp_types::{ErrorObjectOwned, RawBuf, RawKind};

use super::fault;

/// An optional param of a certain kind.
pub(super) fn kind_of(name: &str, value: Option<RawBuf>, kind: RawKind) -> Result<Option<RawBuf>, ErrorObjectOwned> {
    match value {
        Some(value) if value.as_raw().kind() != kind => {
            let kind = if kind == RawKind::Array { "an array" } else { "an object" };
            Err(fault::param(name, format!("`{name}` is not {kind}")))
        }
        value => Ok(value),
    }
}
