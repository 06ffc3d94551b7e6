//! The MCP servers of a client beside those that the user has configured.
//!
//! Codex lays what a client brings over what the user has configured, member by member. A server of the client that has the
//! name of one of the user's would get the user's variables, or not start at all; so it gets another name, and the user's is
//! switched off. What a person is shown has the client's own name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::failure::{Failure, FailureKind};

/// The servers of a client, by the names that it gives them.
pub(super) type Servers = Vec<(String, Value)>;

/// Servers under names that Codex takes, each of its own.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Named {
    /// Servers for the configuration.
    pub(super) config: Map<String, Value>,
    /// The client's names, by those of the configuration, where they differ.
    pub(super) names: BTreeMap<String, String>,
}

/// Names them. `configured` are the user's.
///
/// # Errors
/// When two have one name.
pub(super) fn named(servers: &Servers, configured: &BTreeMap<String, Value>) -> Result<Named, Failure> {
    let mut named = Named::default();
    let mut given = BTreeSet::new();
    for (name, server) in servers {
        if !given.insert(name) {
            let message = format!("two MCP servers are called {name}: give each a name of its own");
            return Err(Failure::new(FailureKind::InvalidParams, message));
        }
        if configured.contains_key(name) {
            named.config.insert(name.clone(), json!({ "enabled": false }));
        }
        let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        let is_free = |name: &String| !configured.contains_key(name) && !named.config.contains_key(name);
        let mut numbered = (2..).map(|number| format!("{plain}_{number}"));
        let free = std::iter::once(plain.clone()).chain(&mut numbered).find(is_free).unwrap_or(plain);
        if free != *name {
            named.names.insert(free.clone(), name.clone());
        }
        named.config.insert(free, server.clone());
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(names: &[&str]) -> Servers {
        names.iter().enumerate().map(|(number, name)| ((*name).to_owned(), json!({ "command": number }))).collect()
    }

    #[test]
    fn a_server_of_the_client_stands_in_place_of_the_users_of_that_name() {
        let configured = BTreeMap::from_iter([("demo".to_owned(), json!({ "url": "http://a.test" }))]);
        let named = named(&servers(&["demo", "other"]), &configured).expect("names");
        let expected = json!({ "demo": { "enabled": false }, "demo_2": { "command": 0 }, "other": { "command": 1 } });
        assert_eq!(Value::Object(named.config), expected);
        assert_eq!(named.names, BTreeMap::from_iter([("demo_2".to_owned(), "demo".to_owned())]));
    }

    #[test]
    fn names_that_look_alike_stay_apart() {
        let configured = BTreeMap::from_iter([("a_b".to_owned(), json!({})), ("a_b_3".to_owned(), json!({}))]);
        let named = named(&servers(&["a b", "a.b", "ä", "ö", "c_2", "c"]), &configured).expect("names");
        let found: BTreeMap<_, _> =
            named.config.iter().map(|(name, server)| (server["command"].as_u64(), name)).collect();
        assert_eq!(found.len(), 6, "{named:?}");
        assert!(!named.config.contains_key("a_b") && !named.config.contains_key("a_b_3"), "{named:?}");
        for (name, own) in [("a_b_2", "a b"), ("a_b_4", "a.b")] {
            assert_eq!(named.names[name], own);
        }
    }

    #[test]
    fn two_of_one_name_are_refused() {
        let failure = named(&servers(&["demo", "demo"]), &BTreeMap::new()).expect_err("refused");
        assert_eq!(failure.kind, FailureKind::InvalidParams);
        assert!(failure.message.contains("demo"), "{failure}");
    }
}
