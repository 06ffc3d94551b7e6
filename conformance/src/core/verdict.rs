//! Findings of checks, and their verdicts.

use serde::{Deserialize, Serialize};

use crate::core::catalogue::Level;

/// Finding of a check in one history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// As required.
    Pass,
    /// Not as required.
    Broken(Finding),
    /// Not as it should be, where the texts are too weak or too much at odds to call it wrong.
    Doubtful(Finding),
    /// Nothing to judge, but worth saying.
    Info(String),
    /// The subject does not claim what the requirement is about.
    NotApplicable(String),
    /// The history does not show it.
    NotExercised(String),
    /// The suite or the machine failed, so that nothing is known of the subject.
    Error(String),
}

/// Expected and actual observation, and the places of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The expected observation.
    pub expected: String,
    /// The actual observation.
    pub actual: String,
    /// Places of the history that show it.
    pub places: Vec<usize>,
}

impl Outcome {
    /// Not as required.
    #[must_use]
    pub fn broken(expected: impl Into<String>, actual: impl Into<String>, places: Vec<usize>) -> Self {
        Self::Broken(Finding { expected: expected.into(), actual: actual.into(), places })
    }

    /// Not as it should be.
    #[must_use]
    pub fn doubtful(expected: impl Into<String>, actual: impl Into<String>, places: Vec<usize>) -> Self {
        Self::Doubtful(Finding { expected: expected.into(), actual: actual.into(), places })
    }

    /// As required if `good`, else what `otherwise` says.
    #[must_use]
    pub fn pass_if(good: bool, otherwise: impl FnOnce() -> Self) -> Self {
        if good { Self::Pass } else { otherwise() }
    }

    /// The verdict for a requirement of this level.
    #[must_use]
    pub const fn verdict(&self, level: Level) -> Verdict {
        match self {
            Self::Pass => Verdict::Pass,
            Self::Broken(_) if level.binds() => Verdict::Fail,
            Self::Broken(_) if matches!(level, Level::May) => Verdict::Info,
            Self::Broken(_) | Self::Doubtful(_) => Verdict::Warn,
            Self::Info(_) => Verdict::Info,
            Self::NotApplicable(_) => Verdict::NotApplicable,
            Self::NotExercised(_) => Verdict::NotExercised,
            Self::Error(_) => Verdict::Error,
        }
    }

    /// The finding that counts, of two about the same check: the graver one, and one that says something before one that
    /// does not.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if other.weight() > self.weight() { other } else { self }
    }

    const fn weight(&self) -> u8 {
        match self {
            Self::NotApplicable(_) => 0,
            Self::NotExercised(_) => 1,
            Self::Pass => 2,
            Self::Info(_) => 3,
            Self::Doubtful(_) => 4,
            // What another history shows is known all the same.
            Self::Error(_) => 5,
            Self::Broken(_) => 6,
        }
    }
}

/// The end result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// A binding requirement is not met.
    Fail,
    /// The suite or the machine failed, not the subject.
    Error,
    /// A recommendation is not met.
    Warn,
    /// Worth knowing.
    Info,
    /// As required.
    Pass,
    /// The history does not show it. Never a pass.
    NotExercised,
    /// The subject does not claim what the requirement is about.
    NotApplicable,
}

impl Verdict {
    /// Every verdict, gravest first.
    pub const ALL: [Self; 7] =
        [Self::Fail, Self::Error, Self::Warn, Self::Info, Self::Pass, Self::NotExercised, Self::NotApplicable];

    /// As reports write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Pass => "pass",
            Self::NotExercised => "not-exercised",
            Self::NotApplicable => "not-applicable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_decides_what_a_broken_requirement_is() {
        let broken = Outcome::broken("a", "b", Vec::new());
        assert_eq!(broken.verdict(Level::MustNot), Verdict::Fail);
        assert_eq!(broken.verdict(Level::Should), Verdict::Warn);
        assert_eq!(broken.verdict(Level::May), Verdict::Info);
        assert_eq!(Outcome::doubtful("a", "b", Vec::new()).verdict(Level::Must), Verdict::Warn);
    }

    #[test]
    fn what_was_not_exercised_never_outweighs_what_was() {
        let not = || Outcome::NotExercised("why".into());
        assert_eq!(not().and(Outcome::Pass), Outcome::Pass);
        assert_eq!(Outcome::Pass.and(not()), Outcome::Pass);
        let broken = || Outcome::broken("a", "b", Vec::new());
        assert_eq!(Outcome::Pass.and(broken()), broken());
        assert_eq!(broken().and(Outcome::Pass), broken());
    }
}
