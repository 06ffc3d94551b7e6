//! The connection without a socket, a log or a host: events and records in, items and effects out.

mod attach;
mod children;
mod handshake;
mod kit;
mod lanes;
mod pending;
mod prompts;
mod shared;
mod terminals;
