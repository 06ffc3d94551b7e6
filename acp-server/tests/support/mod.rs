//! What the tests share: deadlines, batches taken apart, example programs.
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::future::Future;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use acp_server::proto::Event;
use acp_server::{Inbox, Link};

/// No wait in a test is longer than this.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not happen within {DEADLINE:?}"),
    }
}

/// An inbox read event by event.
pub(crate) struct Events {
    inbox: Inbox,
    batch: VecDeque<Event>,
}

impl Events {
    pub(crate) fn new(inbox: Inbox) -> Self {
        Self { inbox, batch: VecDeque::new() }
    }

    pub(crate) async fn next(&mut self) -> Option<Event> {
        while self.batch.is_empty() {
            self.batch = within("an event", self.inbox.next_batch()).await?.into();
        }
        self.batch.pop_front()
    }
}

pub(crate) fn events(link: Link) -> (acp_server::Outbox, Events) {
    (link.outbox, Events::new(link.inbox))
}

/// Builds an example program of this crate and returns its path.
pub(crate) fn example(name: &str) -> PathBuf {
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "acp-server", "--profile", profile, "--example", name])
        .status()
        .unwrap();
    assert!(built.success(), "cargo could not build the example {name}");
    let own = std::env::current_exe().unwrap();
    own.parent().unwrap().parent().unwrap().join("examples").join(name)
}

/// Runs a program to its end, which comes within the deadline or it is killed and the test fails.
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(child.wait_with_output()));
    match ended.recv_timeout(DEADLINE) {
        Ok(output) => output.unwrap(),
        Err(_) => {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            panic!("{command:?} did not end within {DEADLINE:?}");
        }
    }
}
