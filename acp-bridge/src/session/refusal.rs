//! Reasons why a host, or the logic of a session, does not do what it was asked for.

mod kind;
mod said;

use acp_types::record::{Epoch, Turn};
use acp_types::{RawBuf, SessionId};
use serde::{Deserialize, Serialize};

pub use kind::RefusalKind;
pub use said::{Forgotten, LastWords};
use said::{Seconds, message_of};

/// One reason, with its facts. What a client is told of it is made at the door, where codes are made too.
///
/// It travels from a host to a gateway as JSON: an object whose `refusal` names the variant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Refusal {
    /// Nobody takes commands for the log.
    #[error("no host serves this log; start one, or try again once it is up")]
    NoHost,
    /// The host took the command and went away before it answered.
    #[error("the host stopped before it answered; whether it did what was asked shows in the session's log")]
    HostGone,
    /// More commands wait for hosts than may wait. This one was not taken.
    #[error("{max} commands wait for a host already; try again")]
    HostBusy {
        /// Number of commands that may wait.
        max: usize,
    },
    /// No host took the command before its deadline. It is not carried out any more.
    #[error("no host took the command in time, and none will; send it again")]
    DeadlinePassed,
    /// The command is written in a way that the host does not know.
    #[error(
        "the command has version {version} and its host knows up to {known}; run the same version of acp-bridge on both sides"
    )]
    UnknownCommandVersion {
        /// The version of the command.
        version: u32,
        /// The newest that the host knows.
        known: u32,
    },
    /// The host cannot read the command, though it knows its version.
    #[error("the command cannot be read: {why}; run the same version of acp-bridge on both sides")]
    UnreadableCommand {
        /// The fault in it.
        why: String,
    },

    /// The host's answer cannot be read where the command came from.
    #[error("the host's answer cannot be read: {why}; run the same version of acp-bridge on both sides")]
    UnreadableAnswer {
        /// The fault in it.
        why: String,
    },
    /// The command was answered before, so long ago that its answer is not kept.
    #[error(
        "this command was answered before and its answer is no longer kept; what it did shows in the session's log"
    )]
    AnswerForgotten,
    /// The queue of commands does not work.
    #[error("the command could not be queued: {why}")]
    QueueFailed {
        /// The cause.
        why: String,
    },
    /// Another host has the session.
    #[error(
        "another host has the session, and holds it for {ms} ms more unless it says that it is still there; try again"
    )]
    HeldElsewhere {
        /// Time that it holds it, in milliseconds.
        ms: u64,
    },
    /// The secrets of the command could not be left in the vault, or be taken out of it.
    #[error("{why}")]
    Vault {
        /// The cause, and what to do.
        why: String,
    },
    /// The host stops and takes no more commands.
    #[error("the host stops; try again once it is back")]
    HostStops,

    /// There is no such session.
    #[error("there is no session {session}")]
    UnknownSession {
        /// The one asked for.
        session: SessionId,
    },
    /// The command is for a session and names none.
    #[error("this command needs a session")]
    NeedsSession,
    /// The command names a session and is for none.
    #[error("this command concerns the agent and no session")]
    NeedsNoSession,
    /// Somebody uses a session that was to be deleted if nobody does.
    #[error("the session is in use and was not deleted")]
    InUse,
    /// The session was closed while the command waited.
    #[error("the session was closed")]
    SessionClosed,
    /// The session's task ended while the command waited for it.
    #[error("the session is being closed")]
    SessionClosing,
    /// The bridge was shut down while the command waited.
    #[error("the bridge was shut down")]
    ShutDown,
    /// As many commands wait for the session as may.
    #[error("too many commands wait for this session; try again")]
    SessionBusy,
    /// As many requests that concern no session are open as may be.
    #[error("too many requests to the agent are open; try again")]
    AgentRequestsFull,
    /// As many requests to the agent that name no session are open as may be.
    #[error("{max} requests to the agent that name no session are open; try again")]
    AgentCallsFull {
        /// Number that may be open.
        max: usize,
    },

    /// The log cannot be written now.
    #[error("the session log cannot be written: {reason}")]
    LogUnwritable {
        /// The cause, and what to do.
        reason: String,
    },
    /// The log cannot be read now.
    #[error("the session log cannot be read: {reason}")]
    LogUnreadable {
        /// The cause, and what to do.
        reason: String,
    },
    /// The log has something that makes no sense.
    #[error("the session log is damaged: {reason}; run `acp-bridge doctor` on it and restore a copy if it confirms")]
    LogDamaged {
        /// The part that makes none.
        reason: String,
    },
    /// The log was shut down.
    #[error("the session log is closed; the bridge is stopping, connect again once it is back")]
    LogClosed,
    /// Another host has the session by now (P9).
    #[error("the session was taken over: epoch {epoch} may not append, the current one is {current}; claim it again")]
    TakenOver {
        /// Epoch of the host that refuses.
        epoch: Epoch,
        /// Epoch of the one that has the session.
        current: Epoch,
    },
    /// The log and its host do not agree on what the log has.
    #[error("{why}")]
    LogMismatch {
        /// The mismatch, in the log's words.
        why: String,
    },

    /// There is no such lane.
    #[error("there is no lane {lane:?} in this session; there are: {}", .lanes.join(", "))]
    UnknownLane {
        /// The one asked for.
        lane: String,
        /// Those that there are.
        lanes: Vec<String>,
    },
    /// The text is no name for a lane.
    #[error("a lane's name is 1 to {max} letters, digits, dots, hyphens and underscores")]
    LaneName {
        /// Bytes that it may have.
        max: usize,
    },
    /// A lane of that name is there.
    #[error("there is a lane {lane:?} in this session already; use another name, or remove it")]
    LaneExists {
        /// Its name.
        lane: String,
    },
    /// The session has as many lanes as it may have.
    #[error("the session has {max} lanes already; remove one")]
    TooManyLanes {
        /// Number of lanes that it may have.
        max: usize,
    },
    /// An agent dialled in for a lane whose agent the bridge starts.
    #[error(
        "the agent of the lane {lane:?} is started by the bridge and does not dial in; use another name for the lane, or a \
         session that was created with \"agent\": \"dials_in\""
    )]
    LaneNotDialled {
        /// Its name.
        lane: String,
    },
    /// `main` cannot leave.
    #[error("`main` cannot be removed; close or delete the session")]
    MainStays,
    /// The lane was removed while the command waited.
    #[error("the lane was removed")]
    LaneRemoved,
    /// The text is no name of a launch profile.
    #[error("`agent` is not the name of a launch profile: 1 to {max} bytes")]
    ProfileName {
        /// Bytes that it may have.
        max: usize,
    },
    /// The text is no name for an agent that dials in.
    #[error("the name of the agent is 1 to {max} bytes")]
    AgentName {
        /// Bytes that it may have.
        max: usize,
    },

    /// The session has no such child.
    #[error("the session has no child session {session}: name one that a subagent_update has announced")]
    UnknownChild {
        /// The id that names none.
        session: SessionId,
    },
    /// The agent does not let clients stop the child's work.
    #[error(
        "the work of child session {session} cannot be stopped: its agent has not said that it can; stop that of its parent"
    )]
    ChildStays {
        /// The child.
        session: SessionId,
    },
    /// There is no such turn, or not any more.
    #[error("there is no turn {turn} in this session, or it ended long ago")]
    UnknownTurn {
        /// The one asked for.
        turn: Turn,
    },
    /// The turn waits in a lane that has left.
    #[error("the lane of turn {turn} has left")]
    TurnLaneLeft {
        /// The turn.
        turn: Turn,
    },
    /// The turn does not wait any more: it runs.
    #[error("turn {turn} has started: it can only be stopped, with session/cancel")]
    TurnStarted {
        /// The turn.
        turn: Turn,
    },
    /// The turn does not wait any more: it is part of another.
    #[error("turn {turn} went into the running turn {into}: it can only be stopped, with session/cancel")]
    TurnJoined {
        /// The turn.
        turn: Turn,
        /// The one that it went into.
        into: Turn,
    },
    /// The turn does not wait any more: it is over.
    #[error("turn {turn} has ended already, as {outcome}")]
    TurnEnded {
        /// The turn.
        turn: Turn,
        /// Its outcome, as the log names it.
        outcome: String,
    },
    /// A turn was to be moved before one that does not wait in its lane.
    #[error("turn {before} does not wait in the lane of turn {turn}")]
    TurnElsewhere {
        /// The one that does not.
        before: Turn,
        /// The one that was to be moved.
        turn: Turn,
    },

    /// A turn runs or waits, and the prompt was not to wait.
    #[error("turn {turn} runs or waits, and the prompt was not to wait; try again when it has ended")]
    Busy {
        /// The turn that runs or waits.
        turn: Turn,
    },
    /// As many prompts wait as may, or as many bytes of them.
    #[error("the session's prompt queue is full ({queued}); wait for a turn to end")]
    QueueFull {
        /// Number that wait.
        queued: usize,
        /// Number that may wait.
        max: usize,
    },
    /// A prompt that waits was to become longer than there is room for.
    #[error("with that, more than {limit} bytes would wait; wait for a turn to end")]
    QueueBytes {
        /// Bytes that may wait.
        limit: usize,
    },
    /// The agent does not take messages into a running turn.
    #[error("this agent takes no messages into a running turn; queue the prompt or interrupt the turn")]
    SteeringUnsupported,
    /// There is no room to remember one choice more.
    #[error(
        "the session remembers 64 modes and options, in 64 KiB, to set them again when its agent is started again, and this \
         is more: nothing was set"
    )]
    ChoicesFull,
    /// As many requests wait for the agent to start as may.
    #[error("{waiting} requests wait for the agent to start; try again")]
    StartCrowded {
        /// Number that wait.
        waiting: usize,
    },
    /// The agent has as many requests to answer as it may have.
    #[error("the agent has {open} requests to answer already; try again")]
    AgentCrowded {
        /// Number that it has.
        open: usize,
    },
    /// The agent will not answer.
    #[error("there is no answer from the agent: {reason}")]
    NoAnswer {
        /// The reason.
        reason: String,
    },

    /// The agent refused, in its own words.
    #[error("{}", message_of(.error))]
    Agent {
        /// Its error object as it sent it. In JSON it is text, so that no byte of it changes.
        #[serde(with = "said::raw_as_text")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        error: RawBuf,
    },
    /// The agent is named by a session that was written elsewhere and that nobody has trusted.
    #[error(
        "the lane {lane:?} was added where this session was written, with the agent {profile:?}, and nothing of that is \
         started here: trust the session with `acp-bridge trust`, or remove the lane and add it again"
    )]
    Untrusted {
        /// The lane.
        lane: String,
        /// The launch profile that the session names.
        profile: String,
    },
    /// The log does not have what the agent's start needs.
    #[error("the log does not say how the session's agent was started; make a new session")]
    StartUnknown,
    /// There is no launch profile of that name.
    #[error("{why}")]
    UnknownProfile {
        /// The name.
        profile: String,
        /// Profiles that there are, and what to do.
        why: String,
    },
    /// The launch profile cannot be used now.
    #[error("{why}")]
    ProfileUnusable {
        /// Its name.
        profile: String,
        /// The missing part, and what to do.
        why: String,
    },
    /// As many agents run as may, and none can make room.
    #[error(
        "{max} agents run, which is all that this bridge runs at once (--max-agents), and all of them have a turn, a client \
         or a request that waits: close a session or leave it, or start the bridge with more"
    )]
    AgentsFull {
        /// Number that may run.
        max: usize,
    },
    /// The program of the agent could not be started.
    #[error("the agent could not be started: {why}; check the agent command")]
    NotStarted {
        /// The cause, in the system's words.
        why: String,
    },
    /// The program that starts an agent which outlives the bridge failed.
    #[error("the process that keeps the agent did not start: {why}")]
    #[serde(rename = "keeper_failed")]
    LauncherFailed {
        /// The cause.
        why: String,
    },
    /// The program that starts an agent which outlives the bridge did not come in time.
    #[error("what keeps the agent did not answer within {} s (--start-timeout)", Seconds(*.limit_ms))]
    #[serde(rename = "keeper_late")]
    LauncherLate {
        /// The time that it had, in milliseconds.
        limit_ms: u64,
    },
    /// The agent runs elsewhere, and is not there.
    #[error(
        "the agent {agent:?} of the lane {lane:?} runs elsewhere, and did not dial in within {} s (--start-timeout): start \
         `acp-bridge dial --session {session} --lane {lane} -- AGENT` there",
        Seconds(*.limit_ms)
    )]
    NotDialledIn {
        /// Name that it gives itself.
        agent: String,
        /// Its session.
        session: SessionId,
        /// Its lane.
        lane: String,
        /// The time that it had, in milliseconds.
        limit_ms: u64,
    },
    /// The agent speaks another version of ACP.
    #[error(
        "the agent speaks version {version} of ACP and the bridge version 1: use a release of the agent that speaks version 1"
    )]
    AgentVersion {
        /// The version, as the agent wrote it.
        version: String,
    },
    /// The agent said nothing for too long, and was stopped.
    #[error(
        "the agent did not answer {method}: it was silent for {} s and was stopped; if it needs longer, start the bridge \
         with a longer --start-timeout{words}",
        Seconds(*.limit_ms)
    )]
    AgentSilent {
        /// The method that it did not answer.
        method: String,
        /// Time that it may be silent, in milliseconds.
        limit_ms: u64,
        /// Its last words.
        words: LastWords,
    },
    /// The agent went on to say other things for too long, and was stopped.
    #[error(
        "the agent did not answer {method} within {} s, {times} times --start-timeout ({} s), although it was not silent, \
         and was stopped; if it needs longer, start the bridge with a longer --start-timeout{words}",
        Seconds(.limit_ms.saturating_mul(u64::from(*.times))),
        Seconds(*.limit_ms)
    )]
    AgentSlow {
        /// The method that it did not answer.
        method: String,
        /// Time that it may be silent, in milliseconds.
        limit_ms: u64,
        /// Number of times as long that it may take if it is not.
        times: u32,
        /// Its last words.
        words: LastWords,
    },
    /// The agent ended before it answered.
    #[error("the agent exited before it answered {method}: {exit}")]
    AgentExited {
        /// The method that it did not answer.
        method: String,
        /// Its end, and its last words.
        exit: String,
    },
    /// The agent has accepted a session and given it no id.
    #[error("the agent answered session/new without a sessionId")]
    NoSessionId,
    /// The agent cannot go back to the conversation, and to go on without it was not accepted.
    #[error(
        "{forgotten}; send the prompt with _meta[\"acp-bridge\"].acceptContextLoss = true, or start the bridge with \
         --accept-context-loss, to go on without it"
    )]
    ContextLost {
        /// Reason why it cannot.
        forgotten: Forgotten,
    },
    /// A task of the host that starts an agent failed.
    #[error("starting the agent failed: {why}")]
    StartBroke {
        /// The cause.
        why: String,
    },
    /// Something could not be written as JSON.
    #[error("{why}")]
    Encoding {
        /// The cause.
        why: String,
    },

    /// A reason that a newer host has and this version does not know.
    #[error("the host refused for a reason that this version of acp-bridge does not know; update it")]
    #[serde(other)]
    Unknown,
}
