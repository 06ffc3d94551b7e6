//! Why a turn failed.

use acp_types::v1::StopReason;
use serde_json::Value;

use crate::codex::wire::TurnError;
use crate::failure::{Failure, FailureKind};

/// The answer of a prompt whose turn failed: most are failures, some are reasons to stop.
pub(super) fn outcome(error: TurnError) -> Result<StopReason, Failure> {
    let info = error.codex_error_info.as_ref();
    let name = info.map(|info| info.name().to_owned()).unwrap_or_default();
    let texts = [error.message.as_str(), error.additional_details.as_deref().unwrap_or_default()];
    if texts.iter().any(|text| text.contains("max_output_tokens")) {
        return Ok(StopReason::MaxTokens);
    }
    let provider = texts.iter().find_map(|text| body(text));
    let status = info.and_then(|info| info.http_status()).or_else(|| texts.iter().find_map(|text| http_status(text)));
    let said = provider
        .as_ref()
        .and_then(|body| body.pointer("/error/message").or_else(|| body.get("message")))
        .and_then(Value::as_str)
        .unwrap_or(&error.message);
    let auth = name == "unauthorized" || status == Some(401);
    let advice = match name.as_str() {
        _ if auth => "; log in, or check the key of the model provider",
        "usageLimitExceeded" => "; wait for the limit to be reset, or use another account",
        "contextWindowExceeded" => "; compact the session with /compact, or begin a new one",
        "modelNotFound" => "; choose another model",
        "serverOverloaded" | "rateLimitExceeded" | "responseTooManyFailedAttempts" => "; try again later",
        _ => "",
    };
    let kind = if auth { FailureKind::AuthRequired } else { FailureKind::Model };
    let mut failure = Failure::new(kind, format!("the model failed: {}{advice}", said.trim_end_matches('.')));
    if let Some(info) = error.codex_error_info {
        failure = failure.with("codexErrorInfo", info.0);
    }
    if let Some(status) = status {
        failure = failure.with("httpStatus", status);
    }
    if let Some(provider) = provider {
        failure = failure.with("providerError", provider);
    }
    if let Some(details) = error.additional_details {
        failure = failure.with("details", details);
    }
    Err(failure)
}

/// True if the provider refuses the request, as with a 400. Codex passes on only the body.
pub(super) fn is_bad_request(error: &TurnError) -> bool {
    let info = error.codex_error_info.as_ref();
    let texts = [error.message.as_str(), error.additional_details.as_deref().unwrap_or_default()];
    let said = |text: &&str| {
        body(text).is_some_and(|body| body.pointer("/error/type").is_some_and(|kind| kind == "invalid_request_error"))
    };
    info.is_some_and(|info| info.name() == "badRequest" || info.http_status() == Some(400))
        || texts.iter().any(|text| http_status(text) == Some(400))
        || texts.iter().any(said)
}

/// The provider's answer within a message.
fn body(text: &str) -> Option<Value> {
    let json = &text[text.find('{')?..];
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
    values.next()?.ok().filter(Value::is_object)
}

/// `unexpected status 503 Service Unavailable: …`
fn http_status(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("status ")?;
    let digits = rest.get(..3)?;
    digits.parse().ok().filter(|status| (100..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: Value) -> TurnError {
        serde_json::from_value(json).expect("an error")
    }

    #[test]
    fn the_cause_is_in_the_data() {
        let failure = outcome(error(serde_json::json!({
            "message": "{\"error\":{\"message\":\"no such tool\",\"type\":\"invalid_request_error\"}}",
            "codexErrorInfo": "other",
        })))
        .expect_err("a failure");
        assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Model, "the model failed: no such tool"));
        assert_eq!(failure.data["providerError"]["error"]["type"], "invalid_request_error");
        assert_eq!(failure.data["codexErrorInfo"], "other");
    }

    #[test]
    fn a_missing_login_is_told_apart() {
        let failure = outcome(error(serde_json::json!({
            "message": "unexpected status 401 Unauthorized: bad key",
            "codexErrorInfo": { "httpConnectionFailed": { "httpStatusCode": 401 } },
        })))
        .expect_err("a failure");
        assert_eq!(failure.kind, FailureKind::AuthRequired);
        assert_eq!(failure.data["httpStatus"], 401);
    }

    #[test]
    fn the_limit_of_the_output_is_no_failure() {
        let reason = outcome(error(serde_json::json!({
            "message": "stream disconnected before completion: Incomplete response returned, reason: max_output_tokens",
            "codexErrorInfo": "other",
        })));
        assert_eq!(reason, Ok(StopReason::MaxTokens));
    }
}
