//! What can happen, and how a list of it is made of bytes.

/// One thing that happens. Numbers pick among what is there, so that every list of operations means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Prompt {
        key: u8,
        accept_context_loss: bool,
    },
    /// A prompt that says what it does when busy and after a restart.
    PromptThat {
        key: u8,
        kind: u8,
    },
    Cancel {
        turn: Option<u8>,
    },
    /// A cancel of what waits, or of everything.
    CancelAll {
        running: bool,
    },
    /// A look at what waits, or a change of it.
    Queue {
        kind: u8,
        turn: u8,
    },
    Attend {
        present: bool,
    },
    SetPolicy {
        kind: u8,
    },
    Answer {
        request: u8,
        error: bool,
    },
    Call {
        kind: u8,
    },
    Notify,
    /// Agents that nobody needs are to be stopped.
    Rest,
    Attach,
    Close,
    Update {
        kind: u8,
    },
    Request {
        method: u8,
        id: u8,
    },
    Withdraw {
        request: u8,
    },
    Notification,
    /// The agent answers one of its open calls, in any order.
    AgentAnswers {
        call: u8,
        kind: u8,
    },
    /// It answers what it has answered before, or what it was never asked.
    AgentAnswersAgain {
        call: u8,
    },
    AgentExits,
    Started {
        forgot: bool,
    },
    StartFails,
    /// An agent behind a link that was cut off comes back, or it does not.
    Returns {
        comes: bool,
    },
    /// An agent more, by name.
    LaneAdd {
        lane: u8,
    },
    LaneRemove {
        lane: u8,
    },
    /// Prompts, stops and what the agent does are about this lane from now on.
    Turn {
        lane: u8,
    },
    /// Time passes, up to half the grace; then the driver's timer fires if it is due.
    Wait {
        tenths: u8,
    },
    /// The driver appends and runs the effects.
    Flush,
    /// The machine is lost: with what it has not appended, or between the append and the effects.
    Crash {
        appended: bool,
    },
    Shutdown,
}

impl From<[u8; 3]> for Op {
    fn from([op, a, b]: [u8; 3]) -> Self {
        match op % 42 {
            0..=3 => Self::Prompt { key: a % 6, accept_context_loss: b % 4 == 0 },
            4 | 5 => Self::Cancel { turn: (a % 2 == 0).then_some(b) },
            6 | 7 => Self::Answer { request: a, error: b % 3 == 0 },
            8 => Self::Call { kind: a },
            9 if b % 2 == 0 => Self::Rest,
            9 => Self::Notify,
            10 => Self::Attach,
            11 if b % 3 == 0 => Self::Close,
            11..=13 => Self::Update { kind: a },
            14..=16 => Self::Request { method: a, id: b % 8 },
            17 => Self::Withdraw { request: a },
            18 => Self::Notification,
            19..=21 => Self::AgentAnswers { call: a, kind: b },
            22 => Self::AgentAnswersAgain { call: a },
            23 if b % 2 == 0 => Self::AgentExits,
            23..=25 => Self::Started { forgot: a % 4 == 0 },
            26 if b % 2 == 0 => Self::StartFails,
            26 | 27 => Self::Wait { tenths: a },
            28 if b % 4 == 0 => Self::Shutdown,
            28 | 29 if b % 2 == 0 => Self::Crash { appended: a % 2 == 0 },
            30 if b % 2 == 0 => Self::Turn { lane: a },
            31 if b % 4 == 0 => Self::LaneRemove { lane: a },
            31 if b % 4 < 3 => Self::LaneAdd { lane: a },
            32..=34 => Self::PromptThat { key: a % 6, kind: b },
            35 | 36 => Self::Queue { kind: a, turn: b },
            37 => Self::Attend { present: a % 2 == 0 },
            38 => Self::SetPolicy { kind: a },
            39 => Self::CancelAll { running: a % 4 == 0 },
            40 | 41 => Self::Returns { comes: b % 8 > 0 },
            _ => Self::Flush,
        }
    }
}
