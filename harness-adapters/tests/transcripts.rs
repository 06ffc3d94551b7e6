//! Translators alone, fed with what happened in sessions of the real harnesses.
//!
//! `tests/transcripts/HARNESS/NAME.jsonl` is a recording of `acp-harness HARNESS --record`; `NAME.expected.jsonl` holds
//! the effects of each input. `UPDATE_GOLDEN=1` writes the latter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use acp_server::types::v1;
use harness_adapters::translate::{Effect, Effects, Input, Request, RequestId, Translator};
use harness_adapters::{Failure, FailureKind};
use serde::de::DeserializeOwned;

struct Recording<T: Translator> {
    setup: T::Setup,
    inputs: Vec<Input>,
}

fn recordings(harness: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(harness);
    let mut files: Vec<_> = std::fs::read_dir(&directory)
        .expect("transcripts are in the repository")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(".jsonl") && !path.to_string_lossy().contains(".expected."))
        .collect();
    files.sort();
    assert!(files.len() >= 5, "{} holds too few transcripts to show anything", directory.display());
    files
}

fn read<T: Translator>(file: &Path) -> Recording<T> {
    let text = std::fs::read_to_string(file).expect("read");
    let mut lines = text.lines().enumerate();
    let parse = |(number, line): (usize, &str), key: &str| -> serde_json::Value {
        let mut line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{}:{}: {error}", file.display(), number + 1));
        line[key].take()
    };
    let setup = lines.next().map(|line| parse(line, "setup")).expect("a setup");
    Recording { setup: decode(setup, file), inputs: lines.map(|line| decode(parse(line, "input"), file)).collect() }
}

