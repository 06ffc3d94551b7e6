//! The decision of a policy about one permission request.

use std::time::Duration;

use acp_types::Raw;
use acp_types::meta::{Rest, Unattended};

/// Decision about a request that nobody is there to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum Decision {
    /// Allow it, this once.
    Allow,
    /// Reject it.
    Reject,
    /// Let it wait; after that time, if there is one, reject it.
    Wait(Option<Duration>),
}

/// Decides about a permission request with these params. A request that does not say of which kind its tool is counts as
/// of none; one that could only be allowed for ever waits.
pub(in crate::session) fn decide(policy: &Unattended, params: Raw<'_>) -> Decision {
    let kind = params.path(&["toolCall", "kind"]).and_then(Raw::as_string);
    let allowed = kind.is_some_and(|kind| policy.allows(&kind));
    match (allowed, policy.rest()) {
        (true, _) if option(params, "allow_once").is_some() => Decision::Allow,
        (true, Rest::Reject) | (_, Rest::Wait) => Decision::Wait(None),
        (_, Rest::WaitFor(limit)) => Decision::Wait(Some(limit)),
        (false, Rest::Reject) => Decision::Reject,
    }
}

/// The id of the first option of a permission request that is of this kind. Only single answers are asked for: options
/// of the kind `allow_once` or `reject_once`, never one that holds for later.
pub(in crate::session) fn option<'a>(params: Raw<'a>, kind: &str) -> Option<Raw<'a>> {
    let mut options = params.member("options")?.elements();
    let fits = |option: &Raw<'a>| option.member("kind").and_then(Raw::as_string).is_some_and(|found| found == kind);
    options.find(fits)?.member("optionId")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use acp_types::{Raw, RawBuf};

    use super::{Decision, option};

    fn decide(policy: &str, params: Raw<'_>) -> Decision {
        super::decide(&policy.parse().unwrap(), params)
    }

    fn request(kind: &str, options: &[&str]) -> RawBuf {
        let options: Vec<_> =
            options.iter().map(|kind| format!(r#"{{"optionId":"id-{kind}","kind":"{kind}"}}"#)).collect();
        RawBuf::parse(format!(r#"{{"toolCall":{{"kind":{kind}}},"options":[{}]}}"#, options.join(","))).unwrap()
    }

    #[test]
    fn only_the_kinds_that_are_listed_are_allowed() {
        let options = ["allow_once", "reject_once"];
        for (kind, wanted) in [
            (r#""read""#, Decision::Allow),
            (r#""se\u0061rch""#, Decision::Allow),
            (r#""edit""#, Decision::Reject),
            (r#""later""#, Decision::Reject),
            ("null", Decision::Reject),
            ("7", Decision::Reject),
        ] {
            assert_eq!(decide("allow:read,search:reject", request(kind, &options).as_raw()), wanted, "{kind}");
        }
        let none = decide("allow:other", Raw::EMPTY_OBJECT);
        assert_eq!(none, Decision::Wait(None), "a tool of no kind is not one of `other`");
    }

    #[test]
    fn what_could_only_be_allowed_for_ever_waits() {
        let read = request(r#""read""#, &["allow_always", "reject_once"]);
        assert_eq!(decide("allow:read:reject", read.as_raw()), Decision::Wait(None));
        let limit = Some(Duration::from_secs(9));
        assert_eq!(decide("allow:read:wait:9s", read.as_raw()), Decision::Wait(limit));
    }

    #[test]
    fn waiting_and_rejecting_ask_for_no_kind() {
        let edit = request(r#""edit""#, &[]);
        assert_eq!(decide("wait", edit.as_raw()), Decision::Wait(None));
        assert_eq!(decide("wait:2s", edit.as_raw()), Decision::Wait(Some(Duration::from_secs(2))));
        assert_eq!(decide("reject", edit.as_raw()), Decision::Reject);
        assert_eq!(decide("allow:read:wait:2s", edit.as_raw()), Decision::Wait(Some(Duration::from_secs(2))));
    }

    #[test]
    fn an_option_is_found_by_its_kind() {
        let params = request("null", &["allow_always", "reject_always", "reject_once"]);
        assert_eq!(option(params.as_raw(), "reject_once").map(Raw::as_str), Some("\"id-reject_once\""));
        assert_eq!(option(params.as_raw(), "allow_once"), None);
        assert_eq!(option(Raw::EMPTY_OBJECT, "allow_once"), None);
    }
}
