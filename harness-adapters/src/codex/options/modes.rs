//! The modes of a session: when Codex asks, whom, and what it may do without.

use crate::codex::wire::{Reviewer, Sandbox};

/// The mode of new sessions unless the user has configured something else: works in the workspace, asks for everything
/// else.
pub(crate) const DEFAULT_MODE: &str = "workspace-write";
/// Beginning of the ids of modes that stand for a permission profile of the user.
pub(super) const PROFILE: &str = "profile:";
/// The mode of threads whose settings are none of ours.
pub(super) const CUSTOM: &str = "custom";

/// A mode, and its settings in Codex.
pub(super) struct Mode {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) policy: &'static str,
    pub(super) sandbox: Sandbox,
    pub(super) reviewer: Reviewer,
}

pub(super) const MODES: [Mode; 4] = [
    Mode {
        id: "read-only",
        name: "Read only",
        description: "Reads files; asks before it changes anything or uses the network",
        policy: "on-request",
        sandbox: Sandbox::ReadOnly,
        reviewer: Reviewer::User,
    },
    Mode {
        id: DEFAULT_MODE,
        name: "Workspace",
        description: "Works in the workspace; asks before it leaves it or uses the network",
        policy: "on-request",
        sandbox: Sandbox::WorkspaceWrite,
        reviewer: Reviewer::User,
    },
    Mode {
        id: "agent",
        name: "Workspace, reviewed by a model",
        description: "Works in the workspace; a second model decides in place of the user about everything else",
        policy: "on-request",
        sandbox: Sandbox::WorkspaceWrite,
        reviewer: Reviewer::AutoReview,
    },
    Mode {
        id: "agent-full-access",
        name: "Full access",
        description: "Does everything without a sandbox and never asks",
        policy: "never",
        sandbox: Sandbox::DangerFullAccess,
        reviewer: Reviewer::User,
    },
];
