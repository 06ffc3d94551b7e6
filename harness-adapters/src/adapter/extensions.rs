//! Methods of sessions that ACP does not have, called as the official adapters call them.

use acp_types::{Raw, RawBuf, v1};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, Request};

/// Puts a message into the running turn.
const STEER: &str = "_session/steering";
/// Ends what a tool call has left running.
const STOP_TASK: &str = "_session/async_task/stop";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Steer {
    session_id: v1::SessionId,
    prompt: Vec<v1::ContentBlock>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StopTask {
    session_id: v1::SessionId,
    async_task_id: String,
}

/// What is asked, and of which session; `None` for a method that is none of these.
///
/// # Errors
/// When the parameters do not fit.
pub(super) fn request(method: &str, params: Option<Raw<'_>>) -> Result<Option<(v1::SessionId, Request)>, Failure> {
    Ok(match method {
        STEER => {
            let Steer { session_id, prompt } = decoded(method, params)?;
            Some((session_id, Request::Steer(prompt)))
        }
        STOP_TASK => {
            let StopTask { session_id, async_task_id } = decoded(method, params)?;
            Some((session_id, Request::StopTask(async_task_id)))
        }
        _ => None,
    })
}

/// An answer to one of them, as JSON.
pub(super) fn answer(answer: &Answer) -> Option<RawBuf> {
    let answer = match answer {
        Answer::Steer(outcome) => json!({ "outcome": outcome }),
        Answer::Stopped(stopped) => json!({ "stopped": stopped }),
        _ => return None,
    };
    Some(RawBuf::trusted(answer.to_string()))
}

/// Parameters of a method.
///
/// # Errors
/// When they do not fit.
pub(crate) fn decoded<T: DeserializeOwned>(method: &str, params: Option<Raw<'_>>) -> Result<T, Failure> {
    let invalid = |what: String| Failure::new(FailureKind::InvalidParams, format!("{method}: {what}"));
    let params = params.ok_or_else(|| invalid("it needs parameters".to_owned()))?;
    params.decode().map_err(|error| invalid(error.to_string()))
}
