//! What everybody saw against what the log says.

mod children;
mod choices;
mod requests;
mod turns;
mod views;

pub(super) use children::CHILDREN;
pub(super) use choices::p14_what_was_chosen_is_in_force;
pub(super) use requests::p8_answers_arrive;
pub(super) use turns::p5_somebody_wanted_it_to_stop;

use super::evidence::Evidence;
use super::finding::Findings;

/// Everything that is found to be broken once all has settled.
pub(super) fn promises(evidence: &Evidence, findings: &mut Findings) {
    turns::p1_one_order(evidence, findings);
    let turns = turns::p7_every_turn_ends_once(evidence, findings);
    turns::p2_what_is_acknowledged_is_stored(evidence, findings);
    turns::p4_only_who_asks_stops(evidence, findings);
    turns::p5_stops_are_told_and_end_turns(evidence, &turns, findings);
    turns::p6_prompts_run_once(evidence, findings);
    turns::p9_one_writer(evidence, findings);
    requests::p8_one_answer(evidence, findings);
    requests::p8_everybody_is_asked(evidence, findings);
    views::p1_the_same_for_all(evidence, findings);
    let names = children::ids_are_stable(evidence, findings);
    views::p3_and_p11_what_was_shown(evidence, &names, findings);
    views::p7_ends_are_told(evidence, &turns, findings);
    choices::p14_everybody_is_told(evidence, findings);
    views::p2_answers_are_in_the_log(evidence, &turns, findings);
    children::the_log_tells_of_each(evidence, findings);
    children::clients_are_told(evidence, findings);
    children::only_who_asks_stops(evidence, &names, findings);
}
