//! What agents and clients say.

use acp_types::RawBuf;
use acp_types::record::Record;
use acp_types::record::body::{AgentStarted, Start};

/// More names than there may be lanes.
pub(super) const LANES: [&str; 3] = [Record::MAIN_LANE, "a", "b"];

pub(super) const UPDATES: [&str; 10] = [
    r#"{"update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"t"}}}"#,
    r#"{"update":{"sessionUpdate":"session_info_update","title":"T"}}"#,
    r#"{"update":{"sessionUpdate":"session_info_update","title":null}}"#,
    r#"{"update":{"sessionUpdate":"current_mode_update","currentModeId":"m\ud800"}}"#,
    r#"{"update":{"sessionUpdate":"current_mode_update","currentModeId":"auto"}}"#,
    r#"{"update":{"sessionUpdate":"config_option_update","configOptions":[1e2]}}"#,
    r#"{"update":[],"_meta":7}"#,
    r#"{"sessionId":"foreign","sessionId":"agent","update":{"sessionUpdate":7},"_meta":{"acp-bridge":1,"acp-bridge":2}}"#,
    "[[]]",
    "{}",
];

pub(super) const METHODS: [&str; 5] =
    ["session/request_permission", "session/request_permission", "elicitation/create", "_x/ask", "fs/read_text_file"];

pub(super) const ASKED: &str = r#"{"toolCall":{"kind":"edit"},"options":[{"optionId":"y","kind":"allow_once"},{"optionId":"n","kind":"reject_once"}]}"#;

pub(super) const CALLS: [&str; 4] = ["session/set_mode", "session/set_config_option", "_x/call", "session/set_mode"];

pub(super) const PARAMS: [&str; 4] = [
    r#"{"sessionId":"s","modeId":"auto","_meta":{"acp-bridge":{}}}"#,
    r#"{"sessionId":"s","configId":"m","value":"v","modeId":"plan"}"#,
    r#"{"sessionId":"s","configId":"n","value":true}"#,
    r#"{"sessionId":"s"}"#,
];

pub(super) const POLICIES: [&str; 5] = ["wait", "wait:2s", "reject", "allow:read:reject", "allow:edit:wait:1s"];

pub(super) const RESULTS: [&str; 8] = [
    r#"{"outcome":"injected","stopReason":"end_turn"}"#,
    r#"{"outcome":"idle"}"#,
    r#"{"stopReason":"end_turn"}"#,
    r#"{"stopReason":"cancelled"}"#,
    r#"{"configOptions":[1,{"id":"m","category":"mode","currentValue":"v"}]}"#,
    "null",
    r#"{"stopReason":7}"#,
    "{}",
];

pub(super) fn raw(text: &str) -> RawBuf {
    RawBuf::parse(text).unwrap()
}

pub(super) fn pick<T>(items: &[T], number: u8) -> Option<&T> {
    items.get(usize::from(number).checked_rem(items.len())?)
}

pub(super) fn started(agent_session: &str, start: Start) -> AgentStarted {
    let state = raw(r#"{"sessionId":"a","modes":{"currentModeId":"ask"},"configOptions":[]}"#);
    AgentStarted {
        agent_session: Some(agent_session.into()),
        start,
        initialize: raw(r#"{"_meta":{"steering":{"supported":true}},"agentCapabilities":{"loadSession":true}}"#),
        state,
        link: None,
    }
}
