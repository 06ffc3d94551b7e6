//! Settings that somebody has chosen: the user in the configuration, or an earlier client of the session.

use serde::{Deserialize, Serialize};

use crate::codex::wire::{self, Policy, Reviewer, Sandbox, SandboxPolicy};

/// Settings, as far as somebody chose them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Chosen {
    pub(crate) policy: Option<Policy>,
    pub(crate) reviewer: Option<Reviewer>,
    pub(crate) access: Option<Access>,
    pub(crate) model: Option<String>,
    pub(crate) effort: Option<String>,
    pub(crate) plan: bool,
}

/// Rights of commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Access {
    /// A sandbox of Codex's own.
    Sandbox(Sandbox),
    /// A permission profile of the user, by its id.
    Profile(String),
}

impl Access {
    /// The rights of a permission profile. The ids of Codex's own begin with a colon.
    pub(crate) fn of_profile(id: &str) -> Option<Self> {
        match id {
            ":read-only" => Some(Self::Sandbox(Sandbox::ReadOnly)),
            ":workspace" => Some(Self::Sandbox(Sandbox::WorkspaceWrite)),
            ":danger-full-access" => Some(Self::Sandbox(Sandbox::DangerFullAccess)),
            other if other.starts_with(':') => None,
            other => Some(Self::Profile(other.to_owned())),
        }
    }
}

/// The user's configuration. It is kept apart from the settings in force, so that it comes back exactly.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Base {
    pub(super) chosen: Chosen,
    /// The user's `workspace-write`.
    pub(super) workspace: Option<SandboxPolicy>,
    pub(super) profiles: Vec<Profile>,
}

/// A permission profile of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(super) id: String,
    pub(super) description: Option<String>,
}

impl Base {
    /// Takes it from the configuration. What a repository says of itself counts where the user trusts the repository, or
    /// Codex would not tell of it; but it chooses no mode that asks nobody.
    pub(crate) fn new(read: &wire::ConfigRead, profiles: Vec<wire::PermissionProfile>) -> Self {
        let config = &read.config;
        let own = |key: &str| !read.origins.get(key).is_some_and(wire::Origin::is_project);
        let full = Access::Sandbox(Sandbox::DangerFullAccess);
        let sandbox = config.sandbox_mode.map(Access::Sandbox);
        let sandbox = sandbox.filter(|access| *access != full || own("sandbox_mode"));
        let profile = config.default_permissions.as_deref().and_then(Access::of_profile);
        let profile = profile.filter(|_| own("default_permissions"));
        let policy = config.approval_policy.clone().filter(|policy| !policy.0.is_null());
        let chosen = Chosen {
            policy: policy.filter(|policy| policy.0 != "never" || own("approval_policy")),
            reviewer: config.approvals_reviewer.filter(|_| own("approvals_reviewer")),
            access: profile.or(sandbox),
            ..Chosen::default()
        };
        let own_profiles = profiles.into_iter().filter(|profile| profile.allowed && !profile.id.starts_with(':'));
        Self {
            chosen,
            workspace: config.sandbox_workspace_write.as_ref().map(wire::Workspace::policy),
            profiles: own_profiles
                .map(|wire::PermissionProfile { id, description, .. }| Profile { id, description })
                .collect(),
        }
    }

    /// True if the user has configured anything about how sessions begin.
    pub(crate) fn is_chosen(&self) -> bool {
        self.chosen != Chosen::default()
    }

    /// True if there is such a profile.
    pub(crate) fn has_profile(&self, id: &str) -> bool {
        self.profiles.iter().any(|profile| profile.id == id)
    }
}
