//! The promises table of the architecture page: every promise has a test, and every test that the page names is written.
//! That it runs and passes is checked by `cargo xtask test`.

use crate::page::{self, ARCHITECTURE};
use crate::run::root;

/// P13 is not built yet.
const PROMISES: [u32; 13] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14];

pub(super) fn faults(tracked: &[&str]) -> anyhow::Result<Vec<String>> {
    let page = page::read(ARCHITECTURE)?;
    let mut faults = Vec::new();
    for number in PROMISES {
        let row = page.lines().find(|line| line.starts_with(&format!("| P{number} ")));
        if !row.is_some_and(|row| row.contains("::")) {
            faults.push(format!("{ARCHITECTURE}: promise P{number} names no test"));
        }
    }
    for named in page::named_tests(ARCHITECTURE, &page) {
        let declaration = format!("fn {}(", named.test);
        let declared = tracked
            .iter()
            .map(std::path::Path::new)
            .filter(|path| path.ends_with(&named.file))
            .any(|path| std::fs::read_to_string(root().join(path)).is_ok_and(|text| text.contains(&declaration)));
        if !declared {
            faults.push(format!("{ARCHITECTURE} names {}::{}, which does not exist", named.file.display(), named.test));
        }
    }
    Ok(faults)
}
