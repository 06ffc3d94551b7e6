//! The promises table of the architecture page: every promise has a test, and every test named there exists.

use std::fmt::Write;

use crate::run::root;

const PAGE: &str = "docs/architecture.md";
/// P13 is not built yet.
const PROMISES: [u32; 13] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14];

pub(super) fn faults(tracked: &[&str]) -> anyhow::Result<Vec<String>> {
    let page = std::fs::read_to_string(root().join(PAGE))?;
    let mut faults = Vec::new();
    for number in PROMISES {
        let row = page.lines().find(|line| line.starts_with(&format!("| P{number} ")));
        if !row.is_some_and(|row| row.contains("::")) {
            faults.push(format!("{PAGE}: promise P{number} names no test"));
        }
    }
    for (file, test) in named_tests(&page) {
        let declared = tracked.iter().filter(|path| path.ends_with(&file)).any(|path| {
            let mut declaration = String::new();
            // Writing to a String cannot fail.
            let _ = write!(declaration, "fn {test}(");
            std::fs::read_to_string(root().join(path)).is_ok_and(|text| text.contains(&declaration))
        });
        if !declared {
            faults.push(format!("{PAGE} names {file}::{test}, which does not exist"));
        }
    }
    Ok(faults)
}

/// Every `` `path/file.rs::test_name` `` on the page.
fn named_tests(page: &str) -> Vec<(String, String)> {
    page.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once(".rs::"))
        .map(|(file, test)| (format!("{file}.rs"), test.to_owned()))
        .collect()
}
