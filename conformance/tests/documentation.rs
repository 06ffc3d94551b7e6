//! The table in the documentation is the one that the program makes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

#[test]
fn the_table_of_requirements_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let output = Command::new(env!("CARGO_BIN_EXE_acp-conformance")).args(["list", "--markdown"]).output().unwrap();
    assert!(output.status.success());
    let table = String::from_utf8(output.stdout).unwrap();
    let page = std::fs::read_to_string(&path).unwrap();
    let text = page.split_once("\n| Id |").map_or(page.as_str(), |(text, _)| text).trim_end();
    let expected = format!("{text}\n\n{table}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, expected).unwrap();
    } else {
        assert!(page == expected, "docs/conformance.md has another table: run this test with UPDATE_GOLDEN=1");
    }
}
