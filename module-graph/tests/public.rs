//! The public API of each crate that others build on. A line more, less or other is a change that its users notice, and
//! that the changelog names.

use std::collections::BTreeSet;
use std::path::Path;

use module_graph::public_api;

fn api_is_as_written(name: &str) {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = manifest.with_file_name(name).join("src/lib.rs");
    let actual = public_api(&root).unwrap_or_else(|error| panic!("{error}"));
    assert!(actual.len() > 30, "{} lines: this test must follow", actual.len());
    let golden = manifest.join("tests/public").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text: String = actual.iter().map(|line| format!("{line}\n")).collect();
        return std::fs::write(&golden, text).expect("write");
    }
    let text = std::fs::read_to_string(&golden).unwrap_or_default();
    let known: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let gone = known.difference(&actual).map(|line| format!("- {line}"));
    let new = actual.difference(&known).map(|line| format!("+ {line}"));
    let changed: Vec<String> = gone.chain(new).collect();
    assert!(
        changed.is_empty(),
        "the public API of {name} has changed. If that is meant, say so in CHANGELOG.md, and UPDATE_GOLDEN=1 writes {}:\n{}",
        golden.display(),
        changed.join("\n")
    );
}

#[test]
fn the_public_api_of_acp_types_is_as_written() {
    api_is_as_written("acp-types");
}

#[test]
fn the_public_api_of_acp_server_is_as_written() {
    api_is_as_written("acp-server");
}

#[test]
fn the_public_api_of_acp_bridge_is_as_written() {
    api_is_as_written("acp-bridge");
}

#[test]
fn the_public_api_of_harness_adapters_is_as_written() {
    api_is_as_written("harness-adapters");
}

#[test]
fn the_public_api_of_conformance_is_as_written() {
    api_is_as_written("conformance");
}

/// The API of one file of source.
fn api(source: &str) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("lib.rs");
    std::fs::write(&root, source).expect("write");
    public_api(&root).expect("Rust").into_iter().collect()
}

#[test]
fn what_is_exported_from_a_private_module_is_public_and_the_rest_is_not() {
    let source = "mod a { pub struct Shown { pub x: u8, y: u8 } pub struct Hidden; impl Shown { pub fn go(&self) {} fn no(&self) {} } \
                  impl Clone for Shown { fn clone(&self) -> Self { todo() } } } pub use a::Shown as Seen;";
    assert_eq!(
        api(source),
        [
            "Seen: impl Clone for Shown { }",
            "Seen: pub struct Shown { pub x: u8 } + private fields",
            "Seen::go: fn go(&self)"
        ]
    );
}

#[test]
fn a_glob_shows_the_public_items_of_its_module_and_tests_show_nothing() {
    let source = "mod a { pub fn one() {} pub(crate) fn two() {} } pub use self::a::*; pub use std::fmt; \
                  #[cfg(test)] pub mod tests { pub fn three() {} }";
    assert_eq!(api(source), ["fmt: use std::fmt", "one: fn one()"]);
}

#[test]
fn variants_and_methods_of_traits_have_lines_of_their_own() {
    let source =
        "#[derive(Debug)] pub enum E { /// Doc. A(u8), B } pub trait T { type X: Send; fn a(&self); fn b() {} }";
    let source = source.replace("/// Doc. ", "#[doc = \"Doc.\"] ");
    assert_eq!(
        api(&source),
        [
            "E: #[derive(Debug)] pub enum E { }",
            "E::A(u8)",
            "E::B",
            "T: pub trait T { }",
            "T::X: type Send",
            "T::a: fn a(&self)",
            "T::b: fn b() with a default"
        ]
    );
}
