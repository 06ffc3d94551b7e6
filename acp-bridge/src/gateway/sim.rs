//! A whole bridge in one thread, moved by a seed: clients, gateway connections, the host's machine, an agent and a log.
//!
//! The pure parts are the real ones ([`crate::session::Machine`] and the gateway's connection); what is around them,
//! the log, the bus, the agent process and the sockets, is a model that can be cut between any two steps. A run kills
//! the bridge, the agent and clients at points that its seed picks, lets everything settle, and compares what each
//! client saw with the log. The same seed makes the same run; a failure prints it.

mod agent;
mod check;
mod client;
mod dice;
mod owner;
mod world;

use world::World;

/// Short runs, each with a seed of its own. `ACP_BRIDGE_SIM_SEED` runs one of them again.
const RUNS: u64 = 6_000;

/// Every other run has an agent that is connected over a link and outlives the bridge.
fn world(seed: u64) -> World {
    World::new(seed, seed % 2 == 1)
}

fn run(seed: u64) {
    let outcome = std::panic::catch_unwind(|| world(seed).run());
    assert!(outcome.is_ok(), "seed {seed}: see above; ACP_BRIDGE_SIM_SEED={seed} runs it again");
}

#[test]
fn whatever_is_killed_and_whenever_the_promises_hold() {
    if let Some(seed) = std::env::var("ACP_BRIDGE_SIM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return run(seed);
    }
    (0..RUNS).for_each(run);
}

#[test]
fn the_same_seed_makes_the_same_run() {
    for seed in 0..50 {
        let [one, other] = [(); 2].map(|()| {
            let mut world = world(seed);
            world.run();
            world.history()
        });
        assert_eq!(one, other, "seed {seed}");
    }
}

#[test]
fn the_runs_exercise_what_they_are_meant_to() {
    for links in [false, true] {
        let mut seen = world::Faults::default();
        for seed in 0..200 {
            let mut world = World::new(seed, links);
            world.run();
            seen.add(&world.faults);
        }
        assert!(seen.bridge > 100 && seen.agent > 100 && seen.client > 100, "{seen:?}");
        assert!(seen.repeated > 20 && seen.asked > 100 && seen.cancelled > 50, "{seen:?}");
        // An agent that outlives the bridge is interrupted by its own death only, and goes on in many turns.
        assert!(seen.interrupted > if links { 20 } else { 50 }, "{seen:?}");
        assert_eq!(seen.went_on > 50, links, "{seen:?}");
    }
}
