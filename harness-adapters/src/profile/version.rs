//! Versions as harnesses print them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// Three numbers, compared one after the other. What follows them, such as `-beta`, is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "three numbers")]
pub struct Version(pub u32, pub u32, pub u32);

/// A text without three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version is three numbers with points between them")]
#[non_exhaustive]
pub struct NoVersion;

impl Version {
    /// The first version in what a program printed, such as `codex-cli 0.169.0` or `2.1.330 (Claude Code)`.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        text.split(|c: char| c.is_whitespace() || c == '/' || c == '(').find_map(|word| {
            let word = word.strip_prefix('v').unwrap_or(word);
            word.parse().ok()
        })
    }
}

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let mut parts = text.splitn(3, '.');
        let mut next = |last: bool| {
            let part = parts.next().ok_or(NoVersion)?;
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if !last && digits < part.len() {
                return Err(NoVersion);
            }
            part[..digits].parse::<u32>().map_err(|_| NoVersion)
        };
        Ok(Self(next(false)?, next(false)?, next(true)?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn a_version_is_found_in_what_programs_print() {
        for (text, version) in [
            ("codex-cli 0.169.0", Version(0, 169, 0)),
            ("2.1.330 (Claude Code)\n", Version(2, 1, 330)),
            ("v22.0.1-beta.3", Version(22, 0, 1)),
            ("acp-harness/1.2.3 (Linux)", Version(1, 2, 3)),
        ] {
            assert_eq!(Version::find(text), Some(version), "{text}");
        }
        for text in ["", "1.2", "one.two.three", "1.2.x", "1..2"] {
            assert_eq!(Version::find(text), None, "{text}");
        }
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(Version(0, 169, 0) > Version(0, 99, 9));
    }
}
