//! A whole bridge in one thread, moved by a seed: clients, gateways, hosts, agents and a log.
//!
//! Hosts and gateways are the real ones: the supervisor with the tasks of its sessions, leases, agent pool and recovery, and
//! each connection's task with the followers that they share. The log is the real memory log, behind a port that keeps
//! writes back; see [`disk`]. Agents and clients are made here, and speak ACP. A run has two lanes, one of which joins in
//! its middle, two gateways and up to three hosts. It kills and stalls hosts, kills gateways, agents and connections,
//! fills the disk, and lets time pass, at points that its seed picks; then it lets everything settle, and compares what
//! each client saw with the log. Time stands still but where the run moves it, and all tasks run until none can between
//! two decisions, so the same seed makes the same run; a failure prints it.
//!
//! | File | Is |
//! |---|---|
//! | `run`, `world` | what happens, one step after the other, and to whom |
//! | `host`, `gateway`, `process` | what can be killed |
//! | `disk`, `disk_port` | the log, and what one process has of it |
//! | `agents`, `agent` | agent processes |
//! | `client`, `link`, `visit`, `socket` | clients, and what each saw on each connection |
//! | `family` | child sessions, as a client was told of them |
//! | `evidence`, `check`, `finding` | what a run has come to, and the promises |
//! | `fault` | ways to break a promise, each of which a check has to find |

mod agent;
mod agents;
mod check;
mod client;
mod dice;
mod disk;
mod disk_port;
mod evidence;
mod family;
mod fault;
mod finding;
mod gateway;
mod host;
mod link;
mod process;
mod run;
mod socket;
mod tally;
mod visit;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use fault::Fault;
use finding::Broken;
use tally::Tally;

/// Short runs, each with a seed of its own. `ACP_BRIDGE_SIM_SEED` runs one of them again, `ACP_BRIDGE_SIM_RUNS` those
/// up to what it says, from `ACP_BRIDGE_SIM_FROM` on.
const RUNS: u64 = 100;

/// Runs within which every way to break a promise is to be noticed.
const BROKEN_RUNS: u64 = 100;

/// What a run has come to.
struct Outcome {
    broken: Vec<Broken>,
    tally: Tally,
    history: String,
}

fn simulate(seed: u64, fault: Option<Fault>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let world = run::run(seed, fault).await;
        Outcome { history: run::history(&world), broken: world.findings.0, tally: world.tally }
    })
}

fn holds(seed: u64) {
    let again = format!("seed {seed}; ACP_BRIDGE_SIM_SEED={seed} runs it again");
    let Ok(outcome) = catch_unwind(|| simulate(seed, None)) else { panic!("see above: {again}") };
    if !outcome.broken.is_empty() {
        println!("{}", outcome.history);
    }
    assert!(outcome.broken.is_empty(), "{:#?}: {again}", outcome.broken);
}

#[test]
fn whatever_is_killed_and_whenever_the_promises_hold() {
    let number = |name| std::env::var(name).ok().map(|number| number.parse().expect("a number"));
    match number("ACP_BRIDGE_SIM_SEED") {
        Some(seed) => holds(seed),
        None => {
            (number("ACP_BRIDGE_SIM_FROM").unwrap_or(0)..number("ACP_BRIDGE_SIM_RUNS").unwrap_or(RUNS)).for_each(holds)
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_run() {
    for seed in 0..10 {
        let [one, other] = [(); 2].map(|()| simulate(seed, None).history);
        assert_eq!(one, other, "seed {seed}");
    }
}

#[test]
fn the_runs_exercise_what_they_are_meant_to() {
    let mut tally = Tally::default();
    for seed in 1_000..1_040 {
        tally.join(simulate(seed, None).tally);
    }
    let least = [
        ("host killed", 10),
        ("host stalled", 20),
        ("gateway killed", 8),
        ("agent killed", 40),
        ("client cut", 50),
        ("writes cut", 2),
        ("writes overlap", 50),
        ("append refused", 2),
        ("asked", 50),
        ("cancelled", 30),
        ("chosen", 50),
        ("restored", 10),
        ("lost", 1),
        ("interrupted", 20),
        ("steered", 20),
        ("joined", 15),
        ("repeated", 50),
        ("refused", 30),
        ("mode known", 100),
        ("child announced", 50),
        ("child asked", 20),
        ("child of a child", 10),
        ("child ended with its agent", 20),
        ("child stopped", 5),
        ("child introduced", 50),
        ("without children", 30),
        ("Load c", 5),
        ("Resume c", 5),
        ("Live c", 5),
        ("Attach(\"full\") ", 5),
        ("Attach(\"pending_only\") ", 5),
        ("Attach(\"none\") ", 5),
        ("AttachAfter o", 3),
        ("Attach(\"full\") o", 1),
        ("Some([\"two\"])", 5),
        ("Some([])", 2),
    ];
    for (what, least) in least {
        assert!(tally.of(what) >= least, "{what}: {tally:#?}");
    }
}

/// What a run finds whose promises are broken on purpose, which may go wrong altogether.
fn found(seed: u64, fault: Fault) -> Vec<Broken> {
    // What cannot go on is found as well, but proves no check.
    catch_unwind(AssertUnwindSafe(|| simulate(seed, Some(fault)))).map(|outcome| outcome.broken).unwrap_or_default()
}

#[test]
fn every_check_fails_when_its_promise_is_broken() {
    for (fault, promise) in Fault::ALL {
        let noticed = |seed| found(seed, fault).into_iter().find(|broken| broken.promise == promise);
        let Some(broken) = (0..BROKEN_RUNS).find_map(noticed) else { panic!("{promise}: nobody notices {fault:?}") };
        println!("{promise}, {fault:?}: {}", broken.how);
    }
}
