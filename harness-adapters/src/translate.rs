//! The contract of a translator: a pure state machine between one ACP session and one session of a harness.
//!
//! No I/O, no clock, no randomness: everything comes in as an [`Input`], everything to do goes out as an [`Effect`].
//! That makes a session of a real harness replayable from its recorded inputs alone.

mod features;

use std::time::Duration;

use acp_types::RawBuf;
use acp_types::v1;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::features::ClientFeatures;
use crate::failure::Failure;

/// Number of a client's request to a session, given by the driver. Each gets exactly one [`Effect::Answer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct RequestId(pub u64);

/// Number of a question to the client, given by the translator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct AskId(pub u64);

/// Number of a timer, given by the translator. Arming it again replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct Timer(pub u64);

/// An input of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a translator has to handle each of them")]
pub enum Input {
    /// The client asks for something.
    Request {
        /// Its number.
        id: RequestId,
        /// The request.
        request: Request,
    },
    /// The client takes a request back: `session/cancel` or `$/cancel_request` of a prompt. The request still gets its
    /// answer. It may have been answered already; then nothing happens.
    Cancel {
        /// The request's number.
        id: RequestId,
    },
    /// The client stops a session without an open prompt: all its work is to end.
    Stop,
    /// The client stops the work of one child session, and of the children of that one.
    StopChild(v1::SessionId),
    /// One message of the harness, valid JSON, as received.
    Native(RawBuf),
    /// The client answered a question, or could not. Comes at most once, and not after [`Effect::Withdraw`] unless the
    /// two crossed; then it is to be ignored.
    Answered {
        /// The question's number.
        ask: AskId,
        /// Its answer.
        answer: Reply,
    },
    /// A timer that was armed has run out.
    Fired {
        /// The timer.
        timer: Timer,
    },
    /// The harness is gone for good. Every open request has to be answered now; nothing is sent to it any more.
    Exited(Failure),
}

/// A request of a client to an open session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a translator has to handle each of them")]
pub enum Request {
    /// `session/prompt`. During a turn it waits for its end. Answered by [`Answer::Prompt`].
    Prompt(v1::PromptRequest),
    /// `_session/steering`: put into the running turn at once. Answered by [`Answer::Steer`].
    Steer(Vec<v1::ContentBlock>),
    /// `session/set_mode`. Answered by [`Answer::Done`].
    SetMode(v1::SessionModeId),
    /// `session/set_config_option`. Answered by [`Answer::Config`].
    SetConfig {
        /// The option.
        option: v1::SessionConfigId,
        /// Its new value.
        value: v1::SessionConfigOptionValue,
    },
    /// `session/set_title`. Answered by [`Answer::Done`].
    SetTitle(String),
    /// `_session/async_task/stop`: end this work in the background. Answered by [`Answer::Stopped`].
    StopTask(String),
    /// `session/close`, or the client is gone: stop what runs, as a cancel does. The channel to the harness is closed
    /// once it is answered, by [`Answer::Done`].
    Close,
}

/// The client's reply to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a translator has to handle each of them")]
pub enum Reply {
    /// To [`Question::Permission`].
    Permission(v1::RequestPermissionOutcome),
    /// To [`Question::Form`].
    Form(v1::CreateElicitationResponse),
    /// The client refused the question, does not know it, or is gone. Never to be taken as consent.
    Failed,
}

/// An effect for the driver. Effects are done in order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the driver has to do each of them")]
pub enum Effect {
    /// `session/update` to the client.
    Update(v1::SessionUpdate),
    /// `session/update` of a child session, which a `subagent_update` has announced.
    Child {
        /// The child.
        session: v1::SessionId,
        /// The update.
        update: v1::SessionUpdate,
    },
    /// One message to the harness.
    Send(RawBuf),
    /// A question to the client.
    Ask {
        /// Its number.
        ask: AskId,
        /// The question.
        question: Question,
    },
    /// Nobody needs the answer to a question any more; the client is told by `$/cancel_request`.
    Withdraw(AskId),
    /// The answer to a request.
    Answer {
        /// The request's number.
        id: RequestId,
        /// Its result.
        #[serde(serialize_with = "one_of")]
        answer: Result<Answer, Failure>,
    },
    /// [`Input::Fired`] is wanted after this time.
    Arm {
        /// The timer.
        timer: Timer,
        /// Time from now.
        after: Duration,
    },
    /// A timer is not wanted any more.
    Disarm(Timer),
    /// The harness hangs: end its process. [`Input::Exited`] follows.
    Kill,
}

