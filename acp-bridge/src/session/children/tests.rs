use acp_types::record::body::ChildUpdated;
use acp_types::{RawBuf, SessionId};
use proptest::prelude::*;

use super::{ChildSession, Children};

fn session() -> SessionId {
    "s".into()
}

fn announce(children: &mut Children, seq: u64, parent: Option<u64>) {
    let parent = parent.map(|parent| session().child(parent));
    let updated = ChildUpdated {
        session: session().child(seq),
        agent_session: Some(format!("a{seq}")),
        parent,
        changed: RawBuf::default(),
    };
    children.updated(seq, seq, &"main".into(), updated);
}

fn say(children: &mut Children, child: u64, changed: &str) {
    let changed = RawBuf::parse(changed).unwrap();
    let updated = ChildUpdated { session: session().child(child), agent_session: None, parent: None, changed };
    children.updated(u64::MAX, 0, &"main".into(), updated);
}

fn numbers(children: &Children) -> Vec<u64> {
    children.iter().map(ChildSession::announced).collect()
}

const IDLE: &str = r#"{"state":{"state":"idle","stopReason":"end_turn"}}"#;
const RUNNING: &str = r#"{"state":{"state":"running"},"capabilities":{"cancel":{}}}"#;

#[test]
fn a_child_is_known_by_the_seq_that_announced_it_and_by_its_agent() {
    let mut children = Children::default();
    assert!(!children.ever());
    announce(&mut children, 5, None);
    announce(&mut children, 9, Some(5));
    let inner = children.by_agent("main", "a9").unwrap();
    assert_eq!((inner.id().as_str(), inner.parent().unwrap().as_str()), ("s~9", "s~5"));
    assert!(children.by_agent("b", "a9").is_none(), "another lane's agent knows nothing of it");
    assert_eq!(children.get(&"s~9".into()), children.by_agent("main", "a9"));
    for unknown in ["s", "s~6", "t~5", "s~05"] {
        assert!(children.get(&unknown.into()).is_none(), "{unknown}");
    }
}

