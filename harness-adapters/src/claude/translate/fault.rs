//! Turns that failed, as errors.

use acp_types::v1;

use crate::claude::wire::TurnResult;
use crate::failure::{Failure, FailureKind};

/// The failure that the program spoke of last, as an answer of the model that is none.
#[derive(Debug, Clone)]
pub(super) struct Spoken {
    /// A word for it.
    pub(super) word: Option<String>,
    /// Text for people.
    pub(super) text: String,
}

/// Result of a turn that nobody stopped.
pub(super) fn outcome(result: &TurnResult, spoken: Option<Spoken>) -> Result<v1::StopReason, Failure> {
    let terminal = result.terminal_reason.as_deref().unwrap_or_default();
    if result.stop_reason.as_deref() == Some("refusal") {
        return Ok(v1::StopReason::Refusal);
    }
    if result.subtype == "error_max_turns" {
        return Ok(v1::StopReason::MaxTurnRequests);
    }
    if terminal.starts_with("aborted") {
        return Ok(v1::StopReason::Cancelled);
    }
    if !result.is_error {
        return Ok(match result.stop_reason.as_deref() {
            Some("max_tokens") => v1::StopReason::MaxTokens,
            _ => v1::StopReason::EndTurn,
        });
    }
    Err(failure(result, spoken))
}

/// The failure that a turn ended with.
pub(super) fn failure(result: &TurnResult, spoken: Option<Spoken>) -> Failure {
    let word = spoken.as_ref().and_then(|spoken| spoken.word.as_deref());
    let status = result.api_error_status;
    let of_model = word.is_some() || status.is_some() || result.subtype == "success";
    let login = matches!(word, Some("authentication_failed" | "oauth_org_not_allowed")) || status == Some(401);
    let kind = match () {
        () if login => FailureKind::AuthRequired,
        () if of_model => FailureKind::Model,
        () => FailureKind::Harness,
    };
    let text = spoken.as_ref().map(|spoken| spoken.text.clone());
    let text = text.or_else(|| result.result.clone()).filter(|text| !text.is_empty());
    let text = text.or_else(|| (!result.errors.is_empty()).then(|| result.errors.join("; ")));
    let text = text.unwrap_or_else(|| format!("the turn failed: {}", result.subtype));
    let hint = match (kind, word, status) {
        (FailureKind::AuthRequired, ..) => "; log in with `claude auth login`, or set ANTHROPIC_API_KEY",
        (_, Some("billing_error"), _) => "; check the account's credit",
        (_, Some("model_not_found"), _) => "; choose another model",
        (_, Some("rate_limit"), _) | (_, _, Some(429)) => "; try again later",
        _ if result.terminal_reason.as_deref() == Some("prompt_too_long") => "; compact the session or start a new one",
        _ => "",
    };
    let mut failure = Failure::new(kind, format!("{text}{hint}"));
    let texts = [
        ("error", word.map(str::to_owned)),
        ("providerError", result.api_error_type.clone()),
        ("terminalReason", result.terminal_reason.clone()),
        ("subtype", (!of_model).then(|| result.subtype.clone())),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            failure = failure.with(key, text);
        }
    }
    if let Some(status) = status {
        failure = failure.with("httpStatus", status);
    }
    failure
}

#[cfg(test)]
mod tests {
    use acp_types::v1::StopReason;

    use super::{Spoken, outcome};
    use crate::claude::wire::TurnResult;
    use crate::failure::FailureKind;

    fn failed(status: Option<u16>) -> TurnResult {
        TurnResult {
            subtype: "success".to_owned(),
            is_error: true,
            terminal_reason: Some("api_error".to_owned()),
            result: Some("API Error: boom".to_owned()),
            api_error_status: status,
            ..TurnResult::default()
        }
    }

    #[test]
    fn a_missing_login_asks_for_one() {
        let spoken = Spoken { word: Some("authentication_failed".to_owned()), text: "Not logged in".to_owned() };
        let failure = outcome(&failed(None), Some(spoken)).expect_err("a failure");
        assert_eq!(failure.kind, FailureKind::AuthRequired);
        assert!(failure.message.contains("claude auth login"), "{failure}");
    }

    #[test]
    fn a_refused_request_names_its_status() {
        let failure = outcome(&failed(Some(400)), None).expect_err("a failure");
        assert_eq!((failure.kind, &failure.data["httpStatus"]), (FailureKind::Model, &400.into()));
        assert_eq!(failure.message, "API Error: boom");
    }

    #[test]
    fn stop_reasons_are_told_apart() {
        let with = |subtype: &str, stop: &str, terminal: &str, is_error| TurnResult {
            subtype: subtype.to_owned(),
            stop_reason: Some(stop.to_owned()),
            terminal_reason: Some(terminal.to_owned()),
            is_error,
            ..TurnResult::default()
        };
        let cases = [
            (with("success", "end_turn", "completed", false), StopReason::EndTurn),
            (with("error_max_turns", "tool_use", "max_turns", true), StopReason::MaxTurnRequests),
            (with("success", "refusal", "completed", true), StopReason::Refusal),
            (with("error_during_execution", "tool_use", "aborted_tools", true), StopReason::Cancelled),
        ];
        for (result, expected) in cases {
            assert_eq!(outcome(&result, None), Ok(expected), "{result:?}");
        }
    }
}
