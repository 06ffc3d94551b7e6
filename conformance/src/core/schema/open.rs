//! Values that a message may only have as an extension: version 2 leaves its lists of values open, and what is none of
//! them has to begin with an underscore.

use serde_json::Value;

/// Depth to which schemas are followed; theirs is much less.
const MAX_DEPTH: usize = 32;
/// Values of one message that are told.
const MAX_FOUND: usize = 5;
/// Words by which the schema says that a list of values is open.
const OPEN: &str = "beginning with `_`";

/// Paths and values in `value`, by the definition of this name, that are neither on their list nor an extension.
pub(super) fn reserved(definitions: &Value, name: &str, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(definitions, vec![&definitions[name]], value, String::new(), &mut found);
    found
}

fn walk(definitions: &Value, schemas: Vec<&Value>, value: &Value, path: String, found: &mut Vec<String>) {
    if found.len() >= MAX_FOUND {
        return;
    }
    let mut flat = Vec::new();
    for schema in schemas {
        flatten(definitions, schema, value, MAX_DEPTH, &mut flat);
    }
    match value {
        Value::String(text) => {
            let open = flat.iter().any(|schema| is_open(schema));
            let listed = flat.iter().any(|schema| schema["const"] == *text);
            if open && !listed && !text.starts_with('_') {
                found.push(format!("{path}: {text:?}"));
            }
        }
        Value::Array(items) => {
            let inner: Vec<&Value> = flat.iter().filter_map(|schema| schema.get("items")).collect();
            for (at, item) in items.iter().enumerate().filter(|_| !inner.is_empty()) {
                walk(definitions, inner.clone(), item, format!("{path}/{at}"), found);
            }
        }
        Value::Object(object) => {
            for (name, member) in object.iter().filter(|(name, _)| *name != "_meta") {
                let inner: Vec<&Value> = flat.iter().filter_map(|schema| schema["properties"].get(name)).collect();
                if !inner.is_empty() {
                    walk(definitions, inner, member, format!("{path}/{name}"), found);
                }
            }
        }
        _ => {}
    }
}

fn is_open(schema: &Value) -> bool {
    schema["type"] == "string" && schema["description"].as_str().is_some_and(|text| text.contains(OPEN))
}

/// A schema with all that it refers to, and of its alternatives those that `value` can be. What tells them apart keeps
/// the lists of all of them: which alternative is meant is what may be no listed value.
fn flatten<'s>(definitions: &'s Value, schema: &'s Value, value: &Value, depth: usize, flat: &mut Vec<&'s Value>) {
    if depth == 0 {
        return;
    }
    flat.push(schema);
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        flatten(definitions, &definitions[name], value, depth - 1, flat);
    }
    for inner in schema["allOf"].as_array().into_iter().flatten() {
        flatten(definitions, inner, value, depth - 1, flat);
    }
    for alternatives in ["anyOf", "oneOf"].iter().filter_map(|name| schema[*name].as_array()) {
        let meant =
            alternatives.iter().any(|alternative| tag(alternative).is_some_and(|(name, of)| value[name] == *of));
        for alternative in alternatives {
            match tag(alternative) {
                // Only its tag is of interest.
                Some((name, of)) if value[name] != *of => flat.push(alternative),
                None if meant => {}
                _ => flatten(definitions, alternative, value, depth - 1, flat),
            }
        }
    }
}

/// The member that tells an alternative from the others, and what it is in this one.
fn tag(alternative: &Value) -> Option<(&str, &Value)> {
    let properties = alternative["properties"].as_object()?;
    properties.iter().find_map(|(name, of)| Some((name.as_str(), of.get("const")?)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::core::schema::{Part, Schemas, Side};

    fn reserved(update: Value) -> Vec<String> {
        let schemas = Schemas::of(None, 2).expect("the newest");
        let params = json!({ "sessionId": "s", "update": update });
        schemas.reserved(Side::Client, "session/update", Part::Notification, &params)
    }

    #[test]
    fn a_value_is_listed_or_begins_with_an_underscore() {
        let call = |status: &str| json!({ "sessionUpdate": "tool_call_update", "toolCallId": "c", "status": status });
        assert_eq!(reserved(call("completed")), Vec::<String>::new());
        assert_eq!(reserved(call("_halted")), Vec::<String>::new());
        assert_eq!(reserved(call("halted")), ["/update/status: \"halted\""]);
        assert_eq!(
            reserved(json!({ "sessionUpdate": "state_update", "state": "idle", "stopReason": "bored" })).len(),
            1
        );
        assert_eq!(reserved(json!({ "sessionUpdate": "state_update", "state": "tired" })).len(), 1);
    }

    #[test]
    fn what_tells_alternatives_apart_is_a_list_too() {
        assert_eq!(reserved(json!({ "sessionUpdate": "tool_call", "toolCallId": "c" })).len(), 1);
        assert_eq!(reserved(json!({ "sessionUpdate": "_mine", "status": "any" })), Vec::<String>::new());
        let diff = json!({ "type": "diff", "changes": [{ "operation": "touch", "path": "/a" }] });
        let found = reserved(json!({ "sessionUpdate": "tool_call_update", "toolCallId": "c", "content": [diff] }));
        assert_eq!(found, ["/update/content/0/changes/0/operation: \"touch\""]);
    }

    #[test]
    fn what_is_free_is_no_list() {
        let text = json!({ "type": "text", "text": "any" });
        let found = reserved(json!({ "sessionUpdate": "agent_message_chunk", "messageId": "m", "content": text }));
        assert_eq!(found, Vec::<String>::new());
    }
}
