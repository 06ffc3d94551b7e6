//! A client's protocol: what its messages ask for, and how it is shown what a log says. Pure.
//!
//! The gateway's core speaks records and commands. A view turns the messages of one version of ACP into these and back.

pub(crate) mod history;
pub(crate) mod lanes;
pub(crate) mod member;
pub(crate) mod refusal;
pub(crate) mod refused;
pub(crate) mod role;
pub(crate) mod v1;
