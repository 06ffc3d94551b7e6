//! The pages of the documentation that name tests.

use std::path::PathBuf;

use crate::run::root;

/// The page that says which promises there are and which tests show them.
pub(crate) const ARCHITECTURE: &str = "docs/architecture.md";
/// The page that says what the adapters do, each line with a test.
pub(crate) const HARNESSES: &str = "docs/harnesses.md";

/// A test as a page names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NamedTest {
    pub(crate) page: &'static str,
    /// The end of the path of its file.
    pub(crate) file: PathBuf,
    pub(crate) test: String,
}

/// The text of a page.
pub(crate) fn read(page: &str) -> anyhow::Result<String> {
    Ok(std::fs::read_to_string(root().join(page))?)
}

/// Every `` `path/file.rs::test_name` `` in the text of a page.
pub(crate) fn named_tests(page: &'static str, text: &str) -> Vec<NamedTest> {
    let code = text.split('`').skip(1).step_by(2);
    code.filter_map(|code| code.split_once(".rs::"))
        .map(|(file, test)| NamedTest { page, file: format!("{file}.rs").into(), test: test.to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_named_by_its_file_and_its_name() {
        let text = "Held by `a/tests/b.rs::it_holds` and by `a/tests/c.rs`.\n| P1 | `d.rs::one`, `e::f` |";
        let named = named_tests(ARCHITECTURE, text);
        let plain: Vec<_> = named.iter().map(|named| (named.file.to_str(), named.test.as_str())).collect();
        assert_eq!(plain, [(Some("a/tests/b.rs"), "it_holds"), (Some("d.rs"), "one")]);
    }
}
