//! A harness as an ACP agent: the contract of a harness, and the parts that drive it.

mod agent;
mod channel;
mod children;
mod chosen;
mod client_queue;
mod driver;
mod extension;
mod fit;
mod harness;
pub mod process;
mod questions;
mod record;
mod service;
mod sessions;

pub use agent::serve;
pub use channel::{Channel, FromHarness};
pub use harness::{Harness, Open, Opened, Options};
