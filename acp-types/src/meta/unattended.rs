//! What becomes of permission requests while no controller is there to answer them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::duration;

/// The kinds of tools that ACP knows.
pub const TOOL_KINDS: [&str; 10] =
    ["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode", "other"];

/// The longest time that a request may be told to wait: thirty days.
const MAX_WAIT: Duration = Duration::from_secs(30 * 86_400);

/// A policy for unattended sessions. Written as
///
/// ```text
/// wait            wait for a controller
/// wait:300s       wait, and reject after that time: ms, s, m, h, d
/// reject          reject at once
/// allow:read,search[:REST]    allow tools of these kinds; REST, one of the above, is for all others, `wait` if left out
/// ```
///
/// Only single answers are given: an option of the kind `allow_once` or `reject_once`, never one that holds for later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unattended {
    /// Of [`TOOL_KINDS`], in its order.
    allow: Vec<&'static str>,
    rest: Rest,
}

/// Rule of a policy for tools that it does not list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a new word must be handled wherever a policy is followed")]
pub enum Rest {
    /// Wait for a controller.
    #[default]
    Wait,
    /// Wait for that time, then reject.
    WaitFor(Duration),
    /// Reject at once.
    Reject,
}

/// A policy that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnattendedError {
    /// It begins with none of the three words.
    #[error(
        "{0:?} is no policy: write wait, wait:300s, reject, or allow:read,search with :reject or :wait:300s behind it"
    )]
    Word(String),
    /// A kind of tools that ACP does not know.
    #[error(
        "{0:?} is no kind of tools: there are read, edit, delete, move, search, execute, think, fetch, switch_mode and other"
    )]
    Kind(String),
    /// A time that is none.
    #[error("{0:?} is no time to wait: write 500ms, 300s, 5m or 2h, more than nothing and at most 720h")]
    Time(String),
}

impl Unattended {
    /// Wait without an end.
    pub const WAIT: Self = Self { allow: Vec::new(), rest: Rest::Wait };

    /// True if it lists tools of this kind.
    #[must_use]
    pub fn allows(&self, kind: &str) -> bool {
        self.allow.contains(&kind)
    }

    /// Its rule for all other tools.
    #[must_use]
    pub const fn rest(&self) -> Rest {
        self.rest
    }
}

impl serde::Serialize for Unattended {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Unattended {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Unattended {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Unattended".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

impl FromStr for Unattended {
    type Err = UnattendedError;

    fn from_str(text: &str) -> Result<Self, UnattendedError> {
        let Some(allow) = text.strip_prefix("allow:") else {
            return Ok(Self { allow: Vec::new(), rest: rest(text)? });
        };
        let (kinds, behind) = match allow.split_once(':') {
            Some((kinds, behind)) => (kinds, rest(behind)?),
            None => (allow, Rest::Wait),
        };
        let kinds: Vec<&str> = kinds.split(',').collect();
        if let Some(unknown) = kinds.iter().find(|kind| !TOOL_KINDS.contains(kind)) {
            return Err(UnattendedError::Kind(shown(unknown)));
        }
        Ok(Self { allow: TOOL_KINDS.into_iter().filter(|kind| kinds.contains(kind)).collect(), rest: behind })
    }
}

fn rest(text: &str) -> Result<Rest, UnattendedError> {
    match text.split_once(':') {
        None if text == "wait" => Ok(Rest::Wait),
        None if text == "reject" => Ok(Rest::Reject),
        Some(("wait", limit)) => time(limit).map(Rest::WaitFor).ok_or_else(|| UnattendedError::Time(shown(limit))),
        _ => Err(UnattendedError::Word(shown(text))),
    }
}

fn time(text: &str) -> Option<Duration> {
    duration::parse(text, MAX_WAIT).ok().filter(|time| !time.is_zero())
}

/// As much of it as an error should repeat.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

impl fmt::Display for Unattended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.allow.is_empty() {
            write!(f, "allow:{}", self.allow.join(","))?;
            if self.rest == Rest::Wait {
                return Ok(());
            }
            f.write_str(":")?;
        }
        match self.rest {
            Rest::Wait => f.write_str("wait"),
            Rest::Reject => f.write_str("reject"),
            Rest::WaitFor(limit) if limit.subsec_millis() > 0 => write!(f, "wait:{}ms", limit.as_millis()),
            Rest::WaitFor(limit) => write!(f, "wait:{}s", limit.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Rest, Unattended, UnattendedError};

    fn policy(text: &str) -> Unattended {
        text.parse().unwrap()
    }

    #[test]
    fn a_policy_is_written_as_it_is_read() {
        for text in [
            "wait",
            "wait:300s",
            "wait:1500ms",
            "reject",
            "allow:read",
            "allow:read,search",
            "allow:read,search:reject",
            "allow:other:wait:1s",
            "allow:read,edit,delete,move,search,execute,think,fetch,switch_mode,other",
        ] {
            assert_eq!(policy(text).to_string(), text);
        }
        for (text, written) in
            [("wait:5m", "wait:300s"), ("wait:1000ms", "wait:1s"), ("allow:search,read,read:wait", "allow:read,search")]
        {
            assert_eq!(policy(text).to_string(), written);
        }
        assert_eq!(policy("wait"), Unattended::WAIT);
    }

    #[test]
    fn what_is_no_policy_is_an_error_that_says_what_is_wrong_with_it() {
        for text in ["", "Wait", "allow", "deny", "reject:1s", "wait ", "allow:read:allow:edit", "allow:read:"] {
            assert!(matches!(text.parse::<Unattended>(), Err(UnattendedError::Word(_))), "{text}");
        }
        for text in ["allow:", "allow:reed", "allow:read,", "allow:read, search", "allow:*"] {
            assert!(matches!(text.parse::<Unattended>(), Err(UnattendedError::Kind(_))), "{text}");
        }
        for text in [
            "wait:",
            "wait:1",
            "wait:s",
            "wait:0s",
            "wait:-1s",
            "wait:721h",
            "wait:99999999999999999999s",
            "wait:18446744073709551615h",
        ] {
            assert!(matches!(text.parse::<Unattended>(), Err(UnattendedError::Time(_))), "{text}");
        }
        let long = "x".repeat(10_000).parse::<Unattended>().unwrap_err().to_string();
        assert!(long.len() < 300, "{long}");
    }

    #[test]
    fn a_policy_says_what_it_lists_and_what_becomes_of_the_rest() {
        let listed = policy("allow:read,search:wait:2s");
        assert!(listed.allows("read") && listed.allows("search"));
        assert!(!listed.allows("edit") && !listed.allows("") && !listed.allows("later"));
        assert_eq!(listed.rest(), Rest::WaitFor(Duration::from_secs(2)));
        assert_eq!(policy("allow:read").rest(), Rest::Wait);
        assert_eq!(policy("reject").rest(), Rest::Reject);
        assert!(!Unattended::WAIT.allows("other"));
    }
}
