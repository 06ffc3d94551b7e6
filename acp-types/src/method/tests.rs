use std::collections::BTreeSet;

use agent_client_protocol_schema as schema;
use serde_json::Value;

use super::{Call, Direction, Method, Version, find, is_extension, lookup};

/// Names in one of the schema crate's lists.
fn names(list: impl serde::Serialize) -> BTreeSet<String> {
    let Value::Object(members) = serde_json::to_value(list).unwrap() else { panic!("the list is not an object") };
    members.into_iter().map(|(_, name)| name.as_str().unwrap().to_owned()).collect()
}

/// Names of the rows that one side handles, without those of the protocol and proxy lists.
fn rows(version: Version, side: Direction) -> BTreeSet<String> {
    let of_side = |method: &&Method| method.direction == side && !method.name.starts_with("proxy/");
    version.methods().iter().filter(of_side).map(|method| method.name.to_owned()).collect()
}

fn rows_with(version: Version, prefix: &str) -> BTreeSet<String> {
    let of_prefix = |method: &&Method| method.name.starts_with(prefix);
    version.methods().iter().filter(of_prefix).map(|method| method.name.to_owned()).collect()
}

#[test]
fn the_v1_table_has_exactly_the_methods_of_the_schema() {
    assert_eq!(rows(Version::V1, Direction::ToAgent), names(schema::v1::AGENT_METHOD_NAMES));
    assert_eq!(rows(Version::V1, Direction::ToClient), names(schema::v1::CLIENT_METHOD_NAMES));
    assert_eq!(rows(Version::V1, Direction::Both), names(schema::v1::PROTOCOL_LEVEL_METHOD_NAMES));
    assert_eq!(rows_with(Version::V1, "proxy/"), names(schema::v1::PROXY_METHOD_NAMES));
}

#[cfg(feature = "unstable-v2")]
#[test]
fn the_v2_table_has_exactly_the_methods_of_the_schema() {
    assert_eq!(rows(Version::V2, Direction::ToAgent), names(schema::v2::AGENT_METHOD_NAMES));
    assert_eq!(rows(Version::V2, Direction::ToClient), names(schema::v2::CLIENT_METHOD_NAMES));
    assert_eq!(rows(Version::V2, Direction::Both), names(schema::v2::PROTOCOL_LEVEL_METHOD_NAMES));
    assert_eq!(rows_with(Version::V2, "proxy/"), names(schema::v2::PROXY_METHOD_NAMES));
}

#[test]
fn name_and_kind_of_call_name_one_row() {
    for version in [Version::V1, Version::V2] {
        let keys: BTreeSet<_> = version.methods().iter().map(|m| (m.name, m.call == Call::Request)).collect();
        assert_eq!(keys.len(), version.methods().len());
        for method in version.methods() {
            assert_eq!(find(method.name, method.call, version), Some(method));
            assert_eq!(method.output.is_some(), method.call == Call::Request);
            assert!(!is_extension(method.name));
        }
    }
    assert_eq!(lookup("mcp/message", Version::V1).unwrap().call, Call::Request);
    assert_eq!(lookup("session/load", Version::V2), None);
    assert_eq!(lookup("_acp-bridge/turn_ended", Version::V1), None);
}

#[test]
fn methods_outside_of_the_table_are_not_in_it() {
    for name in super::proposed::METHODS {
        assert!(!is_extension(name));
        assert!(lookup(name, Version::V1).is_none() && lookup(name, Version::V2).is_none(), "{name} has a row");
    }
    for name in crate::meta::METHODS {
        assert!(is_extension(name) && crate::meta::reserved::is_method(name), "{name}");
    }
}

#[test]
fn a_null_result_reads_as_an_empty_one() {
    use super::{Request, v1};
    assert!(v1::SetSessionMode::decode_output(crate::Raw::NULL).is_ok());
    assert!(v1::Prompt::decode_output(crate::Raw::NULL).is_err());
}

#[test]
fn methods_that_carry_credentials_are_those_that_log_in_or_name_a_provider() {
    let all = [Version::V1, Version::V2].into_iter().flat_map(|version| version.methods());
    let carry: std::collections::BTreeSet<_> =
        all.map(|method| method.name).filter(|name| super::carries_credentials(name)).collect();
    assert_eq!(carry.into_iter().collect::<Vec<_>>(), ["auth/login", "authenticate", "providers/set"]);
    assert!(!super::carries_credentials("_authenticate"));
}

/// The schema crate notes side, method and required members of each type in its JSON Schema.
#[cfg(feature = "schema")]
fn assert_rows_match_schema(rows: Vec<(Method, schemars::Schema, Option<schemars::Schema>)>) {
    use super::Scope;

    for (method, params, output) in rows {
        let noted = |schema: &schemars::Schema, key: &str| schema.get(key).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(noted(&params, "x-method").as_deref(), Some(method.name), "{method:?}");
        let sides: &[&str] = match method.direction {
            Direction::ToAgent => &["agent", "proxy"],
            Direction::ToClient => &["client"],
            Direction::Both => &["protocol", "proxy"],
        };
        assert!(sides.contains(&noted(&params, "x-side").unwrap().as_str()), "{method:?}");
        if let Some(noted) = output.and_then(|output| noted(&output, "x-method")) {
            assert_eq!(noted, method.name);
        }
        let required = |member: &str| {
            let list = params.get("required").and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|name| name == member))
        };
        assert_eq!(required("sessionId"), method.scope == Scope::Session, "{method:?}");
        if method.scope == Scope::Request {
            assert!(required("requestId"), "{method:?}");
        }
    }
}

#[cfg(feature = "schema")]
#[test]
fn v1_rows_agree_with_the_json_schema_of_their_types() {
    assert_rows_match_schema(super::v1::schemas());
}

#[cfg(all(feature = "schema", feature = "unstable-v2"))]
#[test]
fn v2_rows_agree_with_the_json_schema_of_their_types() {
    assert_rows_match_schema(super::v2::schemas());
}
