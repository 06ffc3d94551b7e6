//! Which mode a session is in, and what changes it to another one: to the mode and to nothing else.

use serde_json::{Value, json};

use super::modes::{CUSTOM, DEFAULT_MODE, MODES, Mode, PROFILE};
use super::{Access, Chosen, Settings};
use crate::codex::wire::{Policy, Reviewer, Sandbox};

impl Settings {
    /// Keeps apart what a change of the mode must not change.
    pub(super) fn remember(&mut self) {
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

    pub(in crate::codex) fn mode(&self) -> String {
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

    /// When Codex asks, and whom, in a mode that says nothing of it: as the user has configured it.
    fn asks(&self) -> (Policy, Reviewer) {
        let Chosen { policy, reviewer, .. } = &self.base.chosen;
        (policy.clone().unwrap_or_else(|| Policy("on-request".into())), reviewer.unwrap_or_default())
    }

    /// What changes the thread to a mode; `None` if there is no such mode.
    pub(in crate::codex) fn mode_patch(&self, id: &str) -> Option<Value> {
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

    /// What a new session is changed to by itself: what the user has configured, or else the mode that asks before it leaves
    /// the workspace. Where nobody is asked it may do no more than the user or Codex says.
    pub(in crate::codex) fn beginning(&self) -> Value {
        if !self.base.is_chosen() {
            return self.mode_patch(DEFAULT_MODE).unwrap_or_default();
        }
        let mut chosen = self.base.chosen.clone();
        if chosen.access.is_none() && chosen.policy.as_ref().is_none_or(|policy| policy.0 != "never") {
            chosen.access = Some(Access::Sandbox(Sandbox::WorkspaceWrite));
        }
        self.patch_to(&chosen)
    }

    /// What changes the thread to what was chosen.
    pub(in crate::codex) fn patch_to(&self, chosen: &Chosen) -> Value {
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

    /// What is still to be done of a patch, with the additional directories; `None` if nothing.
    pub(in crate::codex) fn missing(&self, mut patch: Value) -> Option<Value> {
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
pub(super) fn collaboration(mode: &str, model: &str, effort: Option<&String>) -> Value {
    let settings = json!({ "model": model, "reasoning_effort": effort, "developer_instructions": null });
    json!({ "mode": mode, "settings": settings })
}
