//! What the architecture page says of the structure, read from the source.

use std::path::Path;

use acp_types::method::{Version, proposed};
use module_graph::Crate;

fn read() -> Crate {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    Crate::read(&root, &[]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn names_of_methods_are_written_only_in_the_method_table() {
    let rows = [Version::V1, Version::V2].into_iter().flat_map(|version| version.methods().iter().map(|row| row.name));
    let names: Vec<&str> = rows.chain(proposed::METHODS).collect();
    let of = read();
    let written = of.literals_of(&names);
    assert!(written.is_empty(), "use the constant of acp_types::method:\n{}", written.join("\n"));
}
