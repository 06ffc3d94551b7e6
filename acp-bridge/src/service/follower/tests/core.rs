//! The core: whoever reads through it, from wherever, sees what a fold from the first record on would have shown.

use std::sync::Arc;

use acp_types::record::body::Outcome;
use acp_types::record::{Kind, Record, Seq};

use super::story::{Dice, Story};
use crate::log::{LogError, ReadLimit};
use crate::service::follower::core::{MAX_RECENT, MAX_RECENT_BYTES, MAX_STATES};
use crate::service::follower::{Batch, FollowerCore};
use crate::session::State;

/// Somebody who reads, and folds what it is given no state of, as an attachment does.
#[derive(Debug)]
struct Reader {
    cursor: Seq,
    state: Arc<State>,
    /// Up to here the state was ahead.
    upto: Seq,
    /// Control records that it folded by itself.
    folded: u64,
}

impl Reader {
    /// Comes to the session as it is now and reads from a cursor.
    fn come(core: &mut FollowerCore, story: &Story, after: Seq) -> Self {
        core.catch_up(&story.control_after(core.head()));
        core.skip_to(story.head());
        core.enter(after);
        let state = core.state().unwrap();
        assert_eq!((core.head(), &state), (story.head(), &story.state(story.head())));
        Self { cursor: after, state, upto: story.head(), folded: 0 }
    }

    /// Reads once; whether it was given what another had read.
    fn read(&mut self, core: &mut FollowerCore, story: &Story, some: usize) -> bool {
        let (batch, shared) = match core.shared(self.cursor, ReadLimit { records: some, bytes: usize::MAX }) {
            Some(batch) => (batch, true),
            None => (core.take(story.after(self.cursor, some)), false),
        };
        self.take(&batch, story);
        core.advance(self.cursor, batch.last_seq().unwrap_or(self.cursor));
        self.cursor = batch.last_seq().unwrap_or(self.cursor);
        shared
    }

    fn take(&mut self, batch: &Batch, story: &Story) {
        for (expected, record) in (self.cursor + 1..).zip(batch.records()) {
            assert_eq!(record.seq, expected, "each record once and in order");
            if !record.kind.is_control() {
                continue;
            }
            let known = batch.state_behind(record.seq);
            if let Some(known) = known {
                assert_eq!(**known, *story.state(record.seq), "behind {expected}");
            }
            if record.seq <= self.upto {
                continue;
            }
            match known {
                Some(known) => self.state = Arc::clone(known),
                None => {
                    Arc::make_mut(&mut self.state).apply(record).unwrap();
                    self.folded += 1;
                }
            }
            assert_eq!(*self.state, *story.state(record.seq));
        }
        if let Some(last) = batch.last_state() {
            assert_eq!(**last, *story.state(batch.last_seq().unwrap()), "behind all of them");
            self.state = Arc::clone(last);
        }
    }
}

/// Everybody reads to the head.
fn catch_all_up(core: &mut FollowerCore, story: &Story, readers: &mut [Reader]) {
    for reader in readers {
        while reader.cursor < story.head() {
            reader.read(core, story, 7);
        }
    }
}