#[test]
fn work_and_rights_are_as_last_said() {
    let mut children = Children::default();
    announce(&mut children, 5, None);
    let child = |children: &Children| children.get(&session().child(5)).unwrap().clone();
    assert!(child(&children).state().is_none() && !child(&children).can_be_cancelled());
    say(&mut children, 5, RUNNING);
    assert!(child(&children).can_be_cancelled());
    children.stop(&session().child(5));
    say(&mut children, 5, r#"{"title":"t"}"#);
    assert!(child(&children).is_stopping(), "it works on");
    say(&mut children, 5, IDLE);
    assert_eq!(child(&children).stop_reason().as_deref(), Some("end_turn"));
    assert!(!child(&children).is_stopping() && child(&children).can_be_cancelled());
    say(&mut children, 5, r#"{"capabilities":null,"state":null}"#);
    assert!(child(&children).state().is_none() && !child(&children).can_be_cancelled());
}

#[test]
fn at_the_limit_the_oldest_that_is_idle_and_has_no_children_is_forgotten() {
    let mut children = Children::default();
    let count = Children::MAX as u64;
    (1..=count).for_each(|seq| announce(&mut children, seq, (seq == 2).then_some(1)));
    assert!(!children.have_room(), "all may be at work");
    announce(&mut children, count + 1, None);
    assert_eq!(numbers(&children), (1..=count).collect::<Vec<_>>(), "the new one is not taken");
    say(&mut children, 1, IDLE);
    assert!(!children.have_room(), "it has a child");
    say(&mut children, 7, IDLE);
    assert!(children.have_room());
    announce(&mut children, count + 2, None);
    assert!(children.get(&session().child(7)).is_none() && children.get(&session().child(count + 2)).is_some());
    assert_eq!(children.iter().len(), Children::MAX);
}

#[test]
fn deeper_than_may_be_is_not_taken() {
    let mut children = Children::default();
    for seq in 1..=Children::MAX_DEPTH as u64 + 3 {
        let deepest = numbers(&children).last().copied();
        announce(&mut children, seq, deepest);
    }
    assert_eq!(children.iter().len(), Children::MAX_DEPTH);
    let deepest = children.iter().last().unwrap().id().clone();
    assert_eq!(children.depth_below(Some(&deepest)), Children::MAX_DEPTH + 1);
    assert_eq!(children.depth_below(None), 1);
}

#[test]
fn an_agent_that_has_forgotten_the_session_calls_something_else_by_the_same_name() {
    let mut children = Children::default();
    announce(&mut children, 5, None);
    children.agent_forgot("b");
    assert!(children.by_agent("main", "a5").is_some());
    children.agent_forgot("main");
    assert!(children.by_agent("main", "a5").is_none() && children.get(&session().child(5)).is_some());
    children.lane_left("main");
    assert!(children.iter().len() == 0 && children.ever());
}

/// One thing that a log may say, meant or not.
#[derive(Debug, Clone)]
enum Said {
    Announce { parent: Option<u64>, number: Option<u64> },
    Change { child: u64, changed: &'static str },
    Stop { child: u64 },
    Gone,
    Forgot,
    Left,
}

fn said() -> impl Strategy<Value = Said> {
    let changed = prop_oneof![Just(IDLE), Just(RUNNING), Just("{}"), Just(r#"{"state":null}"#), Just("7")];
    prop_oneof![
        6 => (prop::option::of(1..40_u64), prop::option::weighted(0.1, 1..40_u64))
            .prop_map(|(parent, number)| Said::Announce { parent, number }),
        6 => (1..40_u64, changed).prop_map(|(child, changed)| Said::Change { child, changed }),
        1 => (1..40_u64).prop_map(|child| Said::Stop { child }),
        1 => Just(Said::Gone),
        1 => Just(Said::Forgot),
        1 => Just(Said::Left),
    ]
}

fn apply(children: &mut Children, seq: u64, said: &Said) {
    match said {
        Said::Announce { parent, number } => {
            let updated = ChildUpdated {
                session: session().child(number.unwrap_or(seq)),
                agent_session: Some(format!("a{}", seq % 5)),
                parent: parent.map(|parent| session().child(parent)),
                changed: RawBuf::default(),
            };
            children.updated(seq, seq, &"main".into(), updated);
        }
        Said::Change { child, changed } => say(children, *child, changed),
        Said::Stop { child } => children.stop(&session().child(*child)),
        Said::Gone => children.agent_gone("main"),
        Said::Forgot => children.agent_forgot("main"),
        Said::Left => children.lane_left("main"),
    }
}

fn check(children: &Children) {
    assert!(children.iter().len() <= Children::MAX);
    for child in children.iter() {
        assert!(children.depth_below(child.parent()) <= Children::MAX_DEPTH);
        assert_eq!(children.get(child.id()), Some(child));
        if let Some(parent) = child.parent().and_then(|parent| children.get(parent)) {
            assert!(parent.announced() < child.announced(), "no child is its own parent");
        }
    }
}

proptest! {
    /// Whatever a log says, cut wherever a host dies, twice or in another order: the fold keeps its bounds and its tree.
    #[test]
    fn whatever_is_said_in_whatever_order_bounds_and_tree_hold(
        story in prop::collection::vec(said(), 0..120),
        cut in 0..120_usize,
        twice in 0..120_usize,
        swap in (0..120_usize, 0..120_usize),
    ) {
        let mut whole = Children::default();
        let mut states = Vec::new();
        for (at, said) in story.iter().enumerate() {
            apply(&mut whole, at as u64 + 1, said);
            check(&whole);
            states.push(whole.clone());
        }
        // A host that goes on from what is in the log comes to the same.
        let cut = cut.min(story.len());
        let mut again = Children::default();
        for (at, said) in story.iter().enumerate().take(cut) {
            apply(&mut again, at as u64 + 1, said);
        }
        let before = cut.checked_sub(1).map(|at| states[at].clone()).unwrap_or_default();
        prop_assert_eq!(&again, &before);
        for (at, said) in story.iter().enumerate().skip(cut) {
            apply(&mut again, at as u64 + 1, said);
        }
        prop_assert_eq!(&again, &whole);
        // A story that no host writes.
        let mut wrong = story.clone();
        if !wrong.is_empty() {
            let len = wrong.len();
            wrong.swap(swap.0 % len, swap.1 % len);
            wrong.insert(twice % len, wrong[twice % len].clone());
        }
        let mut children = Children::default();
        for (at, said) in wrong.iter().enumerate() {
            apply(&mut children, at as u64 + 1, said);
            check(&children);
        }
    }
}
