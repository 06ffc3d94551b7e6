//! The real bridge and a real agent, killed at points of a turn that a seed picks, with clients whose connections are
//! cut; in the end what each client saw is compared with the log.
//!
//! `ACP_BRIDGE_FAULT_ROUNDS` says how many turns (default 40), `ACP_BRIDGE_FAULT_SEED` with which seed the first session
//! begins. A failure prints both for the session that failed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::fault::dice::Dice;
use crate::fault::plan::Round;
use crate::fault::{Stage, check};

/// Turns of one session.
const TURNS: usize = 8;

/// Turns altogether.
const ROUNDS: usize = 40;

fn session(seed: u64, turns: usize) {
    let mut dice = Dice::new(seed);
    let mut stage = Stage::set();
    for number in 0..turns {
        let round = Round::any(&mut dice);
        let outcome = catch_unwind(AssertUnwindSafe(|| stage.round(number, &round, &mut dice)));
        assert!(outcome.is_ok(), "in turn {number}: {round:?}");
    }
    check::promises(&stage);
}

#[test]
fn whatever_is_killed_and_whenever_what_clients_saw_is_what_the_log_says() {
    let number = |name| std::env::var(name).ok().map(|number| number.parse::<u64>().expect("a number"));
    let first = number("ACP_BRIDGE_FAULT_SEED").unwrap_or(0);
    let rounds = number("ACP_BRIDGE_FAULT_ROUNDS").map_or(ROUNDS, |rounds| usize::try_from(rounds).expect("a count"));
    for (seed, begun) in (first..).zip((0..rounds).step_by(TURNS)) {
        let turns = TURNS.min(rounds - begun);
        let outcome = catch_unwind(|| session(seed, turns));
        assert!(
            outcome.is_ok(),
            "see above: ACP_BRIDGE_FAULT_SEED={seed} ACP_BRIDGE_FAULT_ROUNDS={turns} runs it again"
        );
    }
}
