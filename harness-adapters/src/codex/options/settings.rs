//! The settings of a session: mode, model, effort, plan mode, and the patches that change them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chosen::{Access, Base, Chosen};
use super::model::Model;
use super::modes::{CUSTOM, DEFAULT_MODE, MODES, Mode, PROFILE};
use crate::codex::wire::{self, ActiveProfile, Policy, Reviewer, Sandbox, SandboxPolicy};

/// Ids of the options.
pub(super) const MODE: &str = "mode";
pub(super) const MODEL: &str = "model";
pub(super) const EFFORT: &str = "reasoning_effort";
pub(crate) const COLLABORATION: &str = "collaboration_mode";

/// The settings in force, and the values that can be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    policy: Policy,
    reviewer: Reviewer,
    sandbox: SandboxPolicy,
    /// The permission profile of the user that is in force.
    #[serde(default)]
    profile: Option<String>,
    /// The user's `workspace-write`, also while another sandbox is in force.
    #[serde(default)]
    workspace: Option<SandboxPolicy>,
    /// The patch back to settings that are none of our modes.
    #[serde(default)]
    pub(super) custom: Option<Value>,
    #[serde(default)]
    pub(super) base: Base,
    /// Further directories that commands may write in.
    roots: Vec<String>,
    pub(super) model: String,
    effort: Option<String>,
    pub(super) plan: bool,
    pub(super) models: Vec<Model>,
}

impl Settings {
    /// The settings that a thread was opened with. `roots` are to be writable, too.
    pub(crate) fn new(started: &wire::Started, models: Vec<Model>, roots: Vec<String>) -> Self {
        Self {
            policy: started.approval_policy.clone(),
            reviewer: started.approvals_reviewer,
            sandbox: started.sandbox.clone(),
            profile: ActiveProfile::configured(started.active_permission_profile.as_ref()),
            workspace: None,
            custom: None,
            base: Base::default(),
            roots,
            model: started.model.clone(),
            effort: started.reasoning_effort.clone(),
            plan: false,
            models,
        }
    }

    /// These settings beside the user's configuration.
    pub(crate) fn with(mut self, base: Base) -> Self {
        self.workspace.clone_from(&base.workspace);
        self.base = base;
        let own = self.patch_to(&self.base.chosen);
        let mut configured = self.clone();
        configured.apply(&own);
        self.custom = configured.custom;
        self
    }

    /// Takes over what a thread says about itself. Whether something is different now.
    pub(crate) fn learn(&mut self, event: &wire::SettingsEvent) -> bool {
        let before = self.clone();
        let thread = &event.thread_settings;
        self.policy = thread.approval_policy.clone();
        self.reviewer = thread.approvals_reviewer;
        self.sandbox = thread.sandbox_policy.clone();
        self.profile = ActiveProfile::configured(thread.active_permission_profile.as_ref());
        self.remember();
        self.model.clone_from(&thread.model);
        self.effort.clone_from(&thread.effort);
        self.plan = thread.collaboration_mode.mode == "plan";
        *self != before
    }

    /// Whether the same settings are in force as in others. What is remembered beside them may differ.
    pub(crate) fn are_as(&self, other: &Self) -> bool {
        let of = |settings: &Self| {
            let Self { policy, reviewer, sandbox, profile, model, effort, plan, .. } = settings.clone();
            (policy, reviewer, sandbox, profile, model, effort, plan)
        };
        of(self) == of(other)
    }

    /// The patch that sets an option to a value; `None` if there is no such option or value.
    pub(crate) fn patch(&self, option: &str, value: &str) -> Option<Value> {
        match option {
            MODE => self.mode_patch(value),
            MODEL => {
                let model = self.models.iter().find(|model| model.id == value);
                if model.is_none() && value != self.model {
                    return None;
                }
                let kept = |effort: &String| {
                    model.is_none_or(|model| {
                        model.efforts.is_empty() || model.efforts.iter().any(|(id, _)| id == effort)
                    })
                };
                let effort =
                    self.effort.clone().filter(kept).or_else(|| model.map(|model| model.default_effort.clone()));
                Some(json!({ "model": value, "effort": effort.filter(|effort| !effort.is_empty()) }))
            }
            EFFORT => {
                let known = self.efforts().iter().any(|(id, _)| id == value);
                known.then(|| json!({ "effort": value }))
            }
            COLLABORATION => matches!(value, "plan" | "default").then(|| self.collaboration_patch(value)),
            _ => None,
        }
    }

