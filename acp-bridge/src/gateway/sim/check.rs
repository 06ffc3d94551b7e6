//! What everybody saw against what the log says, once everything has settled.

mod choices;
mod requests;
mod turns;
mod views;

pub(super) use choices::p14_what_was_chosen_is_in_force;
pub(super) use requests::p8_answers_arrive;

use super::world::World;

/// Everything that was found to be broken goes to the world's findings.
pub(super) fn promises(world: &mut World) {
    let mut findings = std::mem::take(&mut world.findings);
    turns::p1_one_order(world, &mut findings);
    let turns = turns::p7_every_turn_ends_once(world, &mut findings);
    turns::p4_only_who_asks_stops(world, &mut findings);
    turns::p5_stops_are_told_and_end_turns(world, &turns, &mut findings);
    turns::p6_prompts_run_once(world, &mut findings);
    turns::p9_one_writer(world, &mut findings);
    requests::p8_one_answer(world, &mut findings);
    requests::p8_everybody_is_asked(world, &mut findings);
    views::p1_the_same_for_all(world, &mut findings);
    views::p3_and_p11_what_was_shown(world, &mut findings);
    views::p7_ends_are_told(world, &turns, &mut findings);
    choices::p14_everybody_is_told(world, &mut findings);
    views::p2_answers_are_in_the_log(world, &turns, &mut findings);
    world.findings = findings;
}
