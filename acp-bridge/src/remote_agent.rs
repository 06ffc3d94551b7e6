//! Agents that run elsewhere, each under a *dialler*: a process of ours that connects out to the host and starts it there.
//!
//! [`protocol`] is a numbered stream of messages that survives its sockets, pure. `transport` is the I/O of both of its
//! ends. `registry` knows the diallers of a host, and `process` is an agent under one as the host sees it.

pub(crate) mod process;
pub mod protocol;
pub(crate) mod registry;
pub(crate) mod transport;
