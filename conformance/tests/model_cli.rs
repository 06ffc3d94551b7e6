//! The program: what it prints and how it ends.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::process::{Output, Stdio};

use support::{DEADLINE, Model, program, wait};

fn run(arguments: &[&str]) -> Output {
    let mut child = program().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if wait(&mut child, DEADLINE).is_none() {
        child.kill().unwrap();
    }
    child.wait_with_output().unwrap()
}

#[test]
fn it_ends_well_when_it_is_asked_to() {
    assert!(Model::with(None, &[]).terminate().success());
}

#[test]
fn a_port_can_be_chosen_in_short() {
    let model = Model::with(None, &["--listen", ":0"]);
    assert!(model.url.starts_with("http://127.0.0.1:"), "{}", model.url);
}

#[test]
fn a_script_with_an_error_is_named_with_the_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bad.toml");
    std::fs::write(&path, "[[prompt]]\nmatch = \"*\"\nreplies = [[{ sya = \"x\" }]]\n").unwrap();
    let output = run(&["--script", path.to_str().unwrap()]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(stderr.contains("bad.toml: line 3: a part needs one of say,"), "{stderr}");
}

#[test]
fn a_script_that_is_not_there_is_wrong_usage() {
    let output = run(&["--script", "/nowhere/script.toml"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("cannot read the script /nowhere/script.toml"), "{stderr}");
}

#[test]
fn only_this_machine_is_served() {
    for (address, why) in [("0.0.0.0:0", "not a loopback address"), ("somewhere", "is no address")] {
        let output = run(&["--listen", address]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert!(stderr.contains(why), "{stderr}");
    }
}
