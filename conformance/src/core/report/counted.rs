//! A run as it counts: with known failures and the strictness that was asked for.

use crate::core::baseline::Baseline;
use crate::core::suite::{CheckResult, Run};
use crate::core::verdict::Verdict;

/// A run with what is known about its subject.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report<'a> {
    /// The run.
    pub run: &'a Run,
    /// The subject.
    pub subject: String,
    /// The command line that plays one check again, without the check.
    pub again: String,
    /// Failures that are known.
    pub baseline: &'a Baseline,
    /// True if what was not exercised counts as failed.
    pub require_exercised: bool,
    /// True if recommendations count as duties.
    pub strict: bool,
}

impl<'a> Report<'a> {
    /// A report of this run.
    #[must_use]
    pub fn new(run: &'a Run, subject: String, again: String, baseline: &'a Baseline) -> Self {
        Self { run, subject, again, baseline, require_exercised: false, strict: false }
    }

    /// The verdict that a result counts as. A result that differs between runs is a failure: nobody can build on it.
    #[must_use]
    pub fn counts_as(&self, result: &CheckResult) -> Verdict {
        match result.verdict {
            Verdict::Error => Verdict::Error,
            _ if result.flaky.is_some() => Verdict::Fail,
            Verdict::NotExercised if self.require_exercised => Verdict::Fail,
            Verdict::Warn if self.strict => Verdict::Fail,
            verdict => verdict,
        }
    }

    /// Results that make the run fail: failures that the baseline does not know.
    pub fn failures(&self) -> impl Iterator<Item = &'a CheckResult> {
        self.run.results.iter().filter(move |result| self.counts_as(result) == Verdict::Fail && !self.is_known(result))
    }

    /// Results that say nothing of the subject because the suite or the machine did wrong.
    pub fn errors(&self) -> impl Iterator<Item = &'a CheckResult> {
        self.run.results.iter().filter(|result| result.verdict == Verdict::Error)
    }

    /// Returns whether a result is a failure that the baseline knows.
    #[must_use]
    pub fn is_known(&self, result: &CheckResult) -> bool {
        let known = result.flaky.is_none() && self.baseline.expected.contains_key(result.id);
        known && self.counts_as(result) == Verdict::Fail
    }

    /// Entries of the baseline that are mended.
    #[must_use]
    pub fn stale(&self) -> Vec<&str> {
        let fails = |id: &str| self.run.results.iter().any(|result| result.id == id && self.is_known(result));
        self.baseline.stale(&self.run.results).into_iter().filter(|id| !fails(id)).collect()
    }

    /// Number of results with this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.run.results.iter().filter(|result| self.counts_as(result) == verdict).count()
    }

    /// Returns whether the run is clean.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.errors().next().is_none() && self.failures().next().is_none() && self.stale().is_empty()
    }
}
