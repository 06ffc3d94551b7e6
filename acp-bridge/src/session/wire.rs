//! Params on their way through: from the agent's session to the client's and back (P11).

use acp_types::meta::{META_KEY, reserved};
use acp_types::rewrite::{self, ParamsEdit};
use acp_types::{Raw, RawBuf};

/// Client to agent: the agent's own session id where there is one, and nothing of ours in `_meta`.
pub(super) fn to_agent(params: Raw<'_>, agent_session: &str) -> RawBuf {
    let params = for_agents(params);
    if params.as_raw().member("sessionId").is_none() {
        return params;
    }
    rewrite::params(params.as_raw(), &ParamsEdit { session_id: Some(agent_session), meta: None })
}

/// Agent to client: an answer that names the agent's own session names the client's.
pub(super) fn result_for_clients(result: RawBuf, agent_session: &str, session: &str) -> RawBuf {
    let named = result.as_raw().member("sessionId").and_then(Raw::as_string);
    if named.is_none_or(|named| named != agent_session) {
        return result;
    }
    rewrite::params(result.as_raw(), &ParamsEdit { session_id: Some(session), meta: None })
}

/// A client's params without our key in any `_meta`, which is said to the bridge and would otherwise look to the agent as
/// if the bridge had said it; and without a `_meta` of theirs that held nothing else.
pub(crate) fn for_agents(params: Raw<'_>) -> RawBuf {
    let Some(clean) = reserved::without_our_key(params) else { return params.to_owned() };
    let had = params.member("_meta").is_some_and(|meta| meta.member(META_KEY).is_some());
    let is_empty = clean.as_raw().member("_meta").is_some_and(|meta| meta.members().next().is_none());
    if had && is_empty { rewrite::remove_member(clean.as_raw(), "_meta") } else { clean }
}

/// Params with the agent's own session id.
pub(super) fn with_session(params: Raw<'_>, agent_session: &str) -> RawBuf {
    rewrite::params(params, &ParamsEdit { session_id: Some(agent_session), meta: None })
}

/// `{"sessionId": …}`.
pub(super) fn session_only(agent_session: &str) -> RawBuf {
    with_session(Raw::EMPTY_OBJECT, agent_session)
}

/// The params of a `user_message_chunk` with one content block, with room for the session id.
pub(super) fn user_message_chunk(block: Raw<'_>) -> String {
    format!(r#"{{"sessionId":null,"update":{{"sessionUpdate":"user_message_chunk","content":{block}}}}}"#)
}

/// Params of an agent without our key in any `_meta`.
pub(super) fn clean(params: RawBuf) -> RawBuf {
    reserved::without_our_key(params.as_raw()).unwrap_or(params)
}

/// An agent's or client's result or error object without our key.
pub(crate) fn clean_outcome(outcome: Result<RawBuf, RawBuf>) -> Result<RawBuf, RawBuf> {
    match outcome {
        Ok(result) => Ok(clean(result)),
        Err(error) => Err(reserved::error_without_our_key(error.as_raw()).unwrap_or(error)),
    }
}

/// The beginning of a text, at most so many bytes.
pub(super) fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use acp_types::Raw;

    use super::{result_for_clients, to_agent};

    #[test]
    fn only_the_session_id_and_our_meta_change_on_the_way_to_the_agent() {
        for (params, wanted) in [
            (
                r#"{ "sessionId" : "ours", "n":1e2, "_meta":{"theirs": 1,"acp-bridge":{"key":"k"}}, "sessionId":"x" }"#,
                r#"{ "sessionId" : "a1", "n":1e2, "_meta":{"theirs": 1}, "sessionId":"a1" }"#,
            ),
            (r#"{"_meta":{"acp-bridge":{}},"modeId":"m"}"#, r#"{"modeId":"m"}"#),
            (r#"{"prompt":[{"_meta":{"acp-bridge":1},"x":1}]}"#, r#"{"prompt":[{"_meta":{},"x":1}]}"#),
            (r#"{"_meta":{}}"#, r#"{"_meta":{}}"#),
            ("[1]", "[1]"),
        ] {
            assert_eq!(to_agent(Raw::parse(params).unwrap(), "a1").as_str(), wanted);
        }
    }

    #[test]
    fn an_answer_names_the_session_as_clients_know_it_and_leaves_others_alone() {
        for (result, wanted) in [
            (r#"{ "sessionId" : "a1", "n":1e2 }"#, r#"{ "sessionId" : "s", "n":1e2 }"#),
            (r#"{"sessionId":"fork"}"#, r#"{"sessionId":"fork"}"#),
            (r#"{"of":{"sessionId":"a1"}}"#, r#"{"of":{"sessionId":"a1"}}"#),
            ("null", "null"),
        ] {
            assert_eq!(result_for_clients(Raw::parse(result).unwrap().to_owned(), "a1", "s").as_str(), wanted);
        }
    }
}
