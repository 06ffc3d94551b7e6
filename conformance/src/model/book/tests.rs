use super::*;
use crate::model::script::{Api, Part, Tell, Words};

fn book(script: &str) -> Book {
    Book::new(Script::parse(script).unwrap())
}

fn turn(users: &[&str]) -> Turn {
    Turn {
        api: Api::OpenAi,
        model: "m".to_owned(),
        users: users.iter().map(|text| (*text).to_owned()).collect(),
        answered: 0,
        results: Vec::new(),
        side: None,
        stream: true,
    }
}

/// Prompt, call, and the text of the reply.
fn found(found: Found) -> (usize, usize, Option<String>) {
    let Found::Reply { prompt, call, reply } = found else { panic!("{found:?} is no reply") };
    let text = reply.map(|reply| match &reply[0] {
        Part::Say(Words(words)) => words.concat(),
        other => panic!("{other:?} says nothing"),
    });
    (prompt, call, text)
}

const TWO: &str = r#"
[[prompt]]
match = "a"
replies = [[{ say = "a1" }], [{ say = "a2" }]]
[[prompt]]
match = "*"
repeat = true
replies = [[{ say = "any1" }], [{ say = "any2" }]]
"#;

#[test]
fn the_nth_call_gets_the_nth_reply_and_then_there_is_none() {
    let mut book = book(TWO);
    let turn = turn(&["a"]);
    assert_eq!(found(book.find(&turn)), (0, 1, Some("a1".to_owned())));
    assert_eq!(found(book.find(&turn)), (0, 2, Some("a2".to_owned())));
    assert_eq!(found(book.find(&turn)), (0, 3, None));
}

#[test]
fn the_last_reply_repeats_when_it_shall() {
    let mut book = book(TWO);
    let texts: Vec<_> = (0..3).map(|_| found(book.find(&turn(&["x"]))).2.unwrap()).collect();
    assert_eq!(texts, ["any1", "any2", "any2"]);
}

#[test]
fn the_newest_message_decides_and_the_first_entry_in_the_file_wins() {
    assert_eq!(found(book(TWO).find(&turn(&["a", "x"]))).0, 1);
    assert_eq!(found(book(TWO).find(&turn(&["x", "xa"]))).0, 0);
}

#[test]
fn a_message_that_nothing_matches_leaves_it_to_the_one_before() {
    let mut book = book("[[prompt]]\nmatch = \"a\"\nreplies = [[{ say = \"a1\" }]]");
    assert_eq!(found(book.find(&turn(&["a", "x"]))).0, 0);
    assert_eq!(book.find(&turn(&["x"])), Found::Nothing);
}

#[test]
fn the_same_words_later_in_a_conversation_start_again() {
    let mut book = book(TWO);
    assert_eq!(found(book.find(&turn(&["a"]))).1, 1);
    assert_eq!(found(book.find(&turn(&["a", "a"]))).1, 1);
    assert_eq!(found(book.find(&turn(&["a", "a"]))).1, 2);
}

#[test]
fn other_words_for_the_same_entry_are_counted_apart() {
    let mut book = book(TWO);
    assert_eq!(found(book.find(&turn(&["a one"]))).1, 1);
    assert_eq!(found(book.find(&turn(&["a two"]))).1, 1);
    assert_eq!(found(book.find(&turn(&["a one"]))).1, 2);
}

#[test]
fn an_entry_for_one_api_is_none_for_the_other() {
    let mut book = book("[[prompt]]\nmatch = \"*\"\napi = \"anthropic\"\nreplies = [[{ say = \"a\" }]]");
    assert_eq!(book.find(&turn(&["x"])), Found::Nothing);
    let anthropic = Turn { api: Api::Anthropic, ..turn(&["x"]) };
    assert_eq!(found(book.find(&anthropic)).1, 1);
}

#[test]
fn what_a_harness_asks_for_itself_does_not_count() {
    let mut book = book(TWO);
    let own = Turn { side: Some(SideCall::Title), ..turn(&["a"]) };
    assert_eq!(book.find(&own), Found::Side(SideCall::Title));
    assert_eq!(found(book.find(&turn(&["a"]))).1, 1);
}

#[test]
fn counts_are_bounded_and_the_oldest_goes_first() {
    let mut book = book(TWO);
    for n in 0..=MAX_COUNTS {
        book.find(&turn(&[&format!("a{n}")]));
    }
    assert_eq!((book.counts.len(), book.order.len()), (MAX_COUNTS, MAX_COUNTS));
    assert_eq!(found(book.find(&turn(&["a0"]))).1, 1, "forgotten");
    assert_eq!(found(book.find(&turn(&[&format!("a{MAX_COUNTS}")]))).1, 2, "remembered");
}

#[test]
fn by_history_the_request_says_which_reply_is_next() {
    let mut book =
        book("[[prompt]]\nmatch = \"*\"\nby_history = true\nreplies = [[{ say = \"one\" }], [{ say = \"two\" }]]");
    let (first, second) = (turn(&["a"]), Turn { answered: 1, ..turn(&["a"]) });
    let mut said = |turn: &Turn| found(book.find(turn)).2;
    assert_eq!(said(&first), said(&first), "a retry, or another conversation with the same words");
    assert_eq!(said(&second).as_deref(), Some("two"));
}

#[test]
fn the_model_can_tell_what_it_was_sent() {
    let turn = Turn { results: vec!["out".to_owned()], ..turn(&["first", "second", "what did I say?"]) };
    assert_eq!(turn.told(Tell::Messages).0, ["first\nsecond"]);
    assert_eq!(turn.told(Tell::Results).0, ["out"]);
}
