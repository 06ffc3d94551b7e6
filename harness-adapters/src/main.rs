//! The `acp-harness` program.

fn main() {}
