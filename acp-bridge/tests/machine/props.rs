//! Clients, an agent, a driver and crashes in any order: the promises hold at every step and nothing stays open.

use crate::support::model::{Op, World};
use proptest::prelude::*;

/// Anything, but more often what two lanes need to run, queue and be steered at the same time.
fn busy_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => any::<[u8; 3]>().prop_map(Op::from),
        1 => (0..2u8).prop_map(|lane| Op::Turn { lane }),
        2 => (0..6u8, any::<u8>()).prop_map(|(key, kind)| Op::PromptThat { key, kind }),
        1 => Just(Op::Started { forgot: false }),
        1 => any::<(u8, u8)>().prop_map(|(call, kind)| Op::AgentAnswers { call, kind }),
        2 => Just(Op::Flush),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_in_whatever_order_the_promises_hold(
        ops in prop::collection::vec(any::<[u8; 3]>().prop_map(Op::from), 0..150)
    ) {
        World::run(&ops);
    }

    #[test]
    fn they_hold_too_where_two_agents_work_at_once_and_are_steered(
        ops in prop::collection::vec(busy_op(), 0..150)
    ) {
        let joins = [Op::LaneAdd { lane: 1 }, Op::Flush, Op::Turn { lane: 1 }, Op::Started { forgot: false }];
        World::run(&[&joins[..], &ops].concat());
    }

    #[test]
    fn they_hold_for_agents_that_outlive_the_bridge(
        ops in prop::collection::vec(prop_oneof![
            4 => any::<[u8; 3]>().prop_map(Op::from),
            2 => busy_op(),
            1 => any::<bool>().prop_map(|appended| Op::Crash { appended }),
            2 => (0..8u8).prop_map(|dice| Op::Returns { comes: dice > 0 }),
        ], 0..150)
    ) {
        World::run_linked(&ops);
    }

    #[test]
    fn a_crash_after_any_step_leaves_a_log_that_goes_on(
        ops in prop::collection::vec(any::<[u8; 3]>().prop_map(Op::from), 0..25),
        appended: bool,
        links: bool,
    ) {
        for cut in 0..=ops.len() {
            let mut cut_short = ops[..cut].to_vec();
            cut_short.push(Op::Crash { appended });
            cut_short.extend(&ops[cut..]);
            if links { World::run_linked(&cut_short) } else { World::run(&cut_short) }
        }
    }
}
