//! `acp-bridge dial` as a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{DEADLINE, example};

/// A running dialler; killed when dropped.
pub struct Dialler {
    child: Child,
    stderr: Arc<Mutex<String>>,
}

impl Dialler {
    /// One that runs the fault agent with some flags, after more arguments of its own.
    pub fn start(url: &str, session: &str, lane: &str, args: &[&str], flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_acp-bridge"))
            .args(["dial", "-v", "--url", url, "--session", session, "--lane", lane])
            .args(args)
            .args(["--", &example("fault_agent")])
            .args(flags)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start a dialler");
        let pipe = child.stderr.take().expect("a pipe");
        let stderr = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&stderr);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                eprintln!("dial: {line}");
                *kept.lock().expect("no panic") += &format!("{line}\n");
            }
        });
        Self { child, stderr }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().expect("kill the dialler");
        self.child.wait().expect("reap the dialler");
    }

    /// TERM.
    pub fn terminate(&self) {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().expect("run kill");
        assert!(status.success());
    }

    /// Waits for its end: how, and what it said.
    pub fn exit(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("wait for the dialler") {
                // The thread reads what is left.
                while Arc::strong_count(&self.stderr) > 1 {
                    std::thread::yield_now();
                }
                let said = self.stderr.lock().expect("no panic").clone();
                return (status, said);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the dialler did not exit");
    }
}

impl Drop for Dialler {
    fn drop(&mut self) {
        // It may have ended by itself. Its guard ends the agent.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
