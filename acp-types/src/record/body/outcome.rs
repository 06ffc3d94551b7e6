//! How a turn ended, and the flat form in which that stands in the log: raw JSON cannot pass serde's tagged enums.

use serde::{Deserialize, Serialize};

use crate::RawBuf;

/// `turn_ended`: the one terminal record of a turn (P7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Fields", try_from = "Fields")]
#[non_exhaustive]
pub enum Outcome {
    /// The agent answered the prompt.
    Completed {
        /// `stopReason` of the answer; `unknown` when it had none.
        stop_reason: String,
        /// The agent's result, whole.
        result: RawBuf,
    },
    /// It was stopped.
    Cancelled {
        /// The agent's result, when it gave one.
        result: Option<RawBuf>,
        /// The agent ignored the cancel past the grace time and was killed.
        killed: bool,
    },
    /// The agent answered with an error, or could not be started.
    Failed {
        /// The JSON-RPC error object.
        error: RawBuf,
    },
    /// Agent or bridge died in mid-turn; what the agent did after the last record is unknown.
    Interrupted {
        /// One sentence.
        reason: String,
    },
}

impl Outcome {
    /// The name of the variant as written in the log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Completed { .. } => "completed",
            Self::Cancelled { .. } => "cancelled",
            Self::Failed { .. } => "failed",
            Self::Interrupted { .. } => "interrupted",
        }
    }
}

/// Name of the way in which a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum Name {
    Completed,
    Cancelled,
    Failed,
    Interrupted,
}

/// `turn_ended`: the one terminal record of a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Outcome"))]
struct Fields {
    outcome: Name,
    /// With `completed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop_reason: Option<String>,
    /// With `completed`, and with `cancelled` when the agent answered.
    #[serde(default, deserialize_with = "crate::present", skip_serializing_if = "Option::is_none")]
    result: Option<RawBuf>,
    /// With `cancelled`: the agent had to be killed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    killed: bool,
    /// With `failed`.
    #[serde(default, deserialize_with = "crate::present", skip_serializing_if = "Option::is_none")]
    error: Option<RawBuf>,
    /// With `interrupted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A `turn_ended` body that lacks what its outcome needs.
#[derive(Debug, thiserror::Error)]
#[error("a turn_ended record with outcome {outcome} has no {member}: the log was not written by this project")]
pub struct IncompleteOutcome {
    outcome: &'static str,
    member: &'static str,
}

impl From<Outcome> for Fields {
    fn from(outcome: Outcome) -> Self {
        let empty = Self {
            outcome: Name::Completed,
            stop_reason: None,
            result: None,
            killed: false,
            error: None,
            reason: None,
        };
        match outcome {
            Outcome::Completed { stop_reason, result } => {
                Self { stop_reason: Some(stop_reason), result: Some(result), ..empty }
            }
            Outcome::Cancelled { result, killed } => Self { outcome: Name::Cancelled, result, killed, ..empty },
            Outcome::Failed { error } => Self { outcome: Name::Failed, error: Some(error), ..empty },
            Outcome::Interrupted { reason } => Self { outcome: Name::Interrupted, reason: Some(reason), ..empty },
        }
    }
}

impl TryFrom<Fields> for Outcome {
    type Error = IncompleteOutcome;

    fn try_from(fields: Fields) -> Result<Self, IncompleteOutcome> {
        let lacks = |outcome, member| IncompleteOutcome { outcome, member };
        Ok(match fields.outcome {
            Name::Completed => Self::Completed {
                stop_reason: fields.stop_reason.ok_or_else(|| lacks("completed", "stopReason"))?,
                result: fields.result.ok_or_else(|| lacks("completed", "result"))?,
            },
            Name::Cancelled => Self::Cancelled { result: fields.result, killed: fields.killed },
            Name::Failed => Self::Failed { error: fields.error.ok_or_else(|| lacks("failed", "error"))? },
            Name::Interrupted => {
                Self::Interrupted { reason: fields.reason.ok_or_else(|| lacks("interrupted", "reason"))? }
            }
        })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Outcome {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Fields::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Fields::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;
    use crate::{Raw, RawBuf};

    #[test]
    fn an_agent_that_answered_null_is_kept_as_such() {
        let outcome = Outcome::Completed { stop_reason: "unknown".into(), result: RawBuf::from(Raw::NULL) };
        let text = RawBuf::encode(&outcome).unwrap();
        assert_eq!(text.as_str(), r#"{"outcome":"completed","stopReason":"unknown","result":null}"#);
        assert_eq!(text.as_raw().decode::<Outcome>().unwrap(), outcome);
    }
}
