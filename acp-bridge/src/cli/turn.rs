//! A prompt and its turn, as `send` and `chat` show it.

use acp_server::proto::{Event, RequestKey, ResponseError};
use acp_types::Raw;
use acp_types::meta::{AfterRestart, OnBusy};
use acp_types::method::v1;
use serde_json::json;

use super::client::{Client, error_text};
use super::exit::{Exit, coded};
use super::output;
use super::show::{self, Form, string};

/// Wishes for a turn beside the prompt.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    pub(super) key: Option<&'a str>,
    pub(super) on_busy: OnBusy,
    pub(super) after_restart: AfterRestart,
    pub(super) lane: Option<&'a str>,
}

/// Sends a prompt; the key of the answer.
pub(super) async fn prompt(
    client: &Client,
    session: &str,
    text: &str,
    asked: &Asked<'_>,
) -> anyhow::Result<RequestKey> {
    let mut params = json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] });
    let Asked { key, on_busy, after_restart, lane } = asked;
    let meta = json!({ "key": key, "onBusy": on_busy.as_str(), "afterRestart": after_restart.as_str(), "lane": lane });
    params["_meta"] = json!({ "acp-bridge": meta });
    client.request(v1::Prompt::NAME, &params).await
}

/// Meaning of an event for a turn that is being waited for.
pub(super) enum Progress {
    /// A turn that goes on.
    Running,
    /// A turn that completed.
    Completed,
    /// A turn that ended otherwise.
    Ended(anyhow::Error),
}

/// Shows an event and says whether it ends the turn.
pub(super) fn progress(event: &Event, turn: RequestKey, form: Form) -> anyhow::Result<Progress> {
    let Event::Response { key, outcome, .. } = event else {
        show::event(event, form)?;
        return Ok(Progress::Running);
    };
    if *key != turn {
        return Ok(Progress::Running);
    }
    let ended = match outcome {
        Ok(result) => {
            let reason = string(result.raw(), &["stopReason"]);
            if form == Form::Json {
                output::json(&format!("{{\"result\":{}}}", result.raw().as_str()))?;
            } else {
                output::line("")?;
            }
            if reason == "cancelled" { Some("the turn was cancelled".to_owned()) } else { None }
        }
        Err(error) => {
            if form == Form::Json
                && let ResponseError::Peer(error) = error
            {
                output::json(&format!("{{\"error\":{}}}", error.as_raw().as_str()))?;
            }
            Some(format!("the turn did not complete: {}", error_text(error)))
        }
    };
    Ok(ended.map_or(Progress::Completed, |why| Progress::Ended(coded(Exit::TurnNotCompleted, why))))
}

/// The options of a permission request: id, name and kind.
pub(super) fn options(params: Raw<'_>) -> Vec<(String, String, String)> {
    params
        .member("options")
        .into_iter()
        .flat_map(Raw::elements)
        .map(|option| (string(option, &["optionId"]), string(option, &["name"]), string(option, &["kind"])))
        .collect()
}
