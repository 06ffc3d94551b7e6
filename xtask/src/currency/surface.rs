//! What a schema of the protocol offers: methods, kinds and capabilities, and what of it is new.

use std::collections::BTreeSet;

use serde_json::Value;

/// Depth to which capabilities are followed; theirs is less.
const MAX_DEPTH: usize = 8;

/// Names of all that a version of the protocol has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Surface {
    stable: BTreeSet<String>,
    /// Those of the stable schema as well, apart from what is only in drafts.
    all: BTreeSet<String>,
}

impl Surface {
    /// That of the two schemas of a version.
    pub(super) fn of(stable: &Value, unstable: &Value) -> Self {
        let stable = names(&stable["$defs"]);
        let all = names(&unstable["$defs"]).union(&stable).cloned().collect();
        Self { stable, all }
    }

    /// What is there and was not in `old`, what has become stable, and what is gone, a line each.
    pub(super) fn news_since(&self, old: &Self) -> Vec<String> {
        let new = self.all.difference(&old.all).map(|name| match self.stable.contains(name) {
            true => format!("new: {name}"),
            false => format!("new: {name} (unstable)"),
        });
        let settled = self.stable.difference(&old.stable).filter(|name| old.all.contains(*name));
        let settled = settled.map(|name| format!("now stable: {name}"));
        let gone = old.all.difference(&self.all).map(|name| format!("gone: {name}"));
        new.chain(settled).chain(gone).collect()
    }
}

/// Methods, kinds and capabilities of the definitions of a schema.
fn names(definitions: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, definition) in definitions.as_object().into_iter().flatten() {
        if let (Some(side), Some(method)) = (definition["x-side"].as_str(), definition["x-method"].as_str()) {
            names.insert(format!("method {method} of the {side}"));
        }
        let kinds = alternatives(definition).filter_map(kind).map(|kind| format!("kind {kind} of {name}"));
        names.extend(kinds);
    }
    for side in ["AgentCapabilities", "ClientCapabilities"] {
        capabilities(definitions, &definitions[side], side, MAX_DEPTH, &mut names);
    }
    names
}

fn alternatives(definition: &Value) -> impl Iterator<Item = &Value> {
    ["oneOf", "anyOf"].into_iter().filter_map(|name| definition[name].as_array()).flatten()
}

/// What tells an alternative from the others: the only value of one of its members, or of itself.
fn kind(alternative: &Value) -> Option<&str> {
    let members = alternative["properties"].as_object();
    let of_member = members.and_then(|members| members.values().find_map(|member| member["const"].as_str()));
    of_member.or(alternative["const"].as_str())
}

/// Every member below a definition, by its path.
fn capabilities(definitions: &Value, schema: &Value, path: &str, depth: usize, names: &mut BTreeSet<String>) {
    if depth == 0 {
        return;
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten().filter(|(name, _)| *name != "_meta") {
        let path = format!("{path}.{name}");
        names.insert(format!("capability {path}"));
        capabilities(definitions, member, &path, depth - 1, names);
    }
    let target = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/"));
    let inner = target.map(|name| &definitions[name]).into_iter();
    let parts = schema["allOf"].as_array().into_iter().flatten();
    for schema in inner.chain(parts).chain(alternatives(schema)) {
        capabilities(definitions, schema, path, depth - 1, names);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A schema with one method, some kinds of updates and some capabilities of the client.
    fn schema(method: &str, kinds: &[&str], capabilities: &[&str]) -> Value {
        let kind = |kind: &&str| json!({ "properties": { "sessionUpdate": { "type": "string", "const": kind } } });
        let capability =
            |name: &&str| ((*name).to_owned(), json!({ "anyOf": [{ "$ref": "#/$defs/One" }, { "type": "null" }] }));
        json!({ "$defs": {
            "SomeRequest": { "x-side": "agent", "x-method": method },
            "SessionUpdate": { "oneOf": kinds.iter().map(kind).collect::<Vec<_>>() },
            "ClientCapabilities": { "properties": capabilities.iter().map(capability).collect::<serde_json::Map<_, _>>() },
            "One": { "properties": { "deep": { "type": "boolean" }, "_meta": {} } },
        } })
    }

    #[test]
    fn new_methods_kinds_and_capabilities_are_named() {
        let old = schema("session/new", &["plan"], &["fs"]);
        let new = schema("session/options", &["plan", "notice"], &["fs", "subagents"]);
        let old = Surface::of(&old, &old);
        assert_eq!(
            Surface::of(&new, &new).news_since(&old),
            [
                "new: capability ClientCapabilities.subagents",
                "new: capability ClientCapabilities.subagents.deep",
                "new: kind notice of SessionUpdate",
                "new: method session/options of the agent",
                "gone: method session/new of the agent",
            ]
        );
        assert!(old.news_since(&old).is_empty());
    }

    #[test]
    fn a_draft_that_was_known_becomes_stable_and_a_new_one_is_called_unstable() {
        let stable = schema("session/new", &["plan"], &[]);
        let draft = schema("session/new", &["plan", "notice"], &[]);
        let later = schema("session/new", &["plan", "notice", "cursor_update"], &[]);
        let news = Surface::of(&draft, &later).news_since(&Surface::of(&stable, &draft));
        assert_eq!(
            news,
            ["new: kind cursor_update of SessionUpdate (unstable)", "now stable: kind notice of SessionUpdate"]
        );
    }

    /// A schema of a release that we keep.
    fn kept(name: &str) -> Value {
        let path = crate::run::root().join("conformance/schema").join(name);
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn news_of_a_real_release_has_its_methods_kinds_and_capabilities() {
        let of = |release: &str| {
            let file = |name: &str| kept(&format!("{release}/v1/{name}"));
            Surface::of(&file("schema.json"), &file("schema.unstable.json"))
        };
        let news = of("1.20.0").news_since(&of("2.4.0"));
        for line in [
            "new: method session/options of the agent (unstable)",
            "new: kind cursor_update of SessionUpdate (unstable)",
            "new: kind session of ToolCallContent",
            "new: capability ClientCapabilities.session.promptSuggestions (unstable)",
            "now stable: kind subagent_update of SessionUpdate",
            "now stable: capability ClientCapabilities.subagents",
        ] {
            assert!(news.iter().any(|known| known == line), "{line} is not in {news:#?}");
        }
    }

    #[test]
    fn values_of_a_list_are_kinds_too() {
        let schema = json!({ "$defs": { "StopReason": { "oneOf": [{ "type": "string", "const": "end_turn" }] } } });
        let news = Surface::of(&schema, &schema).news_since(&Surface::default());
        assert_eq!(news, ["new: kind end_turn of StopReason"]);
    }
}
