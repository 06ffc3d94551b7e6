//! Several runs of the same checks as one.

use std::collections::BTreeMap;

use super::result::CheckResult;
use crate::core::verdict::Verdict;

/// Each check's gravest result of all runs. What did not always come to the same says how often it came to what.
#[must_use]
pub fn merge(runs: Vec<Vec<CheckResult>>) -> Vec<CheckResult> {
    let mut merged: Vec<(CheckResult, BTreeMap<Verdict, usize>)> = Vec::new();
    for result in runs.into_iter().flatten() {
        let verdict = result.verdict;
        match merged.iter_mut().find(|(known, _)| known.id == result.id) {
            Some((known, counts)) => {
                *counts.entry(verdict).or_default() += 1;
                if verdict < known.verdict {
                    *known = result;
                }
            }
            None => merged.push((result, BTreeMap::from([(verdict, 1)]))),
        }
    }
    let told = |(mut result, counts): (CheckResult, BTreeMap<Verdict, usize>)| {
        result.flaky = (counts.len() > 1).then_some(counts);
        result
    };
    merged.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_result_of_each_check_counts_and_says_what_else_came() {
        let run = |first, second| vec![CheckResult::bare("RPC-01", first), CheckResult::bare("RPC-02", second)];
        let runs = vec![
            run(Verdict::Pass, Verdict::Pass),
            run(Verdict::NotExercised, Verdict::Pass),
            run(Verdict::Fail, Verdict::Pass),
            run(Verdict::Pass, Verdict::Pass),
        ];
        let merged = merge(runs);
        assert_eq!(
            merged.iter().map(|r| (r.id, r.verdict)).collect::<Vec<_>>(),
            [("RPC-01", Verdict::Fail), ("RPC-02", Verdict::Pass)]
        );
        let flaky = BTreeMap::from([(Verdict::Fail, 1), (Verdict::Pass, 2), (Verdict::NotExercised, 1)]);
        assert_eq!(merged[0].flaky, Some(flaky));
        assert_eq!(merged[1].flaky, None);
    }
}
