//! Clients, agent, driver and crashes in any order: the session machine never panics and keeps its promises. The world
//! around it is that of the property tests; three bytes make one operation.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../acp-bridge/tests/machine/support/model/mod.rs"]
mod model;

fuzz_target!(|bytes: &[u8]| {
    let (ops, _) = bytes.as_chunks::<3>();
    let ops: Vec<_> = ops.iter().take(300).map(|&op| model::Op::from(op)).collect();
    model::World::run(&ops);
    model::World::run_linked(&ops);
});
