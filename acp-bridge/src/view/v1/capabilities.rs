//! The answer to `initialize`: the agent's own, with what the bridge adds and takes away.

use acp_types::capability::{AGENT, LOAD_SESSION, SESSION};
use acp_types::meta::META_KEY;
use acp_types::{Raw, RawBuf, RawKind, rewrite};

/// Protocol version that clients are served in, whichever they ask for.
const PROTOCOL_VERSION: Raw<'static> = Raw::trusted("1");

const SESSIONS: [&str; 2] = [AGENT, SESSION];

/// Capabilities that the bridge serves itself, whatever the agent can. `attach` is as its RFD has it, which has no
/// member for `detach`: whoever serves the one serves the other.
const SERVED: [(&str, Raw<'static>); 6] = [
    ("list", Raw::EMPTY_OBJECT),
    ("resume", Raw::EMPTY_OBJECT),
    ("status", Raw::EMPTY_OBJECT),
    ("close", Raw::EMPTY_OBJECT),
    ("delete", Raw::EMPTY_OBJECT),
    ("attach", Raw::trusted(r#"{"roles":["controller","observer"]}"#)),
];

/// Capabilities that cannot be passed on: a fork has an id of the agent's own, which never leaves the host, and the list
/// from which an archive takes a session is the bridge's.
const WITHHELD: [&str; 2] = ["fork", "archive"];

/// The `initialize` result for a client, from the agent's. Nothing else of it changes.
pub(crate) fn rewrite(agent: Raw<'_>) -> RawBuf {
    let mut result = rewrite::set_member(agent, "protocolVersion", PROTOCOL_VERSION);
    result = rewrite::set_path(result.as_raw(), &[AGENT, LOAD_SESSION], Raw::trusted("true"));
    for (name, served) in SERVED {
        let path = [AGENT, SESSION, name];
        let there = result.as_raw().path(&path).is_some_and(|value| value.kind() == RawKind::Object);
        if !there {
            result = rewrite::set_path(result.as_raw(), &path, served);
        }
    }
    for name in WITHHELD {
        if let Some(served) = result.as_raw().path(&SESSIONS).filter(|served| served.member(name).is_some()) {
            let served = rewrite::remove_member(served, name);
            result = rewrite::set_path(result.as_raw(), &SESSIONS, served.as_raw());
        }
    }
    let ours = concat!(r#"{"version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);
    rewrite::set_path(result.as_raw(), &["_meta", META_KEY], Raw::trusted(ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(agent: &str) -> String {
        rewrite(Raw::parse(agent).unwrap()).as_str().to_owned()
    }

    const OURS: &str = concat!(r#""_meta":{"acp-bridge":{"version":""#, env!("CARGO_PKG_VERSION"), r#""}}"#);

    #[test]
    fn an_agent_that_says_nothing_gets_what_the_bridge_serves() {
        assert_eq!(
            rewritten("{}"),
            format!(
                r#"{{"protocolVersion":1,"agentCapabilities":{{"loadSession":true,"sessionCapabilities":{{"list":{{}},"resume":{{}},"status":{{}},"close":{{}},"delete":{{}},"attach":{{"roles":["controller","observer"]}}}}}},{OURS}}}"#
            )
        );
    }

    #[test]
    fn what_the_agent_says_stays_byte_for_byte() {
        let agent = r#"{"protocolVersion":2,"x":1e2,"agentCapabilities":{"loadSession":false,"_future":[1.0],"sessionCapabilities":{"resume":{"a":1e2},"list":null,"fork":{},"archive":{},"close":{},"delete":{},"later":{}}},"_meta":{"theirs":1}}"#;
        let ours = OURS.replace("\"_meta\":{", "");
        assert_eq!(
            rewritten(agent),
            format!(
                r#"{{"protocolVersion":1,"x":1e2,"agentCapabilities":{{"loadSession":true,"_future":[1.0],"sessionCapabilities":{{"resume":{{"a":1e2}},"list":{{}},"close":{{}},"delete":{{}},"later":{{}},"status":{{}},"attach":{{"roles":["controller","observer"]}}}}}},"_meta":{{"theirs":1,{ours}}}"#
            )
        );
    }

    #[test]
    fn nonsense_in_place_of_capabilities_is_replaced() {
        let result = rewritten(r#"{"agentCapabilities":7}"#);
        assert!(result.contains(r#""loadSession":true"#), "{result}");
    }
}
