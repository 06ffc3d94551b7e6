use proptest::prelude::*;

use super::*;
use crate::model::script::{Review, Words};

fn error(text: &str) -> String {
    script(text).unwrap_err().to_string()
}

/// The error of one part, on line 3 of a script.
fn part_error(part: &str) -> String {
    error(&format!("[[prompt]]\nmatch = \"*\"\nreplies = [[{part}]]\n"))
}

#[test]
fn a_whole_script_is_read() {
    let script = script(
        r#"
[usage]
input = 1
[side]
review = "deny"
[[prompt]]
match = "touch"
api = "openai"
repeat = true
replies = [
  [{ think = "May I?" }, { shell = "touch a", ask = true }],
  [{ say = ["do", "ne"] }, { wait = "go" }, { drop = true }],
]
"#,
    )
    .unwrap();
    assert_eq!(script.usage, Usage { input: 1, output: 20, cached: 0 });
    assert_eq!((script.side.review, script.side.text.as_str()), (Review::Deny, "ok"));
    let prompt = &script.prompts[0];
    assert_eq!(prompt.wanted, Wanted::Containing("touch".to_owned()));
    assert_eq!((prompt.api, prompt.repeat, prompt.replies.len()), (Some(Api::OpenAi), true, 2));
    assert_eq!(
        prompt.replies[1][..],
        [Part::Say(Words::from(["do", "ne"])), Part::Wait("go".to_owned()), Part::End(End::Drop)]
    );
    assert_eq!(script.gates().into_iter().collect::<Vec<_>>(), ["go"]);
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let message = error("[[prompt]]\nmatch = \"*\"\nreplys = []\n");
    assert!(message.contains("line 3") && message.contains("unknown field `replys`"), "{message}");
    let message = error("[side]\ntitel = \"x\"\n");
    assert!(message.contains("line 2") && message.contains("unknown field `titel`"), "{message}");
}

#[test]
fn an_unknown_option_of_a_part_is_named_with_its_line() {
    let message = part_error(r#"{ shell = "x", aks = true }"#);
    assert!(message.starts_with("line 3: `shell`: unknown field `aks`"), "{message}");
    let message = part_error(r#"{ say = "x", ask = true }"#);
    assert_eq!(message, "line 3: `say`: unknown option `ask`");
}

#[test]
fn the_line_of_a_part_is_its_own() {
    let message = error("[[prompt]]\nmatch = \"*\"\nreplies = [\n  [{ say = \"x\" }],\n  [{ say = 7 }],\n]\n");
    assert_eq!(message, "line 5: `say`: expected a text or a list of texts");
}

#[test]
fn a_part_is_one_thing() {
    assert_eq!(part_error(r#"{ say = "x", think = "y" }"#), "line 3: `say` and `think` in one part; write two parts");
    assert!(part_error("{ sya = \"x\" }").starts_with("line 3: a part needs one of say, think,"));
}

#[test]
fn what_no_response_can_be_is_refused() {
    for (part, why) in [
        (r#"{ status = 200 }"#, "200 is no HTTP error"),
        (r#"{ drop = false }"#, "write `drop = true`"),
        (r#"{ drop = true }, { say = "x" }"#, "nothing can come after the end"),
        (r#"{ say = "x" }, { status = 400 }"#, "comes before the reply begins"),
        (r#"{ wait = "a/b" }"#, "is no name for a gate"),
        (r#"{ mcp = "ping" }"#, "write \"server.tool\""),
        (r#"{ move = "a", to = "b", old = "x" }"#, "go together"),
        (r#"{ pause_ms = 3600001 }"#, "longer than an hour"),
        (r#"{ plan = [{ step = "A", status = "done" }] }"#, "unknown variant `done`"),
        (r#""#, "an empty reply"),
    ] {
        let message = part_error(part);
        assert!(message.starts_with("line 3: ") && message.contains(why), "{part}: {message}");
    }
    assert!(error("[[prompt]]\nmatch = \"\"\nreplies = [[{ say = \"x\" }]]").contains("`match` is empty"));
    assert!(error("[[prompt]]\nmatch = \"*\"\nreplies = []").contains("`replies` is empty"));
}

#[test]
fn a_wait_may_come_before_a_status() {
    let text = "[[prompt]]\nmatch = \"*\"\nreplies = [[{ wait = \"go\" }, { pause_ms = 1 }, { status = 500 }]]";
    assert!(script(text).is_ok());
}

proptest! {
    #[test]
    fn any_text_is_a_script_or_an_error_with_words(text in ".{0,200}") {
        if let Err(error) = script(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_part_is_read_or_refused_on_its_line(
        head in prop::sample::select(HEADS.as_slice()),
        value in prop_oneof![
            Just("true".to_owned()), Just("-1".to_owned()), Just("400".to_owned()), Just("\"a.b\"".to_owned()),
            Just("[\"a\", \"b\"]".to_owned()), Just("{ a = 1 }".to_owned()), Just("1979-05-27".to_owned()),
        ],
        option in prop::sample::select(["ask = true", "text = \"x\"", "to = \"x\"", "arguments = { d = 1979-05-27 }"].as_slice()),
    ) {
        let text = format!("[[prompt]]\nmatch = \"*\"\nreplies = [\n[{{ {head} = {value}, {option} }}]]");
        if let Err(error) = script(&text) {
            prop_assert!(error.to_string().starts_with("line 4: "), "{}", error);
        }
    }
}
