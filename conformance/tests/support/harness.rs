//! The real harnesses, as programs that run once and end.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{DEADLINE, wait};

/// Where a harness runs: its home and workspace, gone with the test.
pub struct Stage {
    directory: tempfile::TempDir,
}

/// What a run printed.
pub struct Run {
    pub success: bool,
    /// The JSON lines of stdout.
    pub messages: Vec<Value>,
    pub stderr: String,
}

impl Stage {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["home", "work", "tmp"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        Self { directory }
    }

    pub fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub fn work(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    /// A program that knows nothing of this process's environment.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.work())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("TMPDIR", self.directory.path().join("tmp"));
        command
    }

    /// Runs a command of this stage to its end; the stage has to be there until then.
    pub fn run(&self, mut command: Command) -> Run {
        assert_eq!(command.get_current_dir(), Some(self.work().as_path()));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut group = Group(command.spawn().unwrap());
        let (stdout, stderr) = (drain(group.0.stdout.take().unwrap()), drain(group.0.stderr.take().unwrap()));
        let status = wait(&mut group.0, DEADLINE);
        // Whatever it started holds the pipes open.
        drop(group);
        let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
        let status = status.unwrap_or_else(|| panic!("it did not end\n{stdout}\n{stderr}"));
        let messages = stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Run { success: status.success(), messages, stderr }
    }
}

/// A process and its children, killed with the test.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        let _ = self.0.wait();
    }
}

fn drain(mut pipe: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A program of the pinned packages.
pub fn installed(path: &str) -> PathBuf {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../harness-adapters/tests/npm/node_modules");
    let program = packages.join(path);
    assert!(program.is_file(), "{} is missing: run cargo xtask test, which installs it", program.display());
    program
}
