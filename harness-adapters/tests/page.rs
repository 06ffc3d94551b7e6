//! The page of the harnesses cites only tests that are there.

use std::path::Path;

#[test]
fn every_test_that_the_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("../docs/harnesses.md")).expect("the page");
    let cited: Vec<_> = page.split('`').filter_map(|word| word.split_once(".rs::")).collect();
    assert!(cited.len() > 40, "only {} tests are cited", cited.len());
    for (file, test) in cited {
        let source = std::fs::read_to_string(root.join("tests").join(format!("{file}.rs")))
            .unwrap_or_else(|error| panic!("{file}.rs: {error}"));
        assert!(source.contains(&format!("fn {test}(")), "{file}.rs has no test {test}");
    }
}
