//! Params whose type does not say all.

use acp_types::error::RawError;
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

/// Result or error that answers what an agent asks: exactly one of the three is given. `outcome` is the result of a
/// permission request.
pub(super) fn answer_of(
    outcome: Option<RawBuf>,
    result: Option<RawBuf>,
    error: Option<RawBuf>,
) -> Result<Result<RawBuf, RawBuf>, ErrorObjectOwned> {
    match (outcome, result, error) {
        (Some(outcome), None, None) => Ok(Ok(outcome)),
        (None, Some(result), None) => Ok(Ok(result)),
        (None, None, Some(error)) => match RawError::new(error) {
            Ok(error) => Ok(Err(error.into_raw())),
            Err(invalid) => Err(fault::param("error", format!("`error` is {invalid}"))),
        },
        _ => Err(fault::param("outcome", "give exactly one of `outcome`, `result` and `error`")),
    }
}
