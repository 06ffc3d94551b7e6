//! An agent on its own stdin and stdout, whatever they are.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use support::{DEADLINE, example, output};

const TALK: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":1}}"#,
    "\n",
    r#"{"jsonrpc":"2.0","id":2,"method":"session/new","params":{"cwd":"/","mcpServers":[]}}"#,
    "\n",
    r#"{"jsonrpc":"2.0","id":3,"method":"session/prompt","params":{"sessionId":"s","prompt":[{"type":"text","text":"hi"}]}}"#,
    "\n"
);

/// The answers to [`TALK`], whatever comes between them.
fn check(said: &str) {
    let messages: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for id in 1..=3 {
        let answer = messages.iter().find(|message| message["id"] == id);
        assert!(answer.is_some_and(|answer| answer.get("result").is_some()), "no answer to {id} in {said}");
    }
    assert!(said.contains("You said: hi"), "{said}");
}

fn agent() -> Command {
    Command::new(example("minimal_agent"))
}

/// Reads until the third answer, so that a stream without end of its own can be read.
fn read_talk(mut from: impl Read + Send + 'static) -> String {
    let (done, said) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let mut byte = [0];
        while !String::from_utf8_lossy(&text).contains("stopReason") || !text.ends_with(b"\n") {
            match from.read(&mut byte) {
                Ok(1) => text.push(byte[0]),
                _ => break,
            }
        }
        done.send(String::from_utf8(text).unwrap())
    });
    said.recv_timeout(DEADLINE).expect("the agent did not answer in time")
}

#[test]
fn pipes_work_and_the_last_answers_come_after_the_end_of_input() {
    let mut child = agent().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(TALK.as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    assert!(said.status.success());
    check(&String::from_utf8(said.stdout).unwrap());
}

#[test]
fn sockets_work_one_each_way() {
    let (mut to_agent, stdin) = UnixStream::pair().unwrap();
    let (from_agent, stdout) = UnixStream::pair().unwrap();
    let mut child = agent().stdin(OwnedFd::from(stdin)).stdout(OwnedFd::from(stdout)).spawn().unwrap();
    to_agent.write_all(TALK.as_bytes()).unwrap();
    check(&read_talk(from_agent));
    drop(to_agent);
    assert!(child.wait().unwrap().success());
}

#[test]
fn one_socket_works_for_both_directions() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let stdout = theirs.try_clone().unwrap();
    let mut child = agent().stdin(OwnedFd::from(theirs)).stdout(OwnedFd::from(stdout)).spawn().unwrap();
    ours.write_all(TALK.as_bytes()).unwrap();
    check(&read_talk(ours.try_clone().unwrap()));
    ours.shutdown(std::net::Shutdown::Both).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn files_work() {
    let directory = tempfile::tempdir().unwrap();
    let (input, output_file) = (directory.path().join("in"), directory.path().join("out"));
    std::fs::write(&input, TALK).unwrap();
    let ended = output(agent().stdin(File::open(&input).unwrap()));
    check(&String::from_utf8(ended.stdout).unwrap());
    let mut child =
        agent().stdin(File::open(&input).unwrap()).stdout(File::create(&output_file).unwrap()).spawn().unwrap();
    assert!(child.wait().unwrap().success());
    check(&std::fs::read_to_string(&output_file).unwrap());
}

#[test]
fn a_terminal_works() {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let inside = File::options().read(true).write(true).open(name).unwrap();
    let mut settings = tcgetattr(&inside).unwrap();
    settings.make_raw();
    tcsetattr(&inside, OptionalActions::Now, &settings).unwrap();
    let mut child = agent().stdin(inside.try_clone().unwrap()).stdout(inside).spawn().unwrap();
    let mut terminal = File::from(terminal);
    terminal.write_all(TALK.as_bytes()).unwrap();
    check(&read_talk(terminal.try_clone().unwrap()));
    // Hanging up is the end of input.
    drop(terminal);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_pipe_that_others_write_to_keeps_blocking() {
    let (mut reader, writer) = io::pipe().unwrap();
    let (ours, theirs) = (writer.try_clone().unwrap(), writer.try_clone().unwrap());
    let mut command = agent();
    let mut child = command.stdin(Stdio::piped()).stdout(writer).stderr(theirs).spawn().unwrap();
    // The command holds copies of its own.
    drop(command);
    child.stdin.take().unwrap().write_all(TALK.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!fcntl_getfl(&ours).unwrap().contains(OFlags::NONBLOCK), "the shared pipe was made non-blocking");
    drop(ours);
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    check(&said);
}

#[test]
fn nothing_but_messages_reaches_stdout() {
    let mut child = Command::new(example("noisy_agent"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(TALK.as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(said.stdout).unwrap();
    let messages: Vec<serde_json::Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(messages.iter().all(|message| message["jsonrpc"] == "2.0"), "{stdout}");
    let ids: Vec<i64> = messages.iter().filter_map(|message| message["id"].as_i64()).collect();
    assert_eq!(ids, [1, 2, 3], "{stdout}");
    assert_eq!(messages[2]["error"]["code"], -32603, "the panic is an error of its request");
    let stderr = String::from_utf8(said.stderr).unwrap();
    for noise in ["printed to stdout", "logged to stdout", "printed by a child", "a bug in the agent"] {
        assert!(stderr.contains(noise), "{noise} is missing in {stderr}");
    }
}
