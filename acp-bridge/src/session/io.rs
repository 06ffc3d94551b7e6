//! Inputs and outputs of the machine.

use std::sync::Arc;

use acp_server::proto::Payload;
use acp_types::record::Record;
use acp_types::record::body::{AgentLink, AgentStarted};
use acp_types::{RawBuf, RequestId};

use super::{AgentSource, Command, Refusal, Reply};

/// Names one command between its arrival and its reply. Given by the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// Names one request of ours to the agent. Given by the machine, never used twice in one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// A client wants something.
    Command {
        /// Its name, for the reply.
        id: CommandId,
        /// The client that it is from.
        client: Arc<str>,
        /// The command.
        command: Command,
    },
    /// A lane's agent did something.
    Agent {
        /// The lane of the agent.
        lane: Arc<str>,
        /// The number of its message, when it is connected over a link: what comes of it is recorded with that. With
        /// [`FromAgent::Started`] it is that of the message that opened the session; all before are taken in with it.
        position: Option<u64>,
        /// The event.
        event: FromAgent,
    },
    /// The time of [`super::Machine::deadline`] has come.
    Tick,
    /// Agents that nobody needs are to be stopped, see [`super::Machine::idle_since`]. If they are needed nothing happens.
    Rest,
}

/// Something that a lane's agent did.
#[derive(Debug)]
pub enum FromAgent {
    /// The agent is there, with a session of its own: the answer to [`Effect::StartAgent`].
    Started(AgentStarted),
    /// The agent could not be started or could not open the session. The process, if any, is gone.
    StartFailed {
        /// Reason, for whoever waits for a turn.
        error: Refusal,
    },
    /// `session/update`, its params.
    Update(Payload),
    /// A request.
    Request {
        /// Its id, as the agent sent it.
        id: RequestId,
        /// Its method.
        method: String,
        /// Its params.
        params: Option<RawBuf>,
    },
    /// The agent no longer wants that request answered (`$/cancel_request`).
    Withdrew(RequestId),
    /// Any other notification.
    Notification {
        /// Its method.
        method: String,
        /// Its params.
        params: Option<RawBuf>,
    },
    /// Something that cannot be read, over the limit for example, and that is no answer and no request: it is lost.
    Unreadable {
        /// The fault in it.
        reason: String,
    },
    /// The answer to [`Effect::Call`]: result, or error object.
    Answered {
        /// The call.
        call: CallId,
        /// Result or error object, raw.
        outcome: Result<RawBuf, RawBuf>,
    },
    /// The agent is back, the same run of it: one answer to [`Effect::AwaitAgent`]. What it has said beyond what was received
    /// follows, from the next number on.
    Returned {
        /// True if it has the prompt of the running turn, whether or not its answer is among what follows.
        has_prompt: bool,
        /// Its requests that have no answer yet, with the number of the message that each came in; without those whose
        /// message follows.
        asked: Vec<(u64, RequestId)>,
    },
    /// Its process is gone, or it does not come back, which is the other answer to [`Effect::AwaitAgent`]. Calls that it
    /// left open are not answered any more.
    Exited {
        /// Reason in one sentence: exit status and the end of its stderr.
        reason: String,
    },
}

/// The agent that a new session is made with.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "made to be written out")]
pub struct FirstAgent {
    /// The `initialize` params that it was given.
    pub initialize: RawBuf,
    /// The session as the agent has accepted it.
    pub started: AgentStarted,
    /// The number of the message in which it did; see [`Input::Agent`].
    pub position: Option<u64>,
    /// Other messages that it has said, each with its number.
    pub early: Vec<(Option<u64>, FromAgent)>,
}

/// Plan to bring an agent back to its lane of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartPlan {
    /// `initialize` params for the agent.
    pub initialize: RawBuf,
    /// `session/new` params of the session: working directory, MCP servers.
    pub params: RawBuf,
    /// Source that it comes from.
    pub source: AgentSource,
    /// True for the first agent of its lane, which opens a session of its own: there is nothing that it could have forgotten.
    pub first: bool,
    /// The agent's own id of the session. Without one, and unless it is the first, the agent cannot go back to it: the
    /// session was imported from an export that does not have the id.
    pub agent_session: Option<String>,
    /// Open a new, empty one if the agent cannot go back.
    pub accept_context_loss: bool,
}

/// Something to do, after the records that came with it are on stable storage.
#[derive(Debug)]
pub enum Effect {
    /// Answer a command.
    Reply {
        /// The command.
        command: CommandId,
        /// Its reply.
        reply: Result<Reply, Refusal>,
    },
    /// Start a lane's agent; ends in [`FromAgent::Started`] or [`FromAgent::StartFailed`].
    StartAgent {
        /// The lane.
        lane: Arc<str>,
        /// The plan.
        plan: StartPlan,
    },
    /// Wait for a lane's agent, which runs on behind its link while the bridge was restarted; ends in
    /// [`FromAgent::Returned`], or in [`FromAgent::Exited`] when it does not come back in time or as another run.
    AwaitAgent {
        /// The lane.
        lane: Arc<str>,
        /// The run of the agent, and how long it stays alone.
        link: AgentLink,
        /// The number of its last message that is in the log; what it has said beyond is to be sent again.
        received: u64,
        /// Call for its answer to the prompt of the running turn, if one runs.
        call: Option<CallId>,
    },
    /// Stop a lane's agent: politely, or at once as a process group. No [`FromAgent::Exited`] follows; what it still
    /// says is dropped. One that is awaited is to be stopped when it comes.
    StopAgent {
        /// The lane.
        lane: Arc<str>,
        /// True to stop it at once.
        kill: bool,
    },
    /// Send a request to an agent; ends in [`FromAgent::Answered`] or [`FromAgent::Exited`].
    Call {
        /// The lane of the agent.
        lane: Arc<str>,
        /// Name of the call, for the answer.
        call: CallId,
        /// Its method.
        method: String,
        /// Its params, with the agent's own session id.
        params: Option<RawBuf>,
    },
    /// Send a notification to an agent.
    Notify {
        /// The lane of the agent.
        lane: Arc<str>,
        /// Its method.
        method: String,
        /// Its params, with the agent's own session id.
        params: Option<RawBuf>,
    },
    /// Answer a request of an agent.
    Respond {
        /// The lane of the agent.
        lane: Arc<str>,
        /// Its id, as the agent sent it.
        id: RequestId,
        /// Result, or error object.
        answer: Result<RawBuf, RawBuf>,
    },
    /// Serve a request of an agent for files or commands next to it, and answer it.
    Serve {
        /// The lane of the agent.
        lane: Arc<str>,
        /// Its id, as the agent sent it.
        id: RequestId,
        /// Its method.
        method: String,
        /// Its params.
        params: Option<RawBuf>,
    },
    /// An agent no longer wants a request answered that may be one of those.
    Unserve {
        /// The lane of the agent.
        lane: Arc<str>,
        /// Its id, as the agent sent it.
        id: RequestId,
    },
    /// Keep the params of the agents' next start where only the host finds them: the log does not have all of them.
    /// [`super::Machine::recover`] takes them.
    KeepStart {
        /// `session/new` params.
        params: RawBuf,
    },
    /// Delete the session from the log, and what was kept of it, then answer the command.
    Delete {
        /// The command that waits.
        command: CommandId,
    },
}

/// Outcome of one or more inputs: records to append as one batch, then effects to run in order.
#[derive(Debug, Default)]
pub struct Output {
    /// Records to append. Their seqs follow on each other and on the machine's head.
    pub records: Vec<Arc<Record>>,
    /// Effects to run after that.
    pub effects: Vec<Effect>,
}
