//! A side that dies, or is away for too long, while the other goes on.

use std::process::Child;

use crate::support::client::text;
use crate::support::harness::eventually;
use crate::support::log::{records, wait_for_records};
use crate::support::{Bridge, Options};
use rustix::process::{Pid, Signal, kill_process};

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("a running process");
}

fn end(mut child: Child) {
    child.kill().expect("kill it");
    child.wait().expect("reap it");
}

#[test]
fn a_gateway_dies_and_the_turn_goes_on() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    client.prompt(&session, "count 300 5");
    let (cursor, _) = client.chunk();
    end_gateway(&mut bridge);
    bridge.start_gateway();
    let mut again = bridge.client();
    again.resume(&session, Some(cursor));
    again.turn_ended();
    let seen: Vec<u64> = again.chunks().iter().map(|(seq, _)| *seq).collect();
    assert!(seen.first().is_some_and(|first| *first > cursor), "nothing comes twice");
    let ended = records(&bridge, &session, "turn_ended");
    assert_eq!((ended.len(), &ended[0]["outcome"]), (1, &"completed".into()));
    let updates = records(&bridge, &session, "update");
    let said = updates.iter().filter(|update| update["update"]["sessionUpdate"] == "agent_message_chunk");
    assert_eq!(said.count(), 300, "the agent was not held up");
}

fn end_gateway(bridge: &mut Bridge) {
    bridge.gateway().kill().expect("kill the gateway");
    bridge.gateway().wait().expect("reap the gateway");
}

#[test]
fn a_host_dies_and_another_ends_its_turn_once_its_lease_has_run_out() {
    let mut bridge = Bridge::start(Options::fault_agent(&["--resume"]));
    let mut client = bridge.client();
    let session = client.new_session();
    client.prompt(&session, "wait");
    client.chunk();
    signal(bridge.host(), Signal::KILL);
    let before = bridge.start_host();
    end_reaped(before);
    // The client has not gone anywhere; it is told, and can go on.
    let ended = wait_for_records(&bridge, &session, "turn_ended", 1);
    assert_eq!(ended[0]["outcome"], "interrupted");
    let turn = client.prompt(&session, "echo again");
    let (answer, seen) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    assert!(text(&seen).ends_with("again"), "{}", text(&seen));
}

fn end_reaped(mut child: Child) {
    child.wait().expect("reap it");
}

#[test]
fn a_host_that_was_away_for_too_long_stops_the_agent_of_a_session_that_another_has_taken() {
    let directory = tempfile::tempdir().expect("a directory");
    let pid = directory.path().join("pid");
    let mut bridge = Bridge::start(Options::fault_agent(&["--pid", pid.to_str().expect("UTF-8")]));
    let mut client = bridge.client();
    let session = client.new_session();
    client.prompt(&session, "wait");
    client.chunk();
    let agent = std::fs::read_to_string(&pid).expect("the agent's process");
    signal(bridge.host(), Signal::STOP);
    let before = bridge.start_host();
    let ended = wait_for_records(&bridge, &session, "turn_ended", 1);
    assert_eq!(ended[0]["outcome"], "interrupted");
    assert!(std::path::Path::new("/proc").join(agent.trim()).exists(), "its host could not stop it");
    signal(&before, Signal::CONT);
    eventually("the agent of the former host is gone", || !std::path::Path::new("/proc").join(agent.trim()).exists());
    assert_eq!(records(&bridge, &session, "turn_ended").len(), 1, "the former host wrote nothing");
    end(before);
}
