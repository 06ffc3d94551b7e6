//! The part of the app-server protocol that this adapter uses.
//!
//! Tolerant: unknown members are ignored, unknown variants read as `Other`. It is JSON-RPC without the `jsonrpc` member,
//! one message per line.

mod ask;
mod config;
mod event;
mod input;
mod item;
mod message;
mod outgoing;
mod reading;
mod settings;
mod thread;

pub(super) use ask::{
    CommandAsk, ElicitationAsk, ElicitationMode, FileAsk, NetworkAmendment, PermissionsAsk, Question, QuestionsAsk,
};
pub(super) use config::{ConfigRead, Origin, PermissionProfile, Workspace};
pub(super) use event::{
    About, Delta, ErrorEvent, ItemEvent, Named, PlanEvent, PlanStep, Resolved, SettingsEvent, StepStatus, Summarized,
    TokenUsage, Tokens, TurnEvent, Unreadable, Usage, Warning,
};
pub(super) use input::{File, Files, UserInput};
pub(super) use item::{AgentTool, Change, ChangeKind, Command, CommandAction, Item, McpCall, Status};
pub(super) use message::{Message, RpcError};
pub(super) use outgoing::{UNREADABLE, answer, bytes, call, notify, refuse, unreadable};
pub(super) use reading::{read, repaired};
pub(super) use settings::{ActiveProfile, Policy, Reviewer, Sandbox, SandboxPolicy};
pub(super) use thread::{Account, Model, Page, Skills, Started, Thread, Turn, TurnError, TurnStatus};
