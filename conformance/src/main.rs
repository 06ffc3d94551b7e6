//! The `acp-conformance` program.

fn main() {}
