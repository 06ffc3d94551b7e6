//! A bridge as a process of its own, and a client that speaks the wire and nothing else.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod bridge;
pub mod client;
pub mod dialler;
pub mod editor;
pub mod family;
pub mod fault_agent;
pub mod harness;
pub mod json_rpc;
pub mod kept;
pub mod log;
pub mod malformed;
pub mod process;
pub mod proxy;
pub mod screen;
pub mod split;
pub mod started;

pub use bridge::{Bridge, Options};
pub use client::Client;

/// Until what has to come has come. It only ends a test that hangs, so no load that a machine may have comes near it.
pub const DEADLINE: std::time::Duration = std::time::Duration::from_secs(180);

/// The path of an example of this package, built by `cargo test` beside the tests.
pub fn example(name: &str) -> String {
    let exe = std::env::current_exe().expect("the test's own path");
    let path = exe.parent().and_then(|deps| deps.parent()).expect("target/PROFILE").join("examples").join(name);
    assert!(path.exists(), "{} is missing: run `cargo build --examples -p acp-bridge`", path.display());
    path.to_str().expect("a UTF-8 path").to_owned()
}
