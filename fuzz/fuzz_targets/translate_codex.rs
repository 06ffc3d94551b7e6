//! Whatever Codex says, in whatever order with what the client does: nothing panics, every request is answered once.
#![no_main]

use libfuzzer_sys::fuzz_target;

mod translate;

type Translator = harness_adapters::codex::Session;

const TRANSCRIPT: &str = include_str!("../../harness-adapters/tests/transcripts/codex/text.jsonl");

fuzz_target!(|bytes: &[u8]| {
    translate::run::<Translator>(translate::setup::<Translator>(TRANSCRIPT), bytes);
});
