//! What an error says to programs.

use serde::{Deserialize, Serialize};

use crate::record::Seq;
use crate::{ErrorObjectOwned, SessionId};

/// The `data` of an error of the API. Each error has the members that help; others may be added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Details {
    /// The param that is missing or wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The largest cursor there is: the one given is beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<Seq>,
    /// The smallest cursor from which nothing is missing: what follows the one given is no longer kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Seq>,
    /// The session that there is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The method that there is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The limit that is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl Details {
    /// The details of an error; empty when it has none or some other data.
    #[must_use]
    pub fn of(error: &ErrorObjectOwned) -> Self {
        error.data().and_then(|data| crate::json::from_str(data.get()).ok()).unwrap_or_default()
    }

    /// True if no detail is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
