//! MCP servers as the log names them: a definition may hold a secret in any of its members.

use std::collections::BTreeMap;
use std::fmt;

use acp_types::{Raw, RawBuf, RawKind, rewrite};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Members whose value are MCP servers, wherever they stand.
const LISTS: [&str; 2] = ["mcpServers", "mcp_servers"];

/// Members that only a definition has.
const OF_DEFINITIONS: [&str; 7] = ["command", "args", "env", "url", "headers", "http_headers", "_meta"];

/// Transports that are named; any other text might be anything.
const TRANSPORTS: [&str; 5] = ["stdio", "http", "sse", "acp", "ws"];

/// Bytes of a fingerprint: enough that two definitions never have the same one by accident.
const FINGERPRINT: usize = 16;

/// Key that fingerprints are made with, so that nobody who reads a log finds a short secret by trying: only with the
/// same key do equal definitions have equal fingerprints.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// A key of random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey")
    }
}

/// Author of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// All that a client lists are definitions.
    Client,
    /// An agent may list what it has to say of servers, too: that stays.
    Agent,
}

/// JSON in which each MCP server has only its `name`, its `transport` and its `fingerprint`, wherever in it servers are
/// listed; `None` when there are none. No other byte changes.
pub(super) fn name_definitions(value: Raw<'_>, key: &FingerprintKey, of: Of) -> Option<RawBuf> {
    match value.kind() {
        RawKind::Object => {
            let mut changed: Option<RawBuf> = None;
            let names: Vec<_> = value.members().map(|(name, _)| name).collect();
            for name in names {
                let is_list = LISTS.contains(&&*name);
                // Of duplicates each may have something to hide: all become the last that has.
                let all: Vec<_> = value.members().filter(|(other, _)| *other == name).map(|(_, value)| value).collect();
                let new = all.into_iter().rev().find_map(|member| {
                    if is_list { servers(member, key, of) } else { name_definitions(member, key, of) }
                });
                if let Some(new) = new {
                    let before = changed.as_ref().map_or(value, RawBuf::as_raw);
                    changed = Some(rewrite::set_member(before, &name, new.as_raw()));
                }
            }
            changed
        }
        RawKind::Array => each(value, |element| name_definitions(element, key, of)),
        _ => None,
    }
}

/// Returns whether a client's params list MCP servers anywhere.
pub(crate) fn has_definitions(params: Raw<'_>) -> bool {
    name_definitions(params, &FingerprintKey::default(), Of::Client).is_some()
}

/// A list of servers, or a map from their names.
fn servers(list: Raw<'_>, key: &FingerprintKey, of: Of) -> Option<RawBuf> {
    match list.kind() {
        RawKind::Array => each(list, |element| server(element, None, key, of)),
        RawKind::Object => {
            let mut changed: Option<RawBuf> = None;
            for (name, definition) in list.members() {
                if let Some(new) = server(definition, Some(&name), key, of) {
                    let before = changed.as_ref().map_or(list, RawBuf::as_raw);
                    changed = Some(rewrite::set_member(before, &name, new.as_raw()));
                }
            }
            changed
        }
        RawKind::Null => None,
        _ if of == Of::Agent => None,
        _ => Some(Raw::EMPTY_ARRAY.to_owned()),
    }
}

fn server(definition: Raw<'_>, named: Option<&str>, key: &FingerprintKey, of: Of) -> Option<RawBuf> {
    let is_object = definition.kind() == RawKind::Object;
    if of == Of::Agent && !(is_object && definition.members().any(|(name, _)| OF_DEFINITIONS.contains(&&*name))) {
        return None;
    }
    let name = definition.member("name").and_then(Raw::as_string);
    let mut named = serde_json::Map::from_iter([
        ("name".to_owned(), named.map(str::to_owned).or(name.map(String::from)).into()),
        ("transport".to_owned(), transport(definition).into()),
        ("fingerprint".to_owned(), fingerprint(definition, key).into()),
    ]);
    named.retain(|_, value| !value.is_null());
    // Text from text: it encodes.
    RawBuf::encode(&named).ok()
}

