//! Runs `cargo test` and counts the tests that passed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::run::{say, show};

/// How long the last lines may take after cargo has ended: a process left behind may hold the pipe open for ever.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Runs it, shows what it prints, and returns how many tests passed; fails when it fails.
pub(super) fn tests(command: &mut Command) -> anyhow::Result<u64> {
    let shown = show(command);
    say(&format!("$ {shown}"));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{shown}: cannot be started; is it installed?"))?;
    let stdout = child.stdout.take().context("stdout")?;
    let (sender, passed) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            say(&line);
            // Nobody takes the count of lines that come too late.
            let _ = sender.send(passed_in(&line));
        }
    });
    let status = child.wait()?;
    let mut total = 0;
    while let Ok(count) = passed.recv_timeout(LAST_LINES) {
        total += count;
    }
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(total)
}

/// `test result: ok. 12 passed; 0 failed; …`.
fn passed_in(line: &str) -> u64 {
    let count = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(" passed;")?.0.rsplit(' ').next());
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
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
        assert!(tests(&mut Command::new("false")).is_err());
    }
}
