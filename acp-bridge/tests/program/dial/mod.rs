//! Agents that dial in from elsewhere: `acp-bridge dial` as a process, with a connection that breaks.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod connection;
mod ends;
mod joining;
mod restart;

use crate::support::dialler::Dialler;
use crate::support::log::wait_for_records;
use crate::support::proxy::Proxy;
use crate::support::{Bridge, Client, Options, example};

/// A session with an agent in the lane `far`, behind a connection that can be cut.
struct Stage {
    client: Client,
    session: String,
    dialler: Dialler,
    proxy: Proxy,
    bridge: Bridge,
    directory: tempfile::TempDir,
}

impl Stage {
    fn url(&self) -> String {
        self.proxy.url()
    }

    fn pid_file(&self) -> String {
        self.directory.path().join("pid").display().to_string()
    }

    /// Kills the bridge and starts it again, on another port, with another client that has resumed the session.
    fn kill_bridge(&mut self) {
        self.bridge.kill();
        self.start_bridge();
    }

    fn start_bridge(&mut self) {
        self.bridge.restart();
        self.proxy.retarget(&self.bridge.address);
        self.client = self.bridge.client_in(&self.session);
    }

    fn dial(&self) -> Dialler {
        Dialler::start(&self.url(), &self.session, "far", &[], &["--pid", &self.pid_file()])
    }
}

fn stage() -> Stage {
    let args = ["--cancel-grace", "60s"].map(str::to_owned).to_vec();
    let bridge = Bridge::start(Options { agent: vec![example("fault_agent")], args, wrapper: None, listen: None });
    let proxy = Proxy::to(&bridge.address);
    let mut client = bridge.client();
    let session = client.new_session();
    let directory = tempfile::tempdir().unwrap();
    let pid = directory.path().join("pid").display().to_string();
    let dialler = Dialler::start(&proxy.url(), &session, "far", &["--name", "helper"], &["--pid", &pid]);
    wait_for_records(&bridge, &session, "agent_started", 2);
    Stage { client, session, dialler, proxy, bridge, directory }
}

fn prompt(client: &mut Client, session: &str, text: &str) -> u64 {
    client.prompt_lane(session, "far", text)
}
