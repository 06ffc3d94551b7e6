//! Clients, an agent, a driver and crashes in any order: the promises hold at every step and nothing stays open.

mod session_support;

use proptest::prelude::*;
use session_support::model::{Op, World};

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_in_whatever_order_the_promises_hold(
        ops in prop::collection::vec(any::<[u8; 3]>().prop_map(Op::from), 0..150)
    ) {
        World::run(&ops);
    }

    #[test]
    fn a_crash_after_any_step_leaves_a_log_that_goes_on(
        ops in prop::collection::vec(any::<[u8; 3]>().prop_map(Op::from), 0..25),
        appended: bool,
    ) {
        for cut in 0..=ops.len() {
            let mut cut_short = ops[..cut].to_vec();
            cut_short.push(Op::Crash { appended });
            cut_short.extend(&ops[cut..]);
            World::run(&cut_short);
        }
    }
}
