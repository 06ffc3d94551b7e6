//! `acp-conformance` as people and CI run it.

use std::process::{Command, Output};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_acp-conformance");

pub fn tool(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().expect("run acp-conformance")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
