//! Runs `cargo test` and reads from what it prints which tests ran and how they ended.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::run::{say, show};

/// How long the last lines may take after cargo has ended: a process left behind may hold the pipe open for ever.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The tests of one run.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) passed: u64,
    pub(super) tests: Vec<Ran>,
    executable: String,
}

/// A test that the run says something of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ran {
    /// File name of the program that it is in.
    pub(super) executable: String,
    /// Its path in there: `module::name`.
    pub(super) path: String,
    pub(super) end: End,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Passed,
    Failed,
    Ignored,
}

/// Runs it and shows what it prints; fails when it fails.
pub(super) fn of(command: &mut Command) -> anyhow::Result<Report> {
    let shown = show(command);
    say(&format!("$ {shown}"));
    // One pipe for both: cargo says on stderr which program's tests follow on stdout.
    let (reader, writer) = std::io::pipe()?;
    command.env("CARGO_TERM_COLOR", "never").stdout(writer.try_clone()?).stderr(writer);
    let child = command.spawn();
    // It holds the other end of the pipe.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.with_context(|| format!("{shown}: cannot be started; is it installed?"))?;
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            say(&line);
            // Nobody takes lines that come too late.
            let _ = sender.send(line);
        }
    });
    let status = child.wait()?;
    let mut report = Report::default();
    while let Ok(line) = lines.recv_timeout(LAST_LINES) {
        report.read(&line);
    }
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(report)
}

impl Report {
    fn read(&mut self, line: &str) {
        self.passed += passed_in(line);
        if let Some(executable) = executable_in(line) {
            executable.clone_into(&mut self.executable);
        } else if let Some((path, end)) = test_in(line) {
            self.tests.push(Ran { executable: self.executable.clone(), path: path.to_owned(), end });
        }
    }
}

/// `test result: ok. 12 passed; 0 failed; …`.
fn passed_in(line: &str) -> u64 {
    let count = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(" passed;")?.0.rsplit(' ').next());
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// `     Running tests/a.rs (target/debug/deps/a-0123)`: `a-0123`.
fn executable_in(line: &str) -> Option<&str> {
    let (_, path) = line.trim_start().strip_prefix("Running ")?.strip_suffix(')')?.rsplit_once('(')?;
    path.rsplit(['/', '\\']).next()
}

/// `test a::b ... ok`. A process that a test has started may have written the beginning of a line before it.
fn test_in(line: &str) -> Option<(&str, End)> {
    let (begin, end) = line.rsplit_once(" ... ")?;
    let end = match end {
        "ok" => End::Passed,
        "FAILED" => End::Failed,
        _ if end == "ignored" || end.starts_with("ignored, ") => End::Ignored,
        _ => return None,
    };
    let (_, path) = begin.rsplit_once("test ")?;
    // `test a::b - should panic ... ok`
    path.split(' ').next().map(|path| (path, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_results_count() {
        assert_eq!(passed_in("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"), 12);
        assert_eq!(passed_in("test result: FAILED. 3 passed; 1 failed; 0 ignored"), 3);
        assert_eq!(passed_in("test a_test ... ok"), 0);
    }

    #[test]
    fn a_failing_command_fails() {
        assert!(of(&mut Command::new("false")).is_err());
    }

    #[test]
    fn each_test_is_reported_with_the_program_that_it_is_in_and_its_end() {
        let script = r#"
            echo '     Running tests/one.rs (target/debug/deps/one-12ab)' >&2
            echo 'running 4 tests'
            echo 'test a::holds ... ok'
            printf 'an agent says this and ends: '; echo 'test b ... ok'
            echo 'test c ... ignored'
            echo 'test d ... ignored, it needs a disk'
            echo 'test result: ok. 2 passed; 0 failed; 2 ignored; 0 measured'
            echo '     Running unittests src/lib.rs (target/debug/deps/two-34cd)' >&2
            echo 'test b ... FAILED'
            echo 'test panics - should panic ... ok'
            echo 'a test ... of nothing'
        "#;
        let report = of(Command::new("sh").args(["-c", script])).unwrap();
        let tests: Vec<_> =
            report.tests.iter().map(|test| (test.executable.as_str(), test.path.as_str(), test.end)).collect();
        assert_eq!(
            tests,
            [
                ("one-12ab", "a::holds", End::Passed),
                ("one-12ab", "b", End::Passed),
                ("one-12ab", "c", End::Ignored),
                ("one-12ab", "d", End::Ignored),
                ("two-34cd", "b", End::Failed),
                ("two-34cd", "panics", End::Passed),
            ]
        );
        assert_eq!(report.passed, 2);
    }
}
