//! What a user can choose in a session: mode, model, effort, plan mode.

mod chosen;
mod modes;

use acp_types::v1;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::wire::{self, ActiveProfile, Policy, Reviewer, Sandbox, SandboxPolicy};
pub(super) use chosen::{Access, Base, Chosen};
pub(super) use modes::DEFAULT_MODE;
use modes::{CUSTOM, MODES, Mode, PROFILE};

/// Ids of the options.
pub(super) const MODE: &str = "mode";
pub(super) const MODEL: &str = "model";
pub(super) const EFFORT: &str = "reasoning_effort";
pub(super) const COLLABORATION: &str = "collaboration_mode";

/// A model that can be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Model {
    id: String,
    name: String,
    description: String,
    efforts: Vec<(String, String)>,
    default_effort: String,
}

impl From<wire::Model> for Model {
    fn from(model: wire::Model) -> Self {
        let efforts = model.supported_reasoning_efforts.into_iter();
        Self {
            name: if model.display_name.is_empty() { model.model.clone() } else { model.display_name },
            id: model.model,
            description: model.description,
            efforts: efforts.map(|effort| (effort.reasoning_effort, effort.description)).collect(),
            default_effort: model.default_reasoning_effort,
        }
    }
}

/// What is chosen, and from what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    policy: Policy,
    reviewer: Reviewer,
    sandbox: SandboxPolicy,
    /// The permission profile of the user that is in force.
    #[serde(default)]
    profile: Option<String>,
    /// What `workspace-write` is, also while something else is in force.
    #[serde(default)]
    workspace: Option<SandboxPolicy>,
    /// What brings back the settings that are none of our modes.
    #[serde(default)]
    custom: Option<Value>,
    #[serde(default)]
    base: Base,
    /// Where else than in the workspace it may write.
    roots: Vec<String>,
    model: String,
    effort: Option<String>,
    plan: bool,
    models: Vec<Model>,
}

