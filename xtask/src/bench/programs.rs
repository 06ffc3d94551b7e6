//! The programs that are measured, built in release.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{OFFICIAL_PEER, cargo, execute, root};

/// Ours.
pub(super) fn build() -> anyhow::Result<()> {
    execute(cargo().args(["build", "--locked", "--release", "--workspace", "--bins", "--examples"]))
}

/// The peers on the official SDKs, and ours that do the same.
pub(super) fn build_peers() -> anyhow::Result<()> {
    crate::npm::install(crate::npm::SDK)?;
    let build = ["build", "--locked", "--release", "--workspace"];
    execute(cargo().args(build).current_dir(root().join(OFFICIAL_PEER)))?;
    execute(cargo().args(build).current_dir(root().join("interop")))
}

fn release(directory: &str, name: &str) -> PathBuf {
    root().join(directory).join(name)
}

/// The bridge in front of the load agent, with its log in a directory.
pub(super) fn bridge(directory: &Path, durability: &str) -> Command {
    serve(release("target/release", "acp-bridge"), directory, durability)
}

/// The same, which writes the times of its hops into a file when it ends.
pub(super) fn timed_bridge(directory: &Path, durability: &str) -> Command {
    let mut command = serve(release("target/release/examples", "timed_bridge"), directory, durability);
    command.env("HOPS", hops(directory));
    command
}

/// The file that [`timed_bridge`] writes.
pub(super) fn hops(directory: &Path) -> PathBuf {
    directory.join("hops.json")
}

fn serve(program: PathBuf, directory: &Path, durability: &str) -> Command {
    let mut command = Command::new(program);
    command
        .args(["serve", "--listen", ":0", "--json", "--durability", durability, "--max-clients", "6000", "--log"])
        .arg(format!("sqlite:{}", directory.join("bench.db").display()))
        .arg("--")
        .arg(load_agent());
    command
}

/// The official SDK's WebSocket transport in front of the same agent.
pub(super) fn official_server() -> Command {
    let mut command = Command::new(release("interop/target/release", "official-ws-server"));
    command.arg(load_agent());
    command
}

/// Writes updates as fast as a pipe takes them, so that it is not what is measured.
pub(super) fn load_agent() -> PathBuf {
    release("target/release/examples", "fault_agent")
}

/// Commits what it reads to SQLite, or not, and passes it on.
pub(super) fn bare_relay(directory: &Path, durability: &str) -> Command {
    let mut command = Command::new(release("target/release/examples", "bare_relay"));
    command.arg(durability).arg(directory.join("relay.db"));
    command
}

/// Reads updates and counts them.
pub(super) fn load_client() -> Command {
    Command::new(release("target/release/examples", "load_client"))
}

/// A client and an agent on the same code base, both with the same prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pair {
    Ours,
    OfficialRust,
    TypeScript,
}

impl Pair {
    pub(super) const ALL: [Self; 3] = [Self::Ours, Self::OfficialRust, Self::TypeScript];

    pub(super) fn agent(self) -> Vec<OsString> {
        self.program("agent")
    }

    pub(super) fn client(self) -> Vec<OsString> {
        self.program("client")
    }

    fn program(self, what: &str) -> Vec<OsString> {
        let peer = |prefix: &str| vec![release("interop/target/release", &format!("{prefix}-{what}")).into()];
        match self {
            Self::Ours => peer("our"),
            Self::OfficialRust => peer("official"),
            Self::TypeScript => vec!["node".into(), root().join(format!("interop/ts/{what}.mjs")).into()],
        }
    }
}
