//! Both doors of a gateway, with a host that the tests script.

mod access;
mod http;
mod input;
mod rpc;
mod rpc_control;
mod rpc_export;
mod rpc_subscription;
mod secrets;
mod sessions;
mod slow_reader;
mod support;
mod turns;
