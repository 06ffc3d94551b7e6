//! Members of a message that its schema does not have.

use serde_json::Value;

/// Depth to which schemas are followed; theirs is much less.
const MAX_DEPTH: usize = 32;
/// Strangers of one message that are told.
const MAX_STRANGERS: usize = 5;

/// Paths of the members of `value` that the definition of this name does not have.
pub(super) fn strangers(definitions: &Value, name: &str, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(definitions, vec![&definitions[name]], value, String::new(), &mut found);
    found.sort_unstable();
    found
}

/// Holds `value` against all that these schemas, each one of several possible, have together.
fn walk(definitions: &Value, schemas: Vec<&Value>, value: &Value, path: String, found: &mut Vec<String>) {
    if found.len() >= MAX_STRANGERS {
        return;
    }
    let mut flat = Vec::new();
    for schema in schemas {
        flatten(definitions, schema, MAX_DEPTH, &mut flat);
    }
    match value {
        Value::Array(items) => {
            let inner: Vec<&Value> = flat.iter().filter_map(|schema| schema.get("items")).collect();
            for (at, item) in items.iter().enumerate().filter(|_| !inner.is_empty()) {
                walk(definitions, inner.clone(), item, format!("{path}/{at}"), found);
            }
        }
        Value::Object(object) => {
            let described = flat.iter().any(|schema| schema["properties"].is_object());
            let open = flat.iter().any(|schema| {
                let more = &schema["additionalProperties"];
                more.is_object() || more == &Value::Bool(true)
            });
            if !described || open {
                return;
            }
            for (name, member) in object.iter().filter(|(name, _)| *name != "_meta") {
                let inner: Vec<&Value> = flat.iter().filter_map(|schema| schema["properties"].get(name)).collect();
                let place = format!("{path}/{name}");
                if inner.is_empty() {
                    found.push(place);
                } else {
                    walk(definitions, inner, member, place, found);
                }
            }
        }
        _ => {}
    }
}

/// A schema with all that it refers to and all its alternatives.
fn flatten<'s>(definitions: &'s Value, schema: &'s Value, depth: usize, flat: &mut Vec<&'s Value>) {
    if depth == 0 {
        return;
    }
    flat.push(schema);
    let target = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/"));
    let alternatives = ["allOf", "anyOf", "oneOf"].iter().filter_map(|name| schema[name].as_array()).flatten();
    for inner in target.map(|name| &definitions[name]).into_iter().chain(alternatives) {
        flatten(definitions, inner, depth - 1, flat);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::core::schema::{Part, Schemas, Side};

    #[test]
    fn what_a_type_does_not_have_is_told_with_its_path() {
        let schemas = Schemas::of(None, 1).expect("the newest");
        let update = json!({
            "sessionUpdate": "tool_call", "toolCallId": "c", "title": "t", "rawInput": { "any": 1 }, "extra": 1,
            "content": [{ "type": "diff", "path": "/a", "newText": "", "lines": 3 }], "_meta": { "mine": 1 },
        });
        let params = json!({ "sessionId": "s", "update": update });
        let strange = schemas.strangers(Side::Client, "session/update", Part::Notification, &params);
        assert_eq!(strange, ["/update/content/0/lines", "/update/extra"]);
    }
}
