//! Two plain processes that pass one line to and fro over pipes: what a round trip between processes takes here, whatever
//! they say.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};

use super::pair::Cores;
use crate::run::{capture, say};

/// About the size of a request for permission.
const LINE: usize = 256;

/// How long round trips take, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct RoundTrip {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// Has two new processes pass a line so many times.
pub(super) fn round_trip(times: u64, cores: Cores) -> anyhow::Result<RoundTrip> {
    // The system puts two such processes on one core in some runs and on two in others, which differ by a factor of six.
    let other = match cores {
        Cores::Any => 1,
        Cores::One => 0,
    };
    let text = capture(on(0)?.arg(times.to_string()).arg(other.to_string()))?;
    let figures: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [p50, p99] = figures[..] else { anyhow::bail!("the processes on a bare pipe said {text:?}") };
    Ok(RoundTrip { p50, p99 })
}

/// This program as one of the two processes, on a core.
fn on(core: u32) -> anyhow::Result<Command> {
    let mut command = Command::new("taskset");
    command.arg("--cpu-list").arg(core.to_string()).arg(std::env::current_exe()?).arg("bare-pipe");
    Ok(command)
}

/// One of the two processes. With a number it starts the other on a core, passes a line to it so many times and prints p50
/// and p99 in microseconds; without one it gives back each line that it gets.
pub(crate) fn end(times: Option<u64>, core: u32) -> anyhow::Result<()> {
    let Some(times) = times else { return echo() };
    let mut other = on(core)?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut output = other.stdin.take().context("stdin")?;
    let mut input = other.stdout.take().context("stdout")?;
    let mut line = [b'x'; LINE];
    line[LINE - 1] = b'\n';
    let mut took = Vec::new();
    for _ in 0..times {
        let began = Instant::now();
        output.write_all(&line)?;
        ensure!(read_line(&mut input, &mut line)?, "the other process ended");
        took.push(began.elapsed().as_secs_f64() * 1e6);
    }
    drop(output);
    other.wait()?;
    took.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| took.get(took.len() * share / 100).copied().unwrap_or(f64::NAN);
    say(&format!("{} {}", at(50), at(99)));
    Ok(())
}

fn echo() -> anyhow::Result<()> {
    let mut input = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut output = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    let mut line = [0; LINE];
    while read_line(&mut input, &mut line)? {
        output.write_all(&line)?;
    }
    Ok(())
}

/// `false` at the end.
fn read_line(input: &mut impl Read, line: &mut [u8; LINE]) -> anyhow::Result<bool> {
    let mut filled = 0;
    while filled < LINE {
        match input.read(&mut line[filled..])? {
            0 => return Ok(false),
            read => filled += read,
        }
    }
    Ok(true)
}
