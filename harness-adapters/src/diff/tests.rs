use proptest::prelude::*;

use super::*;

const HUNKS: &str = "@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n@@ -7,1 +7,2 @@\n seven\n+eight\n";

#[test]
fn either_text_follows_from_the_other() {
    let old = "one\ntwo\nthree\n4\n5\n6\nseven\n";
    let new = "one\nTWO\nthree\n4\n5\n6\nseven\neight\n";
    assert_eq!(apply(old, HUNKS).as_deref(), Some(new));
    assert_eq!(revert(new, HUNKS).as_deref(), Some(old));
}

#[test]
fn a_text_that_does_not_fit_has_no_answer() {
    assert_eq!(apply("one\n2\nthree\n4\n5\n6\nseven\n", HUNKS), None);
    assert_eq!(apply("", HUNKS), None);
    assert_eq!(revert("one\ntwo\nthree\n", HUNKS), None);
}

#[test]
fn a_missing_line_end_is_kept() {
    let hunks = "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n";
    assert_eq!(apply("a\nb", hunks).as_deref(), Some("a\nc\n"));
    assert_eq!(revert("a\nc\n", hunks).as_deref(), Some("a\nb"));
}

#[test]
fn lines_that_look_like_headers_are_content() {
    let hunks = "@@ -1,2 +1,2 @@\n-@@ -1 +1 @@\n+--- a\n x\n";
    assert_eq!(apply("@@ -1 +1 @@\nx\n", hunks).as_deref(), Some("--- a\nx\n"));
}

#[test]
fn an_empty_side_names_the_line_before() {
    assert_eq!(apply("a\nb\n", "@@ -1,0 +2,1 @@\n+x\n").as_deref(), Some("a\nx\nb\n"));
    assert_eq!(revert("a\nx\nb\n", "@@ -1,0 +2,1 @@\n+x\n").as_deref(), Some("a\nb\n"));
    assert_eq!(apply("", "@@ -0,0 +1 @@\n+x\n").as_deref(), Some("x\n"));
}

#[test]
fn broken_hunks_have_no_answer() {
    for hunks in
        ["@@ -1,2 +1,2 @@\n a\n", "@@ nonsense @@\n a\n", "@@ -1 +1 @@\n?a\n", "@@ -9999999999999999999999 +1 @@\n"]
    {
        assert_eq!(apply("a\n", hunks), None, "{hunks}");
    }
}

#[test]
fn sides_are_the_lines_of_the_hunks() {
    assert_eq!(sides(HUNKS), ("one\ntwo\nthree\nseven\n".into(), "one\nTWO\nthree\nseven\neight\n".into()));
}

proptest! {
    #[test]
    fn a_change_can_be_taken_back(
        before in prop::collection::vec("[ab+@ -]{0,3}", 0..6),
        old in prop::collection::vec("[ab+@ -]{0,3}", 1..6),
        new in prop::collection::vec("[ab+@ -]{0,3}", 1..6),
        after in prop::collection::vec("[ab+@ -]{0,3}", 0..6),
    ) {
        let text = |middle: &[String]| {
            before.iter().chain(middle).chain(&after).map(|line| format!("{line}\n")).collect::<String>()
        };
        let start = before.len() + 1;
        let mut hunks = format!("@@ -{start},{} +{start},{} @@\n", old.len(), new.len());
        hunks.extend(old.iter().map(|line| format!("-{line}\n")));
        hunks.extend(new.iter().map(|line| format!("+{line}\n")));
        prop_assert_eq!(apply(&text(&old), &hunks), Some(text(&new)));
        prop_assert_eq!(revert(&text(&new), &hunks), Some(text(&old)));
    }

    #[test]
    fn nothing_panics(text in "[ab\n]{0,20}", hunks in "(@@ -[0-9]{1,2}(,[0-9])? \\+[0-9](,[0-9])? @@\n)?[ ab+@\n\\\\-]{0,30}") {
        let _ = (apply(&text, &hunks), revert(&text, &hunks), sides(&hunks));
    }
}
