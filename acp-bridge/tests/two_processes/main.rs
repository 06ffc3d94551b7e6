//! The tests of a running bridge once more, with gateway and host in two processes that share nothing but a log: the one in
//! memory, in the test's own process, behind a socket.
#![allow(
    clippy::duplicate_mod,
    reason = "each file is a test program of its own elsewhere, and brings its own support"
)]

mod apart;
#[path = "../program/attach.rs"]
mod attach;
#[path = "../program/fault/mod.rs"]
mod fault;
#[path = "../program/fault_plan.rs"]
mod fault_plan;
#[path = "../program/lanes.rs"]
mod lanes;
#[path = "../program/policies.rs"]
mod policies;
#[path = "../program/promises.rs"]
mod promises;
#[path = "../program/queue.rs"]
mod queue;
#[path = "../program/support/mod.rs"]
mod support;
