//! Keeping secrets out of the log: what MCP servers get in their environment and headers.

use acp_types::{Raw, RawBuf, RawKind, rewrite};

const EMPTY_STRING: Raw<'static> = Raw::trusted("\"\"");
const EMPTY_ARRAY: Raw<'static> = Raw::trusted("[]");

/// Empties the values in `mcpServers[].env[]` and `mcpServers[].headers[]`; their names, and every other byte, stay.
/// A list in which values cannot be told from names is emptied whole. Also tells whether something was removed.
///
/// Arguments and URLs of MCP servers are kept: they are needed to tell servers apart, and are no place for secrets.
#[must_use]
pub fn redact(params: Raw<'_>) -> (RawBuf, bool) {
    match clean_member(params, "mcpServers", server) {
        Some(cleaned) => (cleaned, true),
        None => (params.to_owned(), false),
    }
}

/// Leaves out the MCP servers that [`redact`] has taken something from: without it they would start and fail, or
/// worse, do something else. A server with a value that was empty from the start cannot be told from those.
pub(super) fn without_redacted_servers(params: Raw<'_>) -> RawBuf {
    let Some(servers) = params.member("mcpServers") else { return params.to_owned() };
    let whole = servers.elements().filter(|server| !lost_values(*server)).map(Raw::as_str);
    let servers = RawBuf::trusted(format!("[{}]", whole.collect::<Vec<_>>().join(",")));
    rewrite::set_member(params, "mcpServers", servers.as_raw())
}

fn lost_values(server: Raw<'_>) -> bool {
    server.pick(["env", "headers"]).into_iter().flatten().any(|list| {
        list.elements().any(|entry| entry == Raw::EMPTY_OBJECT || entry.member("value") == Some(EMPTY_STRING))
    })
}

/// A server without its secrets; `None` when it has none.
fn server(server: Raw<'_>) -> Option<RawBuf> {
    let env = clean_member(server, "env", entry);
    let headers = clean_member(env.as_ref().map_or(server, RawBuf::as_raw), "headers", entry);
    headers.or(env)
}

/// An object with a cleaned list as its member; `None` when the list needs no cleaning. Of duplicate members the
/// reading one decides unless only another has something to hide: then all become that one, cleaned.
fn clean_member(object: Raw<'_>, key: &str, change: fn(Raw<'_>) -> Option<RawBuf>) -> Option<RawBuf> {
    let lists: Vec<_> = object.members().filter(|(name, _)| name == key).map(|(_, list)| list).collect();
    let list = lists.into_iter().rev().find_map(|list| each(list, change))?;
    Some(rewrite::set_member(object, key, list.as_raw()))
}

/// One `{name, value}` without its value; `None` when it is empty already. What is no such pair goes whole.
fn entry(entry: Raw<'_>) -> Option<RawBuf> {
    let named = entry.member("name").is_some() || entry.member("value").is_some();
    if !named && entry != Raw::EMPTY_OBJECT {
        return Some(Raw::EMPTY_OBJECT.to_owned());
    }
    let full = entry.members().any(|(name, value)| name == "value" && value != EMPTY_STRING);
    full.then(|| rewrite::set_member(entry, "value", EMPTY_STRING))
}

/// An array with some elements changed; `None` when none is. Anything but an array becomes an empty one.
fn each(list: Raw<'_>, change: impl Fn(Raw<'_>) -> Option<RawBuf>) -> Option<RawBuf> {
    match list.kind() {
        RawKind::Null => return None,
        RawKind::Array => {}
        _ => return Some(EMPTY_ARRAY.to_owned()),
    }
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

    use super::{redact, without_redacted_servers};

    fn redacted(params: &str) -> (String, bool) {
        let (text, removed) = redact(Raw::parse(params).unwrap());
        RawBuf::parse(text.as_str()).unwrap();
        (text.as_str().to_owned(), removed)
    }

    #[test]
    fn values_of_environment_and_headers_are_emptied_and_nothing_else_is_touched() {
        let params = r#"{"cwd":"/w","n":1e2,"mcpServers":[{"name":"a","env":[{"name":"K","value":"s1"},{"name":"E","value":""}],"args":["s4"]},{"type":"http","headers":[{"name":"H","value":"s2","_meta":{}}]},{"name":"plain","env":[]}],"z":null}"#;
        let clean = r#"{"cwd":"/w","n":1e2,"mcpServers":[{"name":"a","env":[{"name":"K","value":""},{"name":"E","value":""}],"args":["s4"]},{"type":"http","headers":[{"name":"H","value":"","_meta":{}}]},{"name":"plain","env":[]}],"z":null}"#;
        assert_eq!(redacted(params), (clean.into(), true));
        assert_eq!(redacted(clean), (clean.into(), false));
    }

    #[test]
    fn params_without_secrets_stay_byte_for_byte() {
        for params in [
            "{}",
            r#"{"mcpServers":[]}"#,
            r#"{"mcpServers":null}"#,
            r#"{ "mcpServers" : [ {"name":"a", "env":[ ]} , {"headers":null} ] }"#,
            "[]",
        ] {
            assert_eq!(redacted(params), (params.into(), false));
        }
    }

    #[test]
    fn no_shape_lets_a_secret_through() {
        for params in [
            r#"{"mcpServers":[{"env":{"K":"SECRET"}}]}"#,
            r#"{"mcpServers":[{"env":["K=SECRET"]}]}"#,
            r#"{"mcpServers":[{"env":[{"K":"SECRET"}]}]}"#,
            r#"{"mcpServers":[{"env":"SECRET"}]}"#,
            r#"{"mcpServers":[{"env":[{"name":"K","value":{"in":"SECRET"}}]}]}"#,
            r#"{"mcpServers":[{"env":[{"value":"SECRET","value":""}]}]}"#,
            r#"{"mcpServers":[{"\u0065nv":[{"v\u0061lue":"SECRET"}]}]}"#,
            r#"{"mcpServers":[{"env":[{"value":"SECRET"}],"env":[]}]}"#,
            r#"{"mcpServers":[{"env":[],"env":[{"value":"SECRET"}]}]}"#,
            r#"{"mcpServers":{"a":{"env":[{"value":"SECRET"}]}}}"#,
            r#"{"mcpServers":[{"headers":[{"value":"SECRET"}],"env":[{"value":"SECRET"}]}]}"#,
        ] {
            let (text, removed) = redacted(params);
            assert!(removed && !text.contains("SECRET"), "{params} -> {text}");
        }
    }

    #[test]
    fn duplicate_server_lists_are_all_redacted() {
        let (text, removed) = redacted(r#"{"mcpServers":[{"env":[{"value":"SECRET"}]}],"mcpServers":[]}"#);
        assert!(removed && !text.contains("SECRET"), "{text}");
    }

    #[test]
    fn servers_that_lost_values_are_left_out_and_the_others_stay() {
        let params = r#"{"mcpServers":[{"name":"lost","env":[{"name":"K","value":""}]},{"name":"whole","env":[{"name":"K","value":"v"}],"n":1e2},{"name":"plain"}],"cwd":"/"}"#;
        let left =
            r#"{"mcpServers":[{"name":"whole","env":[{"name":"K","value":"v"}],"n":1e2},{"name":"plain"}],"cwd":"/"}"#;
        assert_eq!(without_redacted_servers(Raw::parse(params).unwrap()).as_str(), left);
    }
}
