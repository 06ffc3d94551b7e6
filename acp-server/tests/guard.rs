//! Nothing outlives us: the tree below a guarded child ends with its owner, however the owner ends.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod support;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use rustix::process::{Pid, Signal, kill_process};
use support::{DEADLINE, example};

/// A tree of processes that all hold the FIFO on descriptor 9 and write their process ids to it: a child in the group, a
/// grandchild in a session of its own that ignores SIGTERM and whose parent is gone, and the program itself.
const TREE: &str = r#"
exec 9>"$0"
sh -c 'echo member $$ >&9; while :; do sleep 1; done' &
(setsid sh -c 'trap "" TERM HUP INT; echo loner $$ >&9; while :; do sleep 1; done' &)
echo program $$ >&9
while :; do sleep 1; done
"#;

struct Tree {
    owner: Child,
    pids: HashMap<String, Pid>,
    /// Says when nobody holds the FIFO any more.
    gone: mpsc::Receiver<()>,
}

impl Tree {
    /// Starts a client whose agent is the tree, and waits until all of it runs.
    fn start(directory: &Path) -> Self {
        let fifo = directory.join("held");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let owner = Command::new(example("one_shot_client"))
            .args(["hello", "sh", "-c", TREE])
            .arg(&fifo)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (started, pids) = mpsc::channel();
        let (done, gone) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(File::open(fifo).unwrap());
            let read = (0..3).map(|_| {
                let mut line = String::new();
                lines.read_line(&mut line).unwrap();
                let (name, pid) = line.trim().split_once(' ').unwrap();
                (name.to_owned(), Pid::from_raw(pid.parse().unwrap()).unwrap())
            });
            started.send(read.collect::<HashMap<_, _>>()).unwrap();
            lines.read_to_end(&mut Vec::new()).unwrap();
            done.send(()).unwrap();
        });
        let pids = pids.recv_timeout(DEADLINE).expect("the tree did not start in time");
        Self { owner, pids, gone }
    }

    fn assert_gone(mut self) {
        let gone = self.gone.recv_timeout(DEADLINE).is_ok();
        if !gone {
            for pid in self.pids.values() {
                let _ = kill_process(*pid, Signal::KILL);
            }
        }
        self.owner.wait().unwrap();
        assert!(gone, "something of the tree {:?} outlived its owner", self.pids);
    }
}

#[test]
fn a_killed_owner_leaves_no_process_behind() {
    let directory = tempfile::tempdir().unwrap();
    let tree = Tree::start(directory.path());
    kill_process(Pid::from_child(&tree.owner), Signal::KILL).unwrap();
    tree.assert_gone();
}

#[test]
fn a_terminated_owner_leaves_no_process_behind() {
    let directory = tempfile::tempdir().unwrap();
    let tree = Tree::start(directory.path());
    kill_process(Pid::from_child(&tree.owner), Signal::TERM).unwrap();
    tree.assert_gone();
}

#[test]
fn a_program_that_dies_takes_along_what_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let tree = Tree::start(directory.path());
    kill_process(tree.pids["program"], Signal::KILL).unwrap();
    tree.assert_gone();
}

#[test]
fn a_killed_guard_leaves_no_group_behind() {
    let directory = tempfile::tempdir().unwrap();
    let tree = Tree::start(directory.path());
    let children = format!("/proc/{0}/task/{0}/children", tree.owner.id());
    let guard: i32 = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(guard).unwrap(), Signal::KILL).unwrap();
    // What left the group is out of reach without the guard.
    kill_process(tree.pids["loner"], Signal::KILL).unwrap();
    tree.assert_gone();
}

#[test]
fn a_missing_program_is_reported_through_the_guard() {
    let ended = support::output(Command::new(example("one_shot_client")).args(["hello", "no-such-program-anywhere"]));
    assert!(!ended.status.success());
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert!(stderr.contains("no-such-program-anywhere"), "{stderr}");
    assert!(stderr.contains("NotFound") || stderr.contains("No such file"), "{stderr}");
}
