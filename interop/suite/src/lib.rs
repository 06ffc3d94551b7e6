//! Starts clients, agents and servers as processes and drives them by the same script, whatever they are built on.
//!
//! Every client takes the steps of `interop/ts/client.mjs`, every agent the prompts of `interop/ts/agent.mjs`, so one
//! conversation checks every pair.

mod conversation;
mod driver;
mod place;
mod server;

pub use conversation::{Conversation, hold};
pub use driver::Driver;
pub use place::{Agent, Client};
pub use server::Server;
