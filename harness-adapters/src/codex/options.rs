//! What a user can choose in a session: mode, model, effort, plan mode.

mod change;
mod chosen;
mod modes;

use acp_types::v1;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::wire::{self, ActiveProfile, Policy, Reviewer, SandboxPolicy};
pub(super) use chosen::{Access, Base, Chosen};
use modes::{CUSTOM, MODES, PROFILE};

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
        json!({ "collaborationMode": change::collaboration(mode, &self.model, self.effort.as_ref()) })
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
