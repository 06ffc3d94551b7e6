//! The version of the protocol that is spoken with agents.

use acp_types::Raw;

/// The only one.
const VERSION: &str = "1";

/// The version of an `initialize` result, if it is one that is not spoken here. An answer that names none is taken for ours,
/// which is what was asked for.
pub(crate) fn unsupported_version(answer: Raw<'_>) -> Option<&str> {
    let version = answer.member("protocolVersion")?;
    (!version.is_null() && version.as_str() != VERSION).then_some(version.as_str())
}

#[cfg(test)]
mod tests {
    use acp_types::Raw;

    use super::unsupported_version;

    #[test]
    fn another_version_is_not_taken_for_ours() {
        for (answer, other) in [
            (r#"{"protocolVersion":1}"#, None),
            (r#"{"protocolVersion":null}"#, None),
            ("{}", None),
            (r#"{"protocolVersion":65535}"#, Some("65535")),
            (r#"{"protocolVersion":0}"#, Some("0")),
            (r#"{"protocolVersion":"1"}"#, Some("\"1\"")),
        ] {
            assert_eq!(unsupported_version(Raw::parse(answer).unwrap()), other, "{answer}");
        }
    }
}
