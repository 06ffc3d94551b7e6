//! Params for the start of agents: all of them for the agents, what is no secret for the log.

use acp_types::{Raw, RawBuf, rewrite};
use serde_json::json;

use super::wire::for_agents;
use super::{FingerprintKey, State, mcp};

const SERVERS: &str = "mcpServers";
const DIRECTORIES: &str = "additionalDirectories";

/// `session/new` params as the log has them: without `_meta`, which is between client and agent, and with MCP servers
/// named only, see [`mcp`]. Also tells whether something was left out.
pub(super) fn for_log(params: Raw<'_>, key: &FingerprintKey) -> (RawBuf, bool) {
    let plain = rewrite::remove_member(params, "_meta");
    let named = mcp::name_definitions(plain.as_raw(), key, mcp::Of::Client);
    let kept = named.unwrap_or(plain);
    let shortened = kept.as_raw() != params;
    (kept, shortened)
}

/// Returns whether params for a start of agents have something that the log would not get.
pub(crate) fn has_secrets(params: Raw<'_>) -> bool {
    let params = for_agents(params);
    params.as_raw().member("_meta").is_some() || mcp::has_definitions(params.as_raw())
}

/// The body of a `session_created` or `agent_started` record of an earlier version or another writer, as this version
/// would have written it; `None` when it is so already.
pub(crate) fn without_definitions(body: Raw<'_>, key: &FingerprintKey) -> Option<RawBuf> {
    let created = body.member("params").filter(|params| params.member("_meta").is_some());
    let plain = created.map(|params| {
        let params = rewrite::remove_member(params, "_meta");
        let body = rewrite::set_member(body, "params", params.as_raw());
        rewrite::set_member(body.as_raw(), "redacted", Raw::trusted("true"))
    });
    let named = mcp::name_definitions(plain.as_ref().map_or(body, RawBuf::as_raw), key, mcp::Of::Agent);
    named.or(plain)
}

/// Params for the next start by what the log alone says: the directories. Of a session that was written elsewhere it is
/// the one that people are shown.
pub(super) fn from_log(state: &State) -> RawBuf {
    let Some(created) = state.created() else { return Raw::EMPTY_OBJECT.to_owned() };
    if !state.armed() {
        let shown = json!({ "cwd": created.cwd, SERVERS: [] });
        return RawBuf::encode(&shown).unwrap_or_default();
    }
    let params = rewrite::remove_member(created.params.as_raw(), "_meta");
    match params.as_raw().member(SERVERS) {
        Some(servers) if servers != Raw::EMPTY_ARRAY => rewrite::set_member(params.as_raw(), SERVERS, Raw::EMPTY_ARRAY),
        _ => params,
    }
}

/// Params with the directories of a session that has become trusted.
pub(super) fn with_directories(params: Raw<'_>, state: &State) -> RawBuf {
    let named = |params: Raw<'_>| params.member(DIRECTORIES).is_some_and(|list| list.elements().next().is_some());
    let of_log = state.created().filter(|created| named(created.params.as_raw()));
    match of_log.and_then(|created| created.params.as_raw().member(DIRECTORIES)) {
        Some(directories) if !named(params) => rewrite::set_member(params, DIRECTORIES, directories),
        _ => params.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use acp_types::Raw;

    use super::for_log;
    use crate::session::FingerprintKey;

    #[test]
    fn params_without_servers_and_meta_stay_byte_for_byte() {
        for params in ["{}", r#"{ "cwd" : "/w", "n":1e2, "mcpServers":[] }"#, r#"{"mcpServers":null}"#, "[]"] {
            let (kept, shortened) = for_log(Raw::parse(params).unwrap(), &FingerprintKey::default());
            assert_eq!((kept.as_str(), shortened), (params, false));
        }
    }

    #[test]
    fn what_is_between_client_and_agent_is_left_out_and_all_else_stays() {
        let params = r#"{"cwd":"/w","n":1e2,"_meta":{"x":{"token":"SECRET"}},"additionalDirectories":["/d"]}"#;
        let (kept, shortened) = for_log(Raw::parse(params).unwrap(), &FingerprintKey::default());
        assert_eq!((kept.as_str(), shortened), (r#"{"cwd":"/w","n":1e2,"additionalDirectories":["/d"]}"#, true));
    }
}
