//! Where the programs are.

use std::path::{Path, PathBuf};

/// Who plays the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// On `acp-server`.
    Ours,
    /// On the official Rust SDK.
    OfficialRust,
    /// On the official TypeScript SDK.
    OfficialTypeScript,
}

/// Who plays the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// On `acp-server`.
    Ours,
    /// On the official Rust SDK.
    OfficialRust,
    /// On the official TypeScript SDK.
    OfficialTypeScript,
}

impl Agent {
    /// Its command line.
    pub fn command(self) -> Vec<String> {
        match self {
            Self::Ours => vec![peer("our-agent")],
            Self::OfficialRust => vec![peer("official-agent")],
            Self::OfficialTypeScript => node("agent.mjs"),
        }
    }
}

impl Client {
    /// Its command line, without what it is to connect to.
    pub fn command(self) -> Vec<String> {
        match self {
            Self::Ours => vec![peer("our-client")],
            Self::OfficialRust => vec![peer("official-client")],
            Self::OfficialTypeScript => node("client.mjs"),
        }
    }
}

fn interop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn existing(path: PathBuf) -> String {
    assert!(path.exists(), "{} is missing: run `cargo xtask test`, which builds and installs it", path.display());
    path.display().to_string()
}

/// A program of this workspace.
pub(crate) fn peer(name: &str) -> String {
    existing(interop().join("target/debug").join(name))
}

/// The bridge, from the main workspace.
pub(crate) fn bridge() -> String {
    existing(interop().join("../target/debug/acp-bridge"))
}

fn node(script: &str) -> Vec<String> {
    existing(interop().join("ts/node_modules/@agentclientprotocol/sdk/package.json"));
    vec!["node".to_owned(), existing(interop().join("ts").join(script))]
}