#[test]
fn whoever_reads_from_wherever_sees_each_record_once_with_the_state_of_its_place() {
    let (mut shared, mut alone) = (0, 0);
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let below = |dice: &mut Dice, bound: u64| usize::try_from(dice.below(bound)).unwrap();
        let (mut story, mut core) = (Story::new(), FollowerCore::default());
        let mut readers: Vec<Reader> = Vec::new();
        for _ in 0..400 {
            match dice.below(12) {
                0 if readers.len() < 5 => {
                    let after = dice.below(story.head() + 1);
                    readers.push(Reader::come(&mut core, &story, after));
                }
                1 if !readers.is_empty() && dice.below(3) == 0 => {
                    let at = below(&mut dice, readers.len() as u64);
                    let gone = readers.swap_remove(at);
                    core.leave(gone.cursor);
                }
                2..=6 if !readers.is_empty() => {
                    let at = below(&mut dice, readers.len() as u64);
                    let some = 1 + below(&mut dice, 9);
                    shared += u64::from(readers[at].read(&mut core, &story, some));
                }
                _ => story.go_on(&mut dice),
            }
            let (records, bytes, states, places) = core.kept();
            assert!(records <= MAX_RECENT && bytes <= MAX_RECENT_BYTES && states <= MAX_STATES);
            assert_eq!(places, readers.len());
        }
        catch_all_up(&mut core, &story, &mut readers);
        for reader in &readers {
            assert_eq!(*reader.state, *story.state(story.head()), "seed {seed}");
            alone += reader.folded;
        }
        if !readers.is_empty() {
            let (records, bytes, states, _) = core.kept();
            assert_eq!((records, bytes, states), (0, 0, 0), "nobody needs what is kept");
            let one = &readers[0].state;
            assert!(readers.iter().all(|reader| Arc::ptr_eq(one, &reader.state)), "all at one place share one state");
        }
    }
    assert!(shared > 1_000 && alone > 500, "both ways are taken: {shared}, {alone}");
}

#[test]
fn who_comes_late_at_any_cursor_sees_what_a_fold_from_the_start_shows() {
    let mut dice = Dice::new(7);
    let (mut story, mut core) = (Story::new(), FollowerCore::default());
    for _ in 0..150 {
        story.go_on(&mut dice);
    }
    let mut readers: Vec<_> = (0..=story.head()).map(|after| Reader::come(&mut core, &story, after)).collect();
    for _ in 0..150 {
        story.go_on(&mut dice);
    }
    catch_all_up(&mut core, &story, &mut readers);
    assert!(readers.iter().all(|reader| *reader.state == *story.state(story.head())));
}

#[test]
fn what_is_known_already_is_not_folded_again() {
    let (mut story, mut core) = (Story::new(), FollowerCore::default());
    let mut dice = Dice::new(1);
    for _ in 0..40 {
        story.go_on(&mut dice);
    }
    core.enter(0);
    core.take(story.after(0, 30));
    for (after, some) in [(0, 30), (10, 5), (25, 5)] {
        let batch = core.take(story.after(after, some));
        assert_eq!((batch.records().len(), core.head()), (some, 30));
        assert_eq!(*core.state().unwrap(), *story.state(30));
    }
    let batch = core.take(story.after(20, 20));
    assert_eq!((batch.last_seq(), core.head()), (Some(40), 40), "what overlaps is folded from where it is new");
    assert_eq!(**batch.last_state().unwrap(), *story.state(40));
}

#[test]
fn a_gap_is_never_folded() {
    let (mut story, mut core) = (Story::new(), FollowerCore::default());
    let turn = story.prompt("k");
    story.say("between");
    story.add("main", Kind::TurnStarted, Some(turn), &());
    core.take(story.after(0, 2));
    let batch = core.take(story.after(3, 2));
    assert_eq!((core.head(), batch.records().len()), (2, 2), "the reader has them, the follower does not");
    assert!(batch.last_state().is_none() && batch.state_behind(5).is_none());
    assert!(core.shared(5, ReadLimit::default()).is_none(), "and gives nothing for what it does not know");
    core.take(story.after(2, 3));
    assert_eq!(*core.state().unwrap(), *story.state(5));
}