    fn collaboration_patch(&self, mode: &str) -> Value {
        json!({ "collaborationMode": collaboration(mode, &self.model, self.effort.as_ref()) })
    }

    /// Takes over a patch that the thread has accepted.
    pub(crate) fn apply(&mut self, patch: &Value) {
        if let Some(policy) = patch.get("approvalPolicy") {
            self.policy = Policy(policy.clone());
        }
        if let Some(reviewer) = patch.get("approvalsReviewer") {
            self.reviewer = serde_json::from_value(reviewer.clone()).unwrap_or_default();
        }
        if let Some(sandbox) = patch.get("sandboxPolicy") {
            self.sandbox = SandboxPolicy(sandbox.clone());
            self.profile = None;
        }
        if let Some(profile) = patch.get("permissions").and_then(Value::as_str) {
            self.profile = Some(profile.to_owned());
        }
        self.remember();
        if let Some(model) = patch.get("model").and_then(Value::as_str) {
            model.clone_into(&mut self.model);
        }
        if let Some(effort) = patch.get("effort") {
            self.effort = effort.as_str().map(str::to_owned);
        }
        if let Some(mode) = patch.pointer("/collaborationMode/mode") {
            self.plan = mode == "plan";
        }
    }

    pub(crate) fn is_planning(&self) -> bool {
        self.plan
    }

    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    /// The model as the catalogue has it.
    fn catalogued(&self) -> Option<&Model> {
        self.models.iter().find(|model| model.id == self.model)
    }

    /// The effort in force: as chosen, else what the model does by itself. Codex names none unless somebody chose one.
    pub(super) fn effort(&self) -> Option<&str> {
        let default =
            || self.catalogued().map(|model| model.default_effort.as_str()).filter(|effort| !effort.is_empty());
        self.effort.as_deref().or_else(default)
    }

    /// The efforts of the model, and the one in force.
    pub(super) fn efforts(&self) -> Vec<(String, String)> {
        let mut efforts = self.catalogued().map(|model| model.efforts.clone()).unwrap_or_default();
        if let Some(effort) = self.effort()
            && !efforts.iter().any(|(id, _)| id == effort)
        {
            efforts.push((effort.to_owned(), String::new()));
        }
        efforts
    }

    /// Keeps apart what a change of the mode must not change.
    fn remember(&mut self) {
        if self.profile.is_none() && self.sandbox.word() == Some(Sandbox::WorkspaceWrite) {
            self.workspace = Some(self.sandbox.clone());
        }
        if self.mode() == CUSTOM {
            let mut custom = json!({ "approvalPolicy": self.policy, "approvalsReviewer": self.reviewer });
            match &self.profile {
                Some(profile) => custom["permissions"] = profile.clone().into(),
                None => custom["sandboxPolicy"] = self.sandbox.0.clone(),
            }
            self.custom = Some(custom);
        }
    }

    pub(crate) fn mode(&self) -> String {
        if let Some(profile) = self.profile.as_deref() {
            let (policy, reviewer) = self.asks();
            let is_it = self.base.has_profile(profile) && self.policy == policy && self.reviewer == reviewer;
            return if is_it { format!("{PROFILE}{profile}") } else { CUSTOM.to_owned() };
        }
        let word = self.sandbox.word();
        let same =
            |mode: &&Mode| self.policy.0 == mode.policy && word == Some(mode.sandbox) && self.reviewer == mode.reviewer;
        MODES.iter().find(same).map_or(CUSTOM, |mode| mode.id).to_owned()
    }

    /// Policy and reviewer of a mode that names none: as the user has configured them.
    fn asks(&self) -> (Policy, Reviewer) {
        let Chosen { policy, reviewer, .. } = &self.base.chosen;
        (policy.clone().unwrap_or_else(|| Policy("on-request".into())), reviewer.unwrap_or_default())
    }

    /// The patch that sets a mode; `None` if there is no such mode.
    pub(crate) fn mode_patch(&self, id: &str) -> Option<Value> {
        if id == CUSTOM {
            return self.custom.clone();
        }
        if let Some(profile) = id.strip_prefix(PROFILE).filter(|profile| self.base.has_profile(profile)) {
            let (policy, reviewer) = self.asks();
            return Some(json!({ "approvalPolicy": policy, "approvalsReviewer": reviewer, "permissions": profile }));
        }
        let mode = MODES.iter().find(|mode| mode.id == id)?;
        Some(json!({
            "approvalPolicy": mode.policy,
            "approvalsReviewer": mode.reviewer,
            "sandboxPolicy": self.policy_of(mode.sandbox),
        }))
    }

