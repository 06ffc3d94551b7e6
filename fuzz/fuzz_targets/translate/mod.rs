//! Inputs for a translator out of bytes, one line each: `p` a prompt, `s` a steering message, `c` a stop of the newest
//! request, `a` and `r` the answers to the oldest question, `t` a timer, anything else what the harness said.

use std::collections::{BTreeSet, VecDeque};

use acp_types::{RawBuf, v1};
use harness_adapters::translate::{
    AskId, Effect, Effects, Input, Question, Reply, Request, RequestId, Timer, Translator,
};
use harness_adapters::{Failure, FailureKind};

/// The setup of a recorded session.
pub fn setup<T: Translator>(transcript: &str) -> T::Setup {
    let line: serde_json::Value = serde_json::from_str(transcript.lines().next().unwrap()).unwrap();
    serde_json::from_str(&line["setup"].to_string()).unwrap()
}

#[derive(Default)]
struct World {
    next: u64,
    open: BTreeSet<RequestId>,
    asked: VecDeque<(AskId, Option<v1::PermissionOptionId>)>,
    timers: BTreeSet<Timer>,
}

impl World {
    fn request(&mut self, request: Request) -> Input {
        self.next += 1;
        let id = RequestId(self.next);
        self.open.insert(id);
        Input::Request { id, request }
    }

    fn input(&mut self, line: &str) -> Option<Input> {
        let text = |text: &str| vec![v1::ContentBlock::from(text)];
        match line.as_bytes().first()? {
            b'p' => {
                let prompt = v1::PromptRequest::new("session", text(&line[1..]));
                Some(self.request(Request::Prompt(prompt)))
            }
            b's' => Some(self.request(Request::Steer(text(&line[1..])))),
            b'c' => self.open.last().map(|id| Input::Cancel { id: *id }),
            b'a' => {
                let (ask, option) = self.asked.pop_front()?;
                let answer = option.map_or(Reply::Failed, |option| {
                    let chosen = v1::SelectedPermissionOutcome::new(option);
                    Reply::Permission(v1::RequestPermissionOutcome::Selected(chosen))
                });
                Some(Input::Answered { ask, answer })
            }
            b'r' => self.asked.pop_front().map(|(ask, _)| Input::Answered { ask, answer: Reply::Failed }),
            b't' => self.timers.pop_first().map(|timer| Input::Fired { timer }),
            _ => RawBuf::parse(line).ok().map(Input::Native),
        }
    }

    fn step<T: Translator>(&mut self, translator: &mut T, input: Input) {
        let mut effects = Effects::default();
        translator.step(input, &mut effects);
        for effect in effects.take() {
            match effect {
                Effect::Answer { id, .. } => assert!(self.open.remove(&id), "{id:?} is answered twice"),
                Effect::Ask { ask, question } => {
                    let option = match question {
                        Question::Permission(permission) => permission.options.first().map(|it| it.option_id.clone()),
                        Question::Form(_) => None,
                    };
                    self.asked.push_back((ask, option));
                }
                Effect::Arm { timer, .. } => drop(self.timers.insert(timer)),
                Effect::Disarm(timer) => drop(self.timers.remove(&timer)),
                _ => {}
            }
        }
    }
}

/// Nothing panics, and in the end every request has been answered once.
pub fn run<T: Translator>(setup: T::Setup, bytes: &[u8]) {
    let mut translator = T::new(setup);
    let mut world = World::default();
    for line in String::from_utf8_lossy(bytes).lines().take(400) {
        if let Some(input) = world.input(line) {
            world.step(&mut translator, input);
        }
    }
    let gone = Failure::new(FailureKind::Harness, "the harness is gone");
    world.step(&mut translator, Input::Exited(gone));
    assert!(world.open.is_empty(), "without an answer: {:?}", world.open);
}
