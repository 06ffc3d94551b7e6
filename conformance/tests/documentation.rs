//! What the documentation says of the checks is what the program has.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn table() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_acp-conformance")).args(["list", "--markdown"]).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_table_of_requirements_is_the_generated_one() {
    let path = page("docs/conformance.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let text = page.split_once("\n| Id |").map_or(page.as_str(), |(text, _)| text).trim_end();
    let expected = format!("{text}\n\n{}", table());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, expected).unwrap();
    } else {
        assert!(page == expected, "docs/conformance.md has another table: run this test with UPDATE_GOLDEN=1");
    }
}

#[test]
fn the_readme_counts_the_requirements_that_are_checked() {
    let table = table();
    let rows: Vec<&str> = table.lines().skip(2).collect();
    let checked = rows.iter().filter(|row| !row.contains("| not: ")).count();
    let said = format!("{checked} of the {} requirements", rows.len());
    let readme = std::fs::read_to_string(page("README.md")).unwrap();
    assert!(readme.contains(&said), "the README does not say {said:?}");
}
