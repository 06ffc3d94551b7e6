//! An ACP agent that does wrong things on demand: the other side of the bridge's tests. Not an example to follow.
//!
//! It speaks JSON by hand over blocking stdio, so that it can also say what no library would. The first word of a
//! prompt says what it does, see `turn`. Flags: `--no-load` (can neither load nor resume), `--resume`,
//! `--mute` (never answers anything), `--echo` (prints a banner, and a line for every line that it gets), `--future` (speaks another version), `--steer` (takes messages into a turn), `--die-on-start`, `--pid FILE` (writes its process id there),
//! `--starts FILE` (adds its process id to a list), `--slow-new MS` (takes that long to make a session), `--chatty` (and says so).
//! `--forge` (says things in the bridge's name when it starts and when it opens a session).

#![expect(clippy::exit, reason = "dying in the middle of something is one of the faults")]

mod agent;
mod turn;
mod wire;

use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

use self::agent::Agent;
use self::wire::{ECHO, raw, read};

fn main() {
    let flags: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| flags.iter().any(|flag| flag == name);
    if has("--die-on-start") {
        eprintln!("told to die at the start");
        std::process::exit(7);
    }
    if has("--echo") {
        raw("Fault agent, all faults included");
        ECHO.store(true, Ordering::Relaxed);
    }
    let value = |name: &str| flags.iter().position(|flag| flag == name).map(|at| flags[at + 1].clone());
    if let Some(starts) = value("--starts") {
        let mut starts = std::fs::OpenOptions::new().create(true).append(true).open(starts).expect("open the list");
        writeln!(starts, "{}", std::process::id()).expect("write to the list");
    }
    if let Some(file) = value("--pid") {
        std::fs::write(file, std::process::id().to_string()).expect("write the pid file");
    }
    let (sender, lines) = channel();
    std::thread::spawn(move || read(&sender));
    let mut agent = Agent::new(lines, &flags);
    while let Ok(message) = agent.lines.recv() {
        if !has("--mute") {
            agent.handle(&message);
        }
    }
}