fn decode<T: DeserializeOwned>(value: serde_json::Value, file: &Path) -> T {
    // By way of text, because raw JSON can be decoded from text only.
    serde_json::from_str(&value.to_string()).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn effects<T: Translator>(translator: &mut T, input: Input) -> Vec<Effect> {
    let mut effects = Effects::default();
    translator.step(input, &mut effects);
    effects.take().collect()
}

fn goldens<T: Translator>(harness: &str) {
    let mut wrong = Vec::new();
    for file in recordings(harness) {
        let Recording { setup, inputs } = read::<T>(&file);
        let mut translator = T::new(setup);
        let mut actual = String::new();
        for (number, input) in inputs.into_iter().enumerate() {
            for effect in effects(&mut translator, input) {
                // The number of the input is that of its line in the recording.
                let effect = serde_json::to_string(&effect).expect("effects are JSON");
                writeln!(actual, "{{\"line\":{},\"effect\":{effect}}}", number + 2).expect("a string");
            }
        }
        let golden = file.with_extension("expected.jsonl");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &actual).expect("write");
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != actual {
            let name = file.file_name().expect("a name");
            let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            std::fs::write(&beside, &actual).expect("write");
            wrong.push(format!("{} differs from {}", golden.display(), beside.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}\nUPDATE_GOLDEN=1 writes them anew");
}

/// What has to hold of every session, however it is cut off.
#[derive(Default)]
struct Ledger {
    open: BTreeSet<RequestId>,
    tools: BTreeMap<String, bool>,
}

impl Ledger {
    fn step<T: Translator>(&mut self, translator: &mut T, input: Input, at: &str) {
        if let Input::Request { id, .. } = &input {
            self.open.insert(*id);
        }
        for effect in effects(translator, input) {
            match effect {
                Effect::Answer { id, .. } => assert!(self.open.remove(&id), "{at}: {id:?} is answered twice"),
                Effect::Update(v1::SessionUpdate::ToolCall(call)) => {
                    self.tools.insert(call.tool_call_id.0.to_string(), is_open(&call.status));
                }
                Effect::Update(v1::SessionUpdate::ToolCallUpdate(update)) => {
                    let open = self.tools.get_mut(&*update.tool_call_id.0);
                    let open = open.unwrap_or_else(|| panic!("{at}: {} was never opened", update.tool_call_id));
                    if let Some(status) = &update.fields.status {
                        *open = is_open(status);
                    }
                }
                _ => {}
            }
        }
    }

    fn settled(&self, at: &str) {
        assert!(self.open.is_empty(), "{at}: without an answer: {:?}", self.open);
        let open: Vec<_> = self.tools.iter().filter(|(_, open)| **open).map(|(id, _)| id).collect();
        assert!(open.is_empty(), "{at}: still open: {open:?}");
    }
}

fn is_open(status: &v1::ToolCallStatus) -> bool {
    matches!(status, v1::ToolCallStatus::Pending | v1::ToolCallStatus::InProgress)
}

/// Cuts each recording at each input, by the end of the harness.
fn cuts<T: Translator>(harness: &str) {
    for file in recordings(harness) {
        let Recording { setup, inputs } = read::<T>(&file);
        for cut in 0..=inputs.len() {
            let at = format!("{} cut before line {}", file.display(), cut + 2);
            let mut translator = T::new(setup.clone());
            let mut ledger = Ledger::default();
            for input in &inputs[..cut] {
                ledger.step(&mut translator, input.clone(), &at);
            }
            let gone = Failure::new(FailureKind::Harness, "the harness is gone");
            ledger.step(&mut translator, Input::Exited(gone), &at);
            ledger.settled(&at);
        }
    }
}

/// Leaves out, doubles and swaps messages of the harness: nothing panics, and every request is answered once.
fn disorder<T: Translator>(harness: &str) {
    for file in recordings(harness) {
        let Recording { setup, inputs } = read::<T>(&file);
        let native = |input: &Input| matches!(input, Input::Native(_));
        for at in 0..inputs.len() {
            if !native(&inputs[at]) {
                continue;
            }
            let mut without = inputs.clone();
            without.remove(at);
            let mut doubled = inputs.clone();
            doubled.insert(at, inputs[at].clone());
            let mut swapped = inputs.clone();
            if at + 1 < swapped.len() && native(&swapped[at + 1]) {
                swapped.swap(at, at + 1);
            }
            for (what, inputs) in [("without", without), ("doubled", doubled), ("swapped", swapped)] {
                let name = format!("{} {what} line {}", file.display(), at + 2);
                let mut translator = T::new(setup.clone());
                let mut ledger = Ledger::default();
                for input in inputs {
                    step_lenient(&mut ledger, &mut translator, input, &name);
                }
                let gone = Failure::new(FailureKind::Harness, "the harness is gone");
                step_lenient(&mut ledger, &mut translator, Input::Exited(gone), &name);
                assert!(ledger.open.is_empty(), "{name}: without an answer: {:?}", ledger.open);
            }
        }
    }
}

/// Answers only; tool calls may be strange when their beginning is missing.
fn step_lenient<T: Translator>(ledger: &mut Ledger, translator: &mut T, input: Input, at: &str) {
    if let Input::Request { id, .. } = &input {
        ledger.open.insert(*id);
    }
    for effect in effects(translator, input) {
        if let Effect::Answer { id, .. } = effect {
            assert!(ledger.open.remove(&id), "{at}: {id:?} is answered twice");
        }
    }
}

/// A stop at each input, and the end of the harness after it: the turn ends as cancelled or failed, never as done.
fn cancels<T: Translator>(harness: &str) {
    for file in recordings(harness) {
        let Recording { setup, inputs } = read::<T>(&file);
        for cut in 0..=inputs.len() {
            let at = format!("{} cancelled before line {}", file.display(), cut + 2);
            let mut translator = T::new(setup.clone());
            let mut ledger = Ledger::default();
            for input in &inputs[..cut] {
                ledger.step(&mut translator, input.clone(), &at);
            }
            for id in ledger.open.clone() {
                ledger.step(&mut translator, Input::Cancel { id }, &at);
                // Twice is as good as once.
                ledger.step(&mut translator, Input::Cancel { id }, &at);
            }
            let close = RequestId(u64::MAX);
            ledger.step(&mut translator, Input::Request { id: close, request: Request::Close }, &at);
            let gone = Failure::new(FailureKind::Harness, "the harness is gone");
            ledger.step(&mut translator, Input::Exited(gone), &at);
            ledger.settled(&at);
        }
    }
}

macro_rules! harness {
    ($name:ident, $translator:ty) => {
        mod $name {
            use super::*;

            #[test]
            fn what_the_harness_said_becomes_what_the_client_was_shown() {
                goldens::<$translator>(stringify!($name));
            }

            #[test]
            fn wherever_the_harness_ends_every_request_is_answered_and_every_tool_call_closed() {
                cuts::<$translator>(stringify!($name));
            }

            #[test]
            fn whenever_the_client_stops_every_request_is_answered_and_every_tool_call_closed() {
                cancels::<$translator>(stringify!($name));
            }

            #[test]
            fn messages_lost_doubled_or_swapped_break_nothing() {
                disorder::<$translator>(stringify!($name));
            }
        }
    };
}

harness!(codex, harness_adapters::codex::Session);
harness!(claude, harness_adapters::claude::translate::Session);
