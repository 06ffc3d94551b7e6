//! An editor, the relay and a model of the bridge, with a link that is cut at every message.

mod bridge;
mod world;

use proptest::prelude::*;

use self::world::{Cut, World};

/// Steps of an undisturbed run, which cuts are put into.
fn steps() -> usize {
    let mut world = World::new();
    world.finish();
    world.check();
    world.steps
}

#[test]
fn an_undisturbed_conversation_is_passed_on() {
    assert!(steps() > 60, "the conversation is too short to cut it anywhere");
}

#[test]
fn a_cut_before_or_after_any_message_is_not_noticed() {
    for at in 0..=steps() {
        for cut in [Cut::Drop, Cut::Restart] {
            let mut world = World::new();
            world.run(at);
            world.cut(cut);
            world.finish();
            world.check();
        }
    }
}

#[test]
fn a_second_cut_while_the_first_is_being_made_up_for_is_not_noticed() {
    for at in 0..=steps() {
        for later in 1..14 {
            let mut world = World::new();
            world.run(at);
            world.cut(Cut::Drop);
            world.run(later);
            world.cut(Cut::Drop);
            world.finish();
            world.check();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_overtakes_what_each_update_answer_and_question_comes_once(
        choices in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut world = World::new();
        for choice in choices {
            match choice {
                0..=5 => world.cut(Cut::Drop),
                6 => world.cut(Cut::Restart),
                other => world.step(usize::from(other)),
            }
        }
        world.finish();
        world.check();
    }
}