/// An update of the past of a session.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "an update and whose it is")]
pub struct Told {
    /// The child session that it is of; `None` for the session itself.
    pub child: Option<v1::SessionId>,
    /// The update.
    pub update: v1::SessionUpdate,
}

impl Told {
    /// The update that an effect is, if it is one.
    #[must_use]
    pub fn of(effect: Effect) -> Option<Self> {
        match effect {
            Effect::Update(update) => Some(Self { child: None, update }),
            Effect::Child { session, update } => Some(Self { child: Some(session), update }),
            _ => None,
        }
    }
}

impl From<v1::SessionUpdate> for Told {
    fn from(update: v1::SessionUpdate) -> Self {
        Self { child: None, update }
    }
}

/// A question to the client.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the driver has to ask each of them")]
pub enum Question {
    /// `session/request_permission`.
    Permission(v1::RequestPermissionRequest),
    /// `elicitation/create`; only for clients that have it.
    Form(v1::CreateElicitationRequest),
}

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the driver has to send each of them")]
pub enum Answer {
    /// To [`Request::Prompt`].
    Prompt(v1::PromptResponse),
    /// To [`Request::Steer`].
    Steer(Steered),
    /// To [`Request::StopTask`]: true if there was such work.
    Stopped(bool),
    /// To [`Request::SetConfig`]: all options as they are now.
    Config(Vec<v1::SessionConfigOption>),
    /// To the others.
    Done,
}

/// Result of a steering message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Steered {
    /// It is in the running turn.
    Injected,
    /// No turn runs; nothing was done. Prompt instead.
    Idle,
}

/// The effects of one step, in order.
#[derive(Debug, Default)]
pub struct Effects(Vec<Effect>);

impl Effects {
    /// Adds an effect.
    pub fn push(&mut self, effect: Effect) {
        self.0.push(effect);
    }

    /// Adds a `session/update` to the client.
    pub fn update(&mut self, update: v1::SessionUpdate) {
        self.0.push(Effect::Update(update));
    }

    /// Adds a `session/update` of a child session, or of the session itself when there is none.
    pub fn update_of(&mut self, child: Option<&v1::SessionId>, update: v1::SessionUpdate) {
        self.0.push(match child {
            Some(session) => Effect::Child { session: session.clone(), update },
            None => Effect::Update(update),
        });
    }

    /// Sends the harness one message.
    pub fn send(&mut self, message: RawBuf) {
        self.0.push(Effect::Send(message));
    }

    /// Answers a request.
    pub fn answer(&mut self, id: RequestId, answer: Result<Answer, Failure>) {
        self.0.push(Effect::Answer { id, answer });
    }

    /// Takes all effects that were added.
    pub fn take(&mut self) -> std::vec::Drain<'_, Effect> {
        self.0.drain(..)
    }
}

/// A session's translator.
pub trait Translator: Send + 'static {
    /// The facts that a session begins with; part of a recorded transcript.
    type Setup: Clone + Send + Serialize + DeserializeOwned;

    /// A session that is open and idle.
    fn new(setup: Self::Setup) -> Self;

    /// Takes one input and adds its effects. It never panics, whatever the harness sends.
    fn step(&mut self, input: Input, out: &mut Effects);

    /// The message to take in place of a line of the harness that is not JSON, for a translator that has to know.
    #[must_use]
    fn unreadable(line: &str) -> Option<RawBuf> {
        let _ = line;
        None
    }
}

fn one_of<S: serde::Serializer>(answer: &Result<Answer, Failure>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Written<'a> {
        Ok(&'a Answer),
        Error(&'a Failure),
    }
    match answer {
        Ok(answer) => Written::Ok(answer),
        Err(failure) => Written::Error(failure),
    }
    .serialize(serializer)
}