#[test]
fn a_reader_that_stops_keeps_little_and_finds_its_way_back_by_the_log() {
    let (mut story, mut core) = (Story::new(), FollowerCore::default());
    let mut stopped = Reader::come(&mut core, &story, 2);
    let mut fast = Reader::come(&mut core, &story, 2);
    for turn in 0..MAX_STATES * 2 {
        let turn = story.prompt(&format!("k{turn}"));
        story.add("main", Kind::TurnStarted, Some(turn), &());
        for _ in 0..10 {
            story.say("word");
        }
        story.add("main", Kind::TurnEnded, Some(turn), &Outcome::Interrupted { reason: "r".into() });
        while fast.cursor < story.head() {
            fast.read(&mut core, &story, 512);
        }
        let (records, bytes, states, _) = core.kept();
        assert!(records <= MAX_RECENT && bytes <= MAX_RECENT_BYTES && states <= MAX_STATES);
    }
    assert_eq!(fast.folded, 0);
    assert_eq!(core.kept().0, 0, "what is kept is for those who are near");
    while stopped.cursor < story.head() {
        assert!(!stopped.read(&mut core, &story, 50), "what it missed is in the log");
    }
    assert!(stopped.folded > 0);
    assert!(Arc::ptr_eq(&stopped.state, &fast.state), "at the head it shares again");
}

#[test]
fn a_record_bigger_than_all_that_is_kept_is_not_kept() {
    let (mut story, mut core) = (Story::new(), FollowerCore::default());
    let mut slow = Reader::come(&mut core, &story, 2);
    let mut fast = Reader::come(&mut core, &story, 2);
    story.say(&"x".repeat(MAX_RECENT_BYTES));
    let turn = story.prompt("k");
    fast.read(&mut core, &story, 10);
    assert_eq!((core.kept().0, fast.cursor), (0, turn));
    while slow.cursor < turn {
        assert!(!slow.read(&mut core, &story, 1));
    }
    assert_eq!(slow.folded, 0);
}

#[test]
fn what_was_trimmed_is_passed_over_by_its_control_records() {
    let (mut story, mut core) = (Story::new(), FollowerCore::default());
    let mut reader = Reader::come(&mut core, &story, 2);
    for _ in 0..20 {
        story.say("gone");
    }
    let turn = story.prompt("k");
    story.say("gone");
    // Nobody has read on, and the log keeps control records only.
    let newcomer = Reader::come(&mut core, &story, story.head());
    assert!(newcomer.state.turn(turn).is_some());
    assert!(core.shared(reader.cursor, ReadLimit::default()).is_none(), "the log says that it is trimmed");
    assert_eq!(core.kept().0, 0);
    while reader.cursor < story.head() {
        reader.read(&mut core, &story, 3);
    }
    assert!(Arc::ptr_eq(&reader.state, &newcomer.state));
}

#[test]
fn a_record_that_cannot_follow_is_told_to_whoever_comes_and_stops_nobody_who_is_there() {
    let (story, mut core) = (Story::new(), FollowerCore::default());
    let mut reader = Reader::come(&mut core, &story, 2);
    let damaged = Record { kind: Kind::TurnEnded, turn: Some(99), ..story.record("main", Kind::Update, None, &()) };
    let batch = core.take(vec![Arc::new(damaged)]);
    assert_eq!((batch.last_seq(), core.head()), (Some(3), 3));
    assert!(batch.state_behind(3).is_none());
    assert!(matches!(core.state(), Err(LogError::Corrupt { .. })));
    assert_eq!(**batch.last_state().unwrap(), *reader.state, "they go on with what was before");
    core.advance(reader.cursor, 3);
    reader.cursor = 3;
    core.leave(reader.cursor);
}

#[test]
fn states_of_neighbouring_places_are_apart_and_share_the_turns_that_ended() {
    let (mut story, mut core) = (Story::new(), FollowerCore::default());
    let ended = Outcome::Interrupted { reason: "r".into() };
    let first = story.prompt("first");
    story.add("main", Kind::TurnEnded, Some(first), &ended);
    let second = story.prompt("second");
    core.take(story.after(0, 10));
    let before = core.state().unwrap();
    story.add("main", Kind::TurnStarted, Some(second), &());
    story.add("main", Kind::TurnEnded, Some(second), &ended);
    core.take(story.after(core.head(), 10));
    let after = core.state().unwrap();
    assert_eq!((&*before, &*after), (&*story.state(5), &*story.state(7)));
    assert!(std::ptr::eq(before.turn(first).unwrap(), after.turn(first).unwrap()));
}
