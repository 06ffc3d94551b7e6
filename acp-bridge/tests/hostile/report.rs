//! The list of what was tried, which a run prints even when every test passes.

use std::io::Write as _;

/// Says that a probe was made and what the bridge did about it. Call it last, after every assertion.
///
/// It writes to stderr itself: the test harness hides what `eprintln!` prints in tests that pass.
pub(crate) fn held(tried: &str, what_happened: &str) {
    let line = format!("held: {tried} -> {what_happened}\n");
    // A closed stderr loses the list and fails no probe.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
