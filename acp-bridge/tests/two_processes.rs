//! The tests of a running bridge once more, with gateway and host in two processes that share nothing but a log: the one in
//! memory, in the test's own process, behind a socket.

#[path = "attach.rs"]
mod attach;
#[path = "fault_plan.rs"]
mod fault_plan;
#[path = "lanes.rs"]
mod lanes;
#[path = "policies.rs"]
mod policies;
#[path = "promises.rs"]
mod promises;
#[path = "queue.rs"]
mod queue;