    /// The patch that a new session gets by itself: to the user's configuration, or else to the mode that asks before it
    /// leaves the workspace. Where nobody is asked it may do no more than the user or Codex says.
    pub(crate) fn beginning(&self) -> Value {
        if !self.base.is_chosen() {
            return self.mode_patch(DEFAULT_MODE).unwrap_or_default();
        }
        let mut chosen = self.base.chosen.clone();
        if chosen.access.is_none() && chosen.policy.as_ref().is_none_or(|policy| policy.0 != "never") {
            chosen.access = Some(Access::Sandbox(Sandbox::WorkspaceWrite));
        }
        self.patch_to(&chosen)
    }

    /// The patch to the settings that were chosen.
    pub(crate) fn patch_to(&self, chosen: &Chosen) -> Value {
        let mut patch = json!({});
        if let Some(policy) = &chosen.policy {
            patch["approvalPolicy"] = policy.0.clone();
        }
        if let Some(reviewer) = chosen.reviewer.filter(|reviewer| *reviewer != Reviewer::Other) {
            patch["approvalsReviewer"] = json!(reviewer);
        }
        match &chosen.access {
            Some(Access::Sandbox(sandbox)) => patch["sandboxPolicy"] = self.policy_of(*sandbox),
            Some(Access::Profile(profile)) if self.base.has_profile(profile) => {
                patch["permissions"] = profile.clone().into();
            }
            _ => {}
        }
        if let Some(model) = &chosen.model {
            patch["model"] = model.clone().into();
        }
        if let Some(effort) = &chosen.effort {
            patch["effort"] = effort.clone().into();
        }
        if chosen.plan {
            let (model, effort) = (chosen.model.as_ref().unwrap_or(&self.model), chosen.effort.as_ref());
            patch["collaborationMode"] = collaboration("plan", model, effort.or(self.effort.as_ref()));
        }
        patch
    }

    /// The rest of a patch that is still to be done, with the additional directories; `None` if nothing is.
    pub(crate) fn missing(&self, mut patch: Value) -> Option<Value> {
        let mut then = self.clone();
        then.apply(&patch);
        if then.profile.is_none() && then.sandbox.word() == Some(Sandbox::WorkspaceWrite) && !self.roots.is_empty() {
            patch["sandboxPolicy"] = then.policy_of(Sandbox::WorkspaceWrite);
            then.apply(&patch);
        }
        let change = (&then.policy, then.reviewer, &then.sandbox, &then.profile, &then.model, &then.effort, then.plan)
            != (&self.policy, self.reviewer, &self.sandbox, &self.profile, &self.model, &self.effort, self.plan);
        change.then_some(patch)
    }

    fn policy_of(&self, sandbox: Sandbox) -> Value {
        let given = |key: &str| self.workspace.as_ref()?.0.get(key).cloned();
        match sandbox {
            Sandbox::ReadOnly => json!({ "type": "readOnly", "networkAccess": false }),
            Sandbox::DangerFullAccess => json!({ "type": "dangerFullAccess" }),
            Sandbox::WorkspaceWrite => {
                let mut roots: Vec<Value> =
                    given("writableRoots").and_then(|roots| roots.as_array().cloned()).unwrap_or_default();
                for root in &self.roots {
                    if !roots.iter().any(|known| known == root) {
                        roots.push(root.clone().into());
                    }
                }
                json!({
                    "type": "workspaceWrite",
                    "writableRoots": roots,
                    "networkAccess": given("networkAccess").and_then(|on| on.as_bool()).unwrap_or_default(),
                    "excludeTmpdirEnvVar": given("excludeTmpdirEnvVar").unwrap_or(Value::Bool(false)),
                    "excludeSlashTmp": given("excludeSlashTmp").unwrap_or(Value::Bool(false)),
                })
            }
        }
    }
}

/// `collaborationMode` of a change.
fn collaboration(mode: &str, model: &str, effort: Option<&String>) -> Value {
    let settings = json!({ "model": model, "reasoning_effort": effort, "developer_instructions": null });
    json!({ "mode": mode, "settings": settings })
}
