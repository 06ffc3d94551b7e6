//! What the demo asks of the agent, and what a scripted model does about it.

use std::fmt::Write;

pub(super) const HELLO: &str = "Reply with one short sentence of greeting.";
pub(super) const COUNT: &str = "Count from 1 to 60 in digits with a space after each, and say nothing else.";
pub(super) const COUNT_ON: &str = "Count from 1 to 1000 in digits with a space after each, and say nothing else.";
pub(super) const REMEMBER: &str = "How far did I ask you to count last? Reply with the number alone.";
pub(super) const ASK: &str =
    "Run `touch permitted.txt` with escalated permissions, so that I am asked, and then say that it is done.";
pub(super) const LOOP: &str =
    "Run `while true; do echo tick >> ticks.txt; sleep 0.1; done` in the shell and wait for it.";
pub(super) const STILL: &str = "Say that you are still here.";

/// The script, as TOML.
pub(super) fn text() -> String {
    let mut text = String::new();
    let mut prompt = |matches: &str, replies: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "[[prompt]]\nmatch = '''{matches}'''\nrepeat = true\nreplies = [{replies}]\n");
    };
    prompt(HELLO, "[{ think = \"A greeting.\" }, { say = [\"Hello \", \"from \", \"Codex.\"] }]");
    prompt(COUNT_ON, &count(1000, 20));
    prompt(COUNT, &count(60, 25));
    prompt(REMEMBER, "[{ say = \"1000\" }]");
    prompt(
        ASK,
        "[{ think = \"I have to ask.\" }, { pause_ms = 1000 }, { shell = \"touch permitted.txt\", ask = true }], [{ say = \"It is done.\" }]",
    );
    prompt(LOOP, "[{ shell = \"while true; do echo tick >> ticks.txt; sleep 0.1; done\", timeout_ms = 60000 }]");
    prompt(STILL, "[{ say = \"I am still here.\" }]");
    text
}

/// Numbers, one delta each, with a pause between them.
fn count(upto: u32, pause: u32) -> String {
    let parts = (1..=upto).map(|number| format!("{{ say = \"{number} \" }}, {{ pause_ms = {pause} }}"));
    format!("[{}]", parts.collect::<Vec<_>>().join(", "))
}
