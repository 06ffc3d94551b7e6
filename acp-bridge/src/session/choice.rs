//! Choices that a client may make for an agent: a mode, or the value of an option.

use std::borrow::Cow;

use acp_types::method::v1;
use acp_types::record::body::Choice;
use acp_types::{Raw, RawBuf, RawKind, rewrite};

const SET_MODE: &str = v1::SetSessionMode::NAME;
const SET_OPTION: &str = v1::SetSessionConfigOption::NAME;

/// The choice that a client's request makes, if it is one of those that do.
pub(super) fn of_request(method: &str, params: Raw<'_>) -> Option<Choice> {
    let params = rewrite::remove_member(params, "sessionId");
    let params = rewrite::remove_member(params.as_raw(), "_meta");
    let choice = Choice { method: method.to_owned(), params };
    let whole = match method {
        SET_MODE => mode_of(&choice).is_some(),
        SET_OPTION => option_of(&choice).is_some() && value_of(&choice).is_some(),
        _ => false,
    };
    whole.then_some(choice)
}

/// A choice of this mode.
pub(super) fn of_mode(mode: &str) -> Option<Choice> {
    let params = RawBuf::encode(&serde_json::json!({ "modeId": mode })).ok()?;
    Some(Choice { method: SET_MODE.to_owned(), params })
}

/// Returns whether a request sets options, be it complete or not.
pub(super) fn sets_options(method: &str) -> bool {
    method == SET_OPTION
}

/// The mode that it chooses.
pub(super) fn mode_of(choice: &Choice) -> Option<Cow<'_, str>> {
    (choice.method == SET_MODE).then(|| choice.params.as_raw().member("modeId")?.as_string()).flatten()
}

/// The option whose value it chooses.
pub(super) fn option_of(choice: &Choice) -> Option<Cow<'_, str>> {
    (choice.method == SET_OPTION).then(|| choice.params.as_raw().member("configId")?.as_string()).flatten()
}

/// Value of a choice: a mode, or an option's value.
pub(super) fn value_of(choice: &Choice) -> Option<Raw<'_>> {
    choice.params.as_raw().member(value_key(choice))
}

/// A choice with another value.
pub(super) fn with_value(choice: &Choice, value: Raw<'_>) -> Choice {
    let params = rewrite::set_member(choice.params.as_raw(), value_key(choice), value);
    Choice { method: choice.method.clone(), params }
}

fn value_key(choice: &Choice) -> &'static str {
    if choice.method == SET_MODE { "modeId" } else { "value" }
}

/// Description of a choice, for people.
pub(super) fn describe(choice: &Choice) -> String {
    let value = value_of(choice).map_or("?", Raw::as_str);
    match option_of(choice) {
        Some(option) => format!("the option {option:?} = {value}"),
        None => format!("the mode {value}"),
    }
}

/// Returns whether two values are the same: strings by what they say.
pub(super) fn same(one: Raw<'_>, other: Raw<'_>) -> bool {
    match (one.as_string(), other.as_string()) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.as_str() == other.as_str(),
        _ => false,
    }
}

/// The option of a `configOptions` list that has this id.
pub(super) fn find<'a>(options: Raw<'a>, id: &str) -> Option<Raw<'a>> {
    options.elements().find(|option| member_is(*option, "id", id))
}

/// An option's `currentValue`.
pub(super) fn current<'a>(options: Raw<'a>, id: &str) -> Option<Raw<'a>> {
    find(options, id)?.member("currentValue")
}

/// The option that is the session's mode under another name.
pub(super) fn mode_option<'a>(options: Option<Raw<'a>>) -> Option<Cow<'a, str>> {
    options?.elements().find(|option| member_is(*option, "category", "mode"))?.member("id")?.as_string()
}

/// The list with one option at this value; nothing if the list does not have the option.
pub(super) fn with_current(options: Raw<'_>, id: &str, value: Raw<'_>) -> Option<RawBuf> {
    find(options, id)?;
    let each = options.elements().map(|option| {
        if member_is(option, "id", id) { rewrite::set_member(option, "currentValue", value) } else { option.to_owned() }
    });
    let each: Vec<RawBuf> = each.collect();
    let each: Vec<&str> = each.iter().map(RawBuf::as_str).collect();
    Some(RawBuf::trusted(format!("[{}]", each.join(","))))
}

fn member_is(object: Raw<'_>, key: &str, text: &str) -> bool {
    object.kind() == RawKind::Object && object.member(key).and_then(Raw::as_string).is_some_and(|is| is == text)
}

#[cfg(test)]
mod tests {
    use acp_types::Raw;

    use super::*;

    fn parse(text: &str) -> Raw<'_> {
        Raw::parse(text).unwrap()
    }

    #[test]
    fn a_choice_is_a_request_that_sets_something_without_what_is_not_its_own() {
        let params = r#"{ "sessionId":"s","_meta":{"a":"secret"}, "configId":"effort","type":"select","value":"high"}"#;
        let choice = of_request("session/set_config_option", parse(params)).unwrap();
        assert_eq!(value_of(&choice).map(Raw::as_str), Some("\"high\""));
        assert_eq!(option_of(&choice).as_deref(), Some("effort"));
        assert!(!choice.params.as_str().contains("secret") && !choice.params.as_str().contains("sessionId"));
        assert!(choice.params.as_str().contains("\"type\":\"select\""), "what the agent's own schema has stays");
        assert_eq!(describe(&choice), r#"the option "effort" = "high""#);
        let lower = with_value(&choice, parse("\"low\""));
        assert_eq!(value_of(&lower).map(Raw::as_str), Some("\"low\""));
        let mode = of_request("session/set_mode", parse(r#"{"sessionId":"s","modeId":"plan"}"#)).unwrap();
        assert_eq!(Some(mode.clone()), of_mode("plan"));
        assert_eq!(describe(&mode), r#"the mode "plan""#);
        for (method, params) in [
            ("session/set_mode", "{}"),
            ("session/set_mode", "[]"),
            ("session/set_config_option", r#"{"configId":"x"}"#),
            ("_x/set", r#"{"modeId":"m","configId":"x","value":1}"#),
        ] {
            assert_eq!(of_request(method, parse(params)), None, "{method} {params}");
        }
    }

    #[test]
    fn an_option_is_found_and_changed_and_no_other_byte_is() {
        let options = r#"[7,{"id":"m","category":"mode","currentValue":"a","n":1e2},{"id":"e","currentValue":true}]"#;
        assert_eq!(mode_option(Some(parse(options))).as_deref(), Some("m"));
        assert_eq!(current(parse(options), "e").map(Raw::as_str), Some("true"));
        assert_eq!(
            with_current(parse(options), "m", parse("\"b\"")).unwrap().as_str(),
            r#"[7,{"id":"m","category":"mode","currentValue":"b","n":1e2},{"id":"e","currentValue":true}]"#
        );
        assert_eq!(with_current(parse(options), "x", parse("1")), None);
        assert!(same(parse(r#""\u0061""#), parse("\"a\"")) && !same(parse("1"), parse("\"1\"")));
    }
}