impl Settings {
    /// As a thread was opened with. `roots` are to be writable, too.
    pub(super) fn new(started: &wire::Started, models: Vec<Model>, roots: Vec<String>) -> Self {
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

    /// With what the user has configured.
    pub(super) fn with(mut self, base: Base) -> Self {
        self.workspace.clone_from(&base.workspace);
        self.base = base;
        let own = self.patch_to(&self.base.chosen);
        let mut configured = self.clone();
        configured.apply(&own);
        self.custom = configured.custom;
        self
    }

    /// Takes over what a thread says about itself. Whether something is different now.
    pub(super) fn learn(&mut self, event: &wire::SettingsEvent) -> bool {
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

    pub(super) fn mode(&self) -> String {
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
    pub(super) fn mode_patch(&self, id: &str) -> Option<Value> {
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
    /// the workspace.
    pub(super) fn beginning(&self) -> Value {
        if self.base.is_chosen() {
            return self.patch_to(&self.base.chosen);
        }
        self.mode_patch(DEFAULT_MODE).unwrap_or_default()
    }

    /// What changes the thread to what was chosen.
    pub(super) fn patch_to(&self, chosen: &Chosen) -> Value {
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
    pub(super) fn missing(&self, mut patch: Value) -> Option<Value> {
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

    /// What changes the thread to a value of an option; `None` if there is no such option or value.
    pub(super) fn patch(&self, option: &str, value: &str) -> Option<Value> {
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

    pub(super) fn collaboration_patch(&self, mode: &str) -> Value {
        json!({ "collaborationMode": collaboration(mode, &self.model, self.effort.as_ref()) })
    }

    /// Takes over a patch that the thread has accepted.
    pub(super) fn apply(&mut self, patch: &Value) {
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

    pub(super) fn is_planning(&self) -> bool {
        self.plan
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// The model as the catalogue has it.
    fn catalogued(&self) -> Option<&Model> {
        self.models.iter().find(|model| model.id == self.model)
    }

    /// The effort in force: as chosen, else what the model does by itself. Codex names none unless somebody chose one.
    fn effort(&self) -> Option<&str> {
        let default =
            || self.catalogued().map(|model| model.default_effort.as_str()).filter(|effort| !effort.is_empty());
        self.effort.as_deref().or_else(default)
    }

    /// The efforts of the model, and the one in force.
    fn efforts(&self) -> Vec<(String, String)> {
        let mut efforts = self.catalogued().map(|model| model.efforts.clone()).unwrap_or_default();
        if let Some(effort) = self.effort()
            && !efforts.iter().any(|(id, _)| id == effort)
        {
            efforts.push((effort.to_owned(), String::new()));
        }
        efforts
    }

    /// The modes, for clients that know no options.
    pub(super) fn modes(&self) -> v1::SessionModeState {
        let mut modes: Vec<v1::SessionMode> = MODES
            .iter()
            .map(|mode| v1::SessionMode::new(mode.id, mode.name).description(mode.description.to_owned()))
            .collect();
        modes.extend(self.base.profiles.iter().map(|profile| {
            let description = profile.description.clone().filter(|text| !text.is_empty());
            let description = description.unwrap_or_else(|| "A permission profile of the configuration".to_owned());
            v1::SessionMode::new(format!("{PROFILE}{}", profile.id), profile.id.clone()).description(description)
        }));
        if self.mode() == CUSTOM || self.custom.is_some() {
            modes.push(v1::SessionMode::new(CUSTOM, "Custom").description("As configured in Codex".to_owned()));
        }
        v1::SessionModeState::new(self.mode(), modes)
    }

    /// All options.
    pub(super) fn options(&self) -> Vec<v1::SessionConfigOption> {
        let modes = self.modes();
        let modes = modes.available_modes.into_iter().map(|mode| (mode.id.to_string(), mode.name, mode.description));
        let mut models: Vec<_> = self
            .models
            .iter()
            .map(|model| (model.id.clone(), model.name.clone(), Some(model.description.clone())))
            .collect();
        if !models.iter().any(|(id, ..)| *id == self.model) {
            models.insert(0, (self.model.clone(), self.model.clone(), None));
        }
        let efforts: Vec<_> =
            self.efforts().into_iter().map(|(id, description)| (id.clone(), id, Some(description))).collect();
        let mut options = vec![
            select(MODE, "Mode", &self.mode(), modes).category(v1::SessionConfigOptionCategory::Mode),
            select(MODEL, "Model", &self.model, models).category(v1::SessionConfigOptionCategory::Model),
        ];
        if let Some(effort) = self.effort() {
            let option = select(EFFORT, "Reasoning effort", effort, efforts);
            options.push(option.category(v1::SessionConfigOptionCategory::ThoughtLevel));
        }
        let collaboration = [
            ("default".to_owned(), "Default".to_owned(), Some("Does what is asked".to_owned())),
            ("plan".to_owned(), "Plan".to_owned(), Some("Works out a plan and changes nothing".to_owned())),
        ];
        let current = if self.plan { "plan" } else { "default" };
        options.push(select(COLLABORATION, "Collaboration", current, collaboration));
        options
    }
}

fn select(
    id: &'static str,
    name: &str,
    current: &str,
    values: impl IntoIterator<Item = (String, String, Option<String>)>,
) -> v1::SessionConfigOption {
    let values: Vec<_> = values
        .into_iter()
        .map(|(value, name, description)| {
            v1::SessionConfigSelectOption::new(value, name).description(description.filter(|text| !text.is_empty()))
        })
        .collect();
    v1::SessionConfigOption::select(id, name.to_owned(), current.to_owned(), values)
}

fn collaboration(mode: &str, model: &str, effort: Option<&String>) -> Value {
    let settings = json!({ "model": model, "reasoning_effort": effort, "developer_instructions": null });
    json!({ "mode": mode, "settings": settings })
}
