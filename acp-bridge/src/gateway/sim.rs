//! A whole bridge in one thread, moved by a seed: clients, gateway connections, the host's machine, agents and a log.
//!
//! The pure parts are the real ones ([`crate::session::Machine`], the gateway's connection, the core of the session's
//! follower, and what admits records to a log); what is around them, the log, the bus, the agent processes and the sockets, is a model that can be cut between
//! any two steps. A run has two lanes, one of which joins in its middle, and clients that come in every way there is. It
//! kills the bridge, the agents and clients at points that its seed picks, lets everything settle, and compares what
//! each client saw with the log. The same seed makes the same run; a failure prints it.

mod agent;
mod breaks;
mod check;
mod client;
mod dice;
mod driver;
mod gateway;
mod link;
mod owner;
mod tail;
mod visit;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use breaks::{Break, Broken};
use world::World;

/// Short runs, each with a seed of its own. `ACP_BRIDGE_SIM_SEED` runs one of them again, `ACP_BRIDGE_SIM_RUNS` as many
/// as it says.
const RUNS: u64 = 3_000;

/// Runs within which every way to break a promise is to be noticed.
const BROKEN_RUNS: u64 = 300;

fn run(seed: u64) {
    let outcome = catch_unwind(|| {
        let mut world = World::new(seed, None);
        world.run();
        if !world.findings.0.is_empty() {
            println!("{}", world.history());
        }
        world.findings.0
    });
    let again = format!("seed {seed}; ACP_BRIDGE_SIM_SEED={seed} runs it again");
    match outcome {
        Ok(broken) => assert!(broken.is_empty(), "{broken:#?}: {again}"),
        Err(_) => panic!("see above: {again}"),
    }
}

#[test]
fn whatever_is_killed_and_whenever_the_promises_hold() {
    let number = |name| std::env::var(name).ok().map(|number| number.parse().expect("a number"));
    match number("ACP_BRIDGE_SIM_SEED") {
        Some(seed) => run(seed),
        None => (0..number("ACP_BRIDGE_SIM_RUNS").unwrap_or(RUNS)).for_each(run),
    }
}

#[test]
fn the_same_seed_makes_the_same_run() {
    for seed in 0..50 {
        let [one, other] = [(); 2].map(|()| {
            let mut world = World::new(seed, None);
            world.run();
            world.history()
        });
        assert_eq!(one, other, "seed {seed}");
    }
}

#[test]
fn the_runs_exercise_what_they_are_meant_to() {
    let mut seen = world::Faults::default();
    for seed in 0..200 {
        let mut world = World::new(seed, None);
        world.run();
        seen.add(world.faults);
    }
    assert!(seen.bridge > 100 && seen.agent > 100 && seen.client > 100 && seen.stale > 50, "{seen:#?}");
    assert!(seen.repeated > 20 && seen.interrupted > 50 && seen.asked > 100 && seen.cancelled > 50, "{seen:#?}");
    assert!(seen.steered > 20 && seen.joined > 50 && seen.visits["refused"] > 20, "{seen:#?}");
    assert!(seen.chosen > 100 && seen.restored > 50 && seen.lost > 20, "{seen:#?}");
    let kinds = ["Load c", "Resume c", "Live c", "Attach(\"full\") ", "Attach(\"pending_only\") ", "Attach(\"none\") "];
    for kind in kinds.into_iter().chain(["AttachAfter o", "Attach(\"full\") o", "Some([\"two\"])", "Some([])"]) {
        let count: u64 = seen.visits.iter().filter(|(visit, _)| visit.contains(kind)).map(|(_, count)| count).sum();
        assert!(count > 10, "{kind}: {seen:#?}");
    }
}

/// What a run finds whose promises are broken on purpose, which may go wrong altogether.
fn found(seed: u64, wrong: Break) -> Vec<Broken> {
    let mut world = World::new(seed, Some(wrong));
    // What cannot go on is found as well, but proves no check.
    let _ = catch_unwind(AssertUnwindSafe(|| world.run()));
    world.findings.0
}

#[test]
fn every_check_fails_when_its_promise_is_broken() {
    for (wrong, promise) in Break::ALL {
        let noticed = |seed| found(seed, wrong).into_iter().find(|broken| broken.promise == promise);
        let Some(broken) = (0..BROKEN_RUNS).find_map(noticed) else { panic!("{promise}: nobody notices {wrong:?}") };
        println!("{promise}, {wrong:?}: {}", broken.how);
    }
}
