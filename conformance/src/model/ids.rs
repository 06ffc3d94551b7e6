//! Ids that are the same in every run.

use std::collections::BTreeMap;

/// Counts per kind of thing: `msg_1`, `msg_2`, `call_1`. One for the whole server, so that no id comes twice.
#[derive(Debug, Default)]
pub(super) struct Ids {
    used: BTreeMap<&'static str, u64>,
}

impl Ids {
    /// The next id of this kind.
    pub(super) fn next(&mut self, kind: &'static str) -> String {
        let used = self.used.entry(kind).or_default();
        *used += 1;
        format!("{kind}_{used}")
    }
}
