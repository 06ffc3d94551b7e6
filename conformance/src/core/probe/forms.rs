//! Answers to forms.

use serde_json::{Map, Value, json};

/// A choice that no form offers.
pub(crate) const NO_CHOICE: &str = "conformance-no-such-choice";

/// The values that a field offers.
fn choices(field: &Value) -> Vec<&Value> {
    let items = &field["items"];
    let plain = [&field["enum"], &items["enum"]].into_iter().filter_map(Value::as_array).flatten();
    let titled = [&field["oneOf"], &items["oneOf"], &items["anyOf"]].into_iter().filter_map(Value::as_array).flatten();
    plain.chain(titled.map(|choice| &choice["const"])).filter(|value| value.is_string()).collect()
}

/// The first choice of a form, if it offers any.
pub(crate) fn first_choice(schema: &Value) -> Option<&str> {
    let fields = schema["properties"].as_object()?;
    fields.values().find_map(|field| choices(field).into_iter().next()?.as_str())
}

/// A form filled in: the first choice of each field that offers any, or one that is not offered, and what else has to be
/// there.
pub(super) fn filled(schema: &Value, offered: bool) -> Value {
    let required = |name: &str| schema["required"].as_array().into_iter().flatten().any(|known| known == name);
    let mut content = Map::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let value = match choices(field).first() {
            Some(choice) if offered => (*choice).clone(),
            Some(_) => json!(NO_CHOICE),
            None if !required(name) => continue,
            None => plain(field),
        };
        let list = field["type"] == "array" && !value.is_array();
        content.insert(name.clone(), if list { json!([value]) } else { value });
    }
    Value::Object(content)
}

/// A value of a field that offers no choices.
fn plain(field: &Value) -> Value {
    match field["type"].as_str() {
        Some("boolean") => json!(true),
        Some("integer" | "number") => {
            field.get("minimum").filter(|least| least.is_number()).cloned().unwrap_or(json!(1))
        }
        Some("array") => json!([]),
        _ => json!("conformance"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_filled_in_with_what_it_offers_or_with_what_it_does_not() {
        let schema = json!({ "type": "object", "required": ["why", "many"], "properties": {
            "color": { "type": "string", "enum": ["red", "blue"] },
            "titled": { "type": "string", "oneOf": [{ "const": "a", "title": "A" }] },
            "many": { "type": "array", "items": { "anyOf": [{ "const": "x", "title": "X" }] } },
            "why": { "type": "string" },
            "more": { "type": "string" },
        } });
        let right = json!({ "color": "red", "titled": "a", "many": ["x"], "why": "conformance" });
        assert_eq!(filled(&schema, true), right);
        let wrong = json!({ "color": NO_CHOICE, "titled": NO_CHOICE, "many": [NO_CHOICE], "why": "conformance" });
        assert_eq!(filled(&schema, false), wrong);
        assert_eq!(first_choice(&schema), Some("red"));
    }
}
