//! Methods beside ACP, as the official adapters call them.

use acp_types::{Raw, RawBuf, v1};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureKind};
use crate::translate::Steered;

/// Steering: a message for the running turn.
pub(super) const STEER: &str = "_session/steering";
/// The end of work in the background.
pub(super) const STOP_TASK: &str = "_session/async_task/stop";

/// Parameters of [`STEER`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SteerRequest {
    pub(super) session_id: v1::SessionId,
    pub(super) prompt: Vec<v1::ContentBlock>,
}

/// Result of [`STEER`].
#[derive(Serialize)]
struct SteerResponse {
    outcome: Steered,
}

/// Parameters of [`STOP_TASK`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StopTaskRequest {
    pub(super) session_id: v1::SessionId,
    pub(super) async_task_id: String,
}

/// Result of [`STOP_TASK`].
#[derive(Serialize)]
struct StopTaskResponse {
    stopped: bool,
}

impl SteerRequest {
    /// Reads the parameters.
    pub(super) fn read(params: Option<Raw<'_>>) -> Result<Self, Failure> {
        read(STEER, "sessionId and prompt", params)
    }

    /// Writes the result.
    pub(super) fn respond(outcome: Steered) -> Result<RawBuf, Failure> {
        write(STEER, &SteerResponse { outcome })
    }
}

impl StopTaskRequest {
    /// Reads the parameters.
    pub(super) fn read(params: Option<Raw<'_>>) -> Result<Self, Failure> {
        read(STOP_TASK, "sessionId and asyncTaskId", params)
    }

    /// Writes the result.
    pub(super) fn respond(stopped: bool) -> Result<RawBuf, Failure> {
        write(STOP_TASK, &StopTaskResponse { stopped })
    }
}

fn read<T: serde::de::DeserializeOwned>(method: &str, needs: &str, params: Option<Raw<'_>>) -> Result<T, Failure> {
    let invalid = |what: String| Failure::new(FailureKind::InvalidParams, format!("{method}: {what}"));
    let params = params.ok_or_else(|| invalid(format!("it needs {needs}")))?;
    params.decode().map_err(|error| invalid(error.to_string()))
}

fn write(method: &str, response: &impl Serialize) -> Result<RawBuf, Failure> {
    RawBuf::encode(response).map_err(|error| Failure::new(FailureKind::Harness, format!("{method}: {error}")))
}
