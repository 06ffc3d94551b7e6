//! Processes that are not the test's own children: looking at them, waiting for their end, killing them.

use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::DEADLINE;

/// Whether a process runs. One that has ended and was not reaped does not.
pub fn is_alive(pid: &str) -> bool {
    Path::new(&format!("/proc/{pid}/cmdline")).exists()
        && !std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default().contains(") Z ")
}

/// Waits until a process has ended and was reaped.
pub fn wait_until_gone(pid: &str) {
    let deadline = Instant::now() + DEADLINE;
    while Path::new(&format!("/proc/{pid}")).exists() {
        assert!(Instant::now() < deadline, "process {pid} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `kill -9` of the process whose id is in a file.
pub fn kill_9(pid_file: impl AsRef<Path>) {
    let pid = std::fs::read_to_string(pid_file).expect("a file with a process id");
    assert!(Command::new("kill").args(["-9", &pid]).status().expect("run kill").success());
}

/// A named pipe that tells when a command has ended. The command begins with `exec 9>PIPE`: it holds the other end, and so
/// does all that it starts.
pub struct Held {
    released: Receiver<std::io::Result<usize>>,
}

impl Held {
    pub fn new(path: &Path) -> Self {
        assert!(Command::new("mkfifo").arg(path).status().expect("run mkfifo").success());
        let (sender, released) = channel();
        let path = path.to_owned();
        // Waits for the first that holds the pipe, then for the last. Nobody listens after a test that has failed.
        std::thread::spawn(move || {
            let read = std::fs::File::open(path).and_then(|mut pipe| pipe.read_to_end(&mut Vec::new()));
            sender.send(read)
        });
        Self { released }
    }

    /// Waits until something has held the pipe and the last that did has gone.
    pub fn wait_until_released(self) {
        let read = self.released.recv_timeout(DEADLINE).expect("the end of the command before the deadline");
        assert_eq!(read.expect("the end of the pipe"), 0, "nobody writes to it");
    }
}