fn transport(definition: Raw<'_>) -> &'static str {
    let said = definition.member("type").or_else(|| definition.member("transport")).and_then(Raw::as_string);
    match said {
        Some(said) => TRANSPORTS.into_iter().find(|known| said == *known).unwrap_or("other"),
        None if definition.member("command").is_some() => "stdio",
        None if definition.member("url").is_some() => "http",
        None => "other",
    }
}

fn fingerprint(definition: Raw<'_>, key: &FingerprintKey) -> String {
    // JSON that a value cannot hold, a lone surrogate for one, is taken as it stands.
    let canonical =
        definition.decode::<Value>().map_or_else(|_| definition.as_str().to_owned(), |value| sorted(&value));
    let hash = Sha256::new().chain_update(key.0).chain_update(canonical).finalize();
    hash.iter().take(FINGERPRINT).map(|byte| format!("{byte:02x}")).collect()
}

/// JSON with its members in order and no white space.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().collect();
            let members =
                members.into_iter().map(|(name, value)| format!("{}:{}", Value::from(&**name), sorted(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(elements) => format!("[{}]", elements.iter().map(sorted).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

/// An array with some elements changed; `None` when none is.
fn each(list: Raw<'_>, change: impl Fn(Raw<'_>) -> Option<RawBuf>) -> Option<RawBuf> {
    let changed: Vec<_> = list.elements().map(|element| (element, change(element))).collect();
    if changed.iter().all(|(_, new)| new.is_none()) {
        return None;
    }
    let texts = changed.iter().map(|(old, new)| new.as_ref().map_or(old.as_str(), RawBuf::as_str));
    Some(RawBuf::trusted(format!("[{}]", texts.collect::<Vec<_>>().join(","))))
}

#[cfg(test)]
mod tests {
    use acp_types::{Raw, RawBuf};
    use serde_json::Value;

    use super::{FingerprintKey, Of, name_definitions};

    fn named(text: &str, of: Of) -> Option<String> {
        let named = name_definitions(Raw::parse(text).unwrap(), &FingerprintKey::default(), of)?;
        RawBuf::parse(named.as_str()).unwrap();
        Some(named.as_str().to_owned())
    }

    fn print_of(definition: &str, key: FingerprintKey) -> String {
        let text = format!(r#"{{"mcpServers":[{definition}]}}"#);
        let named = name_definitions(Raw::parse(&text).unwrap(), &key, Of::Client).unwrap();
        let value: Value = serde_json::from_str(named.as_str()).unwrap();
        value["mcpServers"][0]["fingerprint"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_server_is_named_and_no_other_byte_changes() {
        let text = r#"{ "cwd" : "/w", "n":1e2, "mcpServers":[{"name":"a","command":"/x","args":["SECRET"]},{"type":"http","name":"b","url":"http://SECRET/"}], "z":null }"#;
        let named: String = named(text, Of::Client).unwrap();
        assert!(
            named.starts_with(r#"{ "cwd" : "/w", "n":1e2, "mcpServers":[{"#) && named.ends_with(r#"], "z":null }"#)
        );
        let value: Value = serde_json::from_str(&named).unwrap();
        for (server, name, transport) in [(0, "a", "stdio"), (1, "b", "http")] {
            let server = value["mcpServers"][server].as_object().unwrap();
            assert_eq!((server["name"].as_str(), server["transport"].as_str()), (Some(name), Some(transport)));
            assert_eq!((server.len(), server["fingerprint"].as_str().unwrap().len()), (3, 32), "{named}");
        }
    }

    #[test]
    fn no_shape_lets_a_secret_through() {
        for text in [
            r#"{"mcpServers":[{"env":{"K":"SECRET"}}]}"#,
            r#"{"mcpServers":[{"env":[{"name":"K","value":"SECRET"}]}]}"#,
            r#"{"mcpServers":[{"name":{"x":"SECRET"}}]}"#,
            r#"{"mcpServers":[{"type":"SECRET"}]}"#,
            r#"{"mcpServers":["SECRET"]}"#,
            r#"{"mcpServers":"SECRET"}"#,
            r#"{"mcpServers":{"a":{"args":["SECRET"]}}}"#,
            r#"{"mcpServers":{"a":"SECRET"}}"#,
            r#"{"\u006dcpServers":[{"_meta":{"token":"SECRET"}}]}"#,
            r#"{"mcpServers":[{"url":"SECRET"}],"mcpServers":[]}"#,
            r#"{"mcpServers":[],"mcpServers":[{"url":"SECRET"}]}"#,
            r#"{"mcpServers":{"a":{"url":"SECRET"},"a":{}}}"#,
            r#"{"deep":[{"of":{"mcp_servers":{"a":{"url":"SECRET"}}}}]}"#,
            r#"{"deep":{"mcpServers":[{"url":"SECRET"}]},"deep":{}}"#,
        ] {
            let named = named(text, Of::Client).unwrap();
            assert!(!named.contains("SECRET"), "{text} -> {named}");
        }
    }

    #[test]
    fn what_an_agent_says_of_servers_stays_and_what_it_repeats_does_not() {
        let status = r#"{"mcpServers":[{"name":"a","status":"connected"}],"mcp_servers":"none"}"#;
        assert_eq!(named(status, Of::Agent), None);
        let echo = named(r#"{"received":{"mcpServers":[{"name":"a","env":[{"value":"SECRET"}]}]}}"#, Of::Agent);
        assert!(!echo.unwrap().contains("SECRET"));
    }

    #[test]
    fn equal_definitions_have_equal_fingerprints_and_only_with_the_same_key() {
        let (one, other) = (FingerprintKey::default(), FingerprintKey::new([7; 32]));
        let print = print_of(r#"{"name":"a","command":"/x","args":["1"]}"#, one);
        assert_eq!(print, print_of(r#"{ "args": ["1"], "name":"\u0061", "command":"/x" }"#, one));
        assert_ne!(print, print_of(r#"{"name":"a","command":"/x","args":["2"]}"#, one));
        assert_ne!(print, print_of(r#"{"name":"a","command":"/x","args":["1"]}"#, other));
        print_of(r#"{"name":"\ud83d"}"#, one);
    }
}
