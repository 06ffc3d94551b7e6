//! The session logic, as a host drives it: pure, no processes.

mod calls;
mod cancel;
mod children;
mod choices;
mod lanes;
mod links;
mod policy;
mod props;
mod queue;
mod recovery;
mod requests;
mod rest;
mod sources;
mod steer;
mod support;
mod trust;
mod turns;
