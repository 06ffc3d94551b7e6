//! The scripted model as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{PATIENCE, model_program};

/// A running scripted model; ends when dropped.
pub(crate) struct Model {
    process: Child,
    /// Such as `http://127.0.0.1:1234`.
    pub(crate) url: String,
}

impl Model {
    /// Starts it with a script, written into `directory`.
    pub(crate) fn start(script: &str, directory: &Path) -> Self {
        let file = directory.join("script.toml");
        std::fs::write(&file, script).expect("write the script");
        let mut process = Command::new(model_program())
            .args(["model", "--json", "--script"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the scripted model");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("read");
        let listening: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("the scripted model did not start; it said {line:?} and more on stderr"));
        Self { process, url: listening["url"].as_str().expect("a URL").to_owned() }
    }

    /// Lets replies go on that wait at a gate.
    pub(crate) fn release(&self, gate: &str) {
        self.http("POST", &format!("/control/release/{gate}"));
    }

    /// All requests so far, oldest first.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let body = self.http("GET", "/control/requests");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    /// Leaves everything without an answer, also what it was in the middle of, until it is [thawed](Self::thaw).
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Goes on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let process = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(process, signal).expect("it runs");
    }

    fn http(&self, method: &str, path: &str) -> String {
        let address = self.url.strip_prefix("http://").expect("a plain URL");
        let mut stream = TcpStream::connect(address).expect("the scripted model listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        write!(stream, "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n").expect("write");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        assert!((200..300).contains(&status), "{method} {path}: {head}\n{body}");
        body.to_owned()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
