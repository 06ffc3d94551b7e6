//! Failures that are known and accepted for now.
//!
//! A TOML file: `[expected]`, then one line per check, its id and why: `"CANCEL-07" = "issue 12"`. A check of it that
//! does not fail any more fails the run, so that the file only gets shorter.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::core::catalogue;
use crate::core::suite::CheckResult;
use crate::core::verdict::Verdict;

/// Known failures by id of the check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Baseline {
    /// Id, and why it is accepted.
    #[serde(default)]
    pub expected: BTreeMap<String, String>,
}

/// A baseline that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// It is no TOML of that form.
    #[error("the baseline cannot be read: {0}")]
    Malformed(#[from] toml::de::Error),
    /// It names something else.
    #[error("the baseline names {0}, which is no requirement; `acp-conformance list` shows them all")]
    Unknown(String),
}

impl Baseline {
    /// Reads one.
    ///
    /// # Errors
    /// When it has another form, or names what the catalogue does not have.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self = toml::from_str(text)?;
        match baseline.expected.keys().find(|id| catalogue::find(id).is_none()) {
            Some(unknown) => Err(BaselineError::Unknown(unknown.clone())),
            None => Ok(baseline),
        }
    }

    /// Entries whose checks were made and do not fail. What was not exercised is no proof that it was mended.
    #[must_use]
    pub fn stale(&self, results: &[CheckResult]) -> Vec<&str> {
        let mended = |id: &&String| {
            let of_it = |result: &&CheckResult| result.id == id.as_str();
            results.iter().find(of_it).filter(|result| result.flaky.is_none()).is_some_and(|result| {
                matches!(result.verdict, Verdict::Pass | Verdict::Info | Verdict::Warn | Verdict::NotApplicable)
            })
        };
        self.expected.keys().filter(mended).map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_names_has_to_be_in_the_catalogue() {
        let known = Baseline::parse("[expected]\n\"CANCEL-07\" = \"issue 12\"\n").expect("a baseline");
        assert_eq!(known.expected.len(), 1);
        assert!(matches!(Baseline::parse("[expected]\n\"CANCEL-99\" = \"x\"\n"), Err(BaselineError::Unknown(_))));
        assert!(matches!(Baseline::parse("expected = 1"), Err(BaselineError::Malformed(_))));
    }
}
