//! One log under several names, and bridges that are stopped.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::report::held;
use crate::support::bridge::secrets_beside;
use crate::support::{Bridge, Options, example};

/// A bridge that ends at once because somebody else has the log.
fn refused(log: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_acp-bridge"))
        .env("ACP_BRIDGE_SECRETS", secrets_beside(log))
        .args(["serve", "--listen", ":0", "--log", &format!("sqlite:{}", log.display()), "--"])
        .arg(example("fault_agent"))
        .stdin(Stdio::null())
        .output()
        .expect("run a bridge")
}

fn stop(log: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_acp-bridge"))
        .args(["stop", "--log", &format!("sqlite:{}", log.display())])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("run stop")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn lock_of(log: &Path) -> PathBuf {
    PathBuf::from(format!("{}.lock", log.display()))
}

#[test]
fn a_log_has_one_bridge_whatever_it_is_called() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let directory = bridge.log.parent().expect("a directory");
    let elsewhere = tempfile::tempdir().expect("another directory");
    let soft = elsewhere.path().join("soft.db");
    std::os::unix::fs::symlink(&bridge.log, &soft).expect("a symbolic link");
    let through = elsewhere.path().join("through");
    std::os::unix::fs::symlink(directory, &through).expect("a symbolic link");
    let dotted = directory.join("..").join(directory.file_name().expect("a name")).join("log.db");
    for name in [soft, through.join("log.db"), dotted] {
        let output = refused(&name);
        assert_eq!(output.status.code(), Some(1), "{}", name.display());
        assert!(said(&output).contains(&format!("process {}", bridge.pid())), "{}", said(&output));
    }

    let hard = directory.join("hard.db");
    std::fs::hard_link(&bridge.log, &hard).expect("a hard link");
    let output = refused(&hard);
    assert!(output.status.code() == Some(1) && said(&output).contains("2 names"), "{}", said(&output));
    std::fs::remove_file(&hard).expect("remove it");

    if cfg!(target_os = "linux") {
        let renamed = directory.join("renamed.db");
        std::fs::rename(&bridge.log, &renamed).expect("rename it");
        let output = refused(&renamed);
        assert!(output.status.code() == Some(1) && said(&output).contains("in use"), "{}", said(&output));
        std::fs::rename(&renamed, &bridge.log).expect("as it was");
    }

    let turn = client.prompt(&session, "echo still here");
    assert_eq!(client.turn(turn).0["result"]["stopReason"], "end_turn");
    assert!(bridge.terminate().success());
    acp_bridge::log::SqliteLog::check(&bridge.log).expect("a sound log");
    held(
        "serve one log by symbolic link, hard link, another path and a new name",
        "one bridge has it, others are refused",
    );
}

#[test]
fn stop_ends_the_bridge_of_a_log_and_no_other_process() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    bridge.client().new_session();
    let lock = lock_of(&bridge.log);
    let pid = std::fs::read_to_string(&lock).expect("the lock");
    assert_eq!(pid.trim(), bridge.pid().to_string());
    let output = stop(&bridge.log, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(bridge.ended_by_itself().success());
    assert_eq!(std::fs::read_to_string(&lock).expect("the lock"), "", "the number leaves the file");
    let output = stop(&bridge.log, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));

    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let asked = Command::new(env!("CARGO_BIN_EXE_acp-bridge"))
        .args(["stop", "--url", &format!("http://{}", bridge.address)])
        .output()
        .expect("run stop");
    assert!(asked.status.success(), "{}", said(&asked));
    assert!(bridge.ended_by_itself().success());

    // A number that was left by a bridge that was killed names some other process by now.
    let mut innocent = Command::new("sleep").arg("600").spawn().expect("a process");
    std::fs::write(&lock, format!("{}\n", innocent.id())).expect("a stale number");
    let output = stop(&bridge.log, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(innocent.try_wait().expect("look").is_none(), "it lives");
    innocent.kill().and_then(|()| innocent.wait()).expect("end it");
    held(
        "acp-bridge stop, also with the number of another process in the lock file",
        "only who holds the lock is stopped",
    );
}
