//! Modes, models and effort.

use acp_types::v1;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The options of a session, and their values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Options {
    /// The mode.
    pub(crate) mode: String,
    /// All modes.
    pub(crate) modes: Vec<Mode>,
    /// The model, as it is chosen.
    pub(crate) model: String,
    /// All models.
    pub(crate) models: Vec<Model>,
    /// The effort; `None` when the model has none.
    pub(crate) effort: Option<String>,
    /// The mode before the session began to plan.
    #[serde(default)]
    pub(crate) before_plan: Option<String>,
}

/// A permission mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mode {
    Default,
    AcceptEdits,
    Plan,
    DontAsk,
    Auto,
    BypassPermissions,
}

/// A model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Model {
    /// Its value as an option.
    pub(crate) value: String,
    /// The model that the value stands for.
    pub(crate) resolved_model: Option<String>,
    /// Name for people.
    pub(crate) display_name: Option<String>,
    /// Description for people.
    pub(crate) description: Option<String>,
    /// Its levels of effort.
    pub(crate) supported_effort_levels: Vec<String>,
    /// It has the mode that asks another model.
    pub(crate) supports_auto_mode: bool,
}

/// A change of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Mode(String),
    Model(String),
    Effort(String),
}

impl Mode {
    /// The modes that can be chosen, with `auto` and with `bypass` or without.
    pub(crate) fn all(auto: bool, bypass: bool) -> Vec<Self> {
        let mut modes = vec![Self::Default, Self::AcceptEdits, Self::Plan, Self::DontAsk];
        modes.extend(auto.then_some(Self::Auto));
        modes.extend(bypass.then_some(Self::BypassPermissions));
        modes
    }

    /// The program's name of it.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::AcceptEdits => "acceptEdits",
            Self::Plan => "plan",
            Self::DontAsk => "dontAsk",
            Self::Auto => "auto",
            Self::BypassPermissions => "bypassPermissions",
        }
    }

    /// The mode that is called so, in settings too.
    pub(crate) fn read(id: &str) -> Option<Self> {
        let all = Self::all(true, true);
        all.into_iter().find(|mode| mode.id() == id).or((id == "manual").then_some(Self::Default))
    }

    /// True for a mode in which nothing is done that the user was not asked about, now or before.
    pub(crate) fn is_careful(self) -> bool {
        matches!(self, Self::Default | Self::Plan | Self::DontAsk)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Default => "Ask",
            Self::AcceptEdits => "Accept edits",
            Self::Plan => "Plan",
            Self::DontAsk => "Don't ask",
            Self::Auto => "Auto",
            Self::BypassPermissions => "Bypass permissions",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Default => "Asks before it changes something",
            Self::AcceptEdits => "Edits files in the workspace without asking",
            Self::Plan => "Looks and plans, changes nothing",
            Self::DontAsk => "Refuses what is not allowed already, without asking",
            Self::Auto => "A second model decides what is safe",
            Self::BypassPermissions => "Allows everything; only for sandboxes",
        }
    }
}

impl Options {
    /// All options, as the client sees them.
    pub(crate) fn config(&self) -> Vec<v1::SessionConfigOption> {
        let mode = select(
            "mode",
            "Mode",
            &self.mode,
            v1::SessionConfigOptionCategory::Mode,
            self.modes.iter().map(|mode| (mode.id(), mode.name(), Some(mode.description()))).collect(),
        );
        let mut options = vec![mode];
        if !self.models.is_empty() {
            let models = self.models.iter().map(|model| {
                let name = model.display_name.as_deref().unwrap_or(&model.value);
                (model.value.as_str(), name, model.description.as_deref())
            });
            let category = v1::SessionConfigOptionCategory::Model;
            options.push(select("model", "Model", &self.model, category, models.collect()));
        }
        if let Some(effort) = &self.effort {
            let levels = self.levels().iter().map(|level| (level.as_str(), level.as_str(), None));
            let category = v1::SessionConfigOptionCategory::ThoughtLevel;
            options.push(select("effort", "Effort", effort, category, levels.collect()));
        }
        options
    }

    /// Modes, the older way.
    pub(crate) fn modes(&self) -> v1::SessionModeState {
        let modes = self
            .modes
            .iter()
            .map(|mode| v1::SessionMode::new(mode.id(), mode.name()).description(mode.description().to_owned()));
        v1::SessionModeState::new(self.mode.clone(), modes.collect())
    }

    /// The change that a client asks for, or why it cannot be.
    pub(super) fn change(&self, option: &str, value: &v1::SessionConfigOptionValue) -> Result<Change, String> {
        let value = value.as_value_id().map(|value| value.0.to_string());
        let value = value.ok_or_else(|| format!("{option} is chosen by the id of a value"))?;
        match option {
            "mode" => self.mode(&value),
            "model" if self.models.iter().any(|model| model.value == value) => Ok(Change::Model(value)),
            "effort" if self.levels().contains(&value) => Ok(Change::Effort(value)),
            "model" | "effort" => Err(format!("{option} cannot be {value}")),
            _ => Err(format!("there is no option {option}")),
        }
    }

    /// The change of mode that a client asks for, or why it cannot be.
    pub(super) fn mode(&self, id: &str) -> Result<Change, String> {
        if self.modes.iter().any(|mode| mode.id() == id) {
            return Ok(Change::Mode(id.to_owned()));
        }
        let known: Vec<_> = self.modes.iter().map(|mode| mode.id()).collect();
        Err(format!("there is no mode {id} here, only {}", known.join(", ")))
    }

    /// Takes over a change; whether it was one.
    pub(super) fn apply(&mut self, change: Change) -> bool {
        match change {
            Change::Mode(mode) => {
                let plans = mode == Mode::Plan.id();
                let before = std::mem::replace(&mut self.mode, mode);
                if plans && before != self.mode {
                    self.before_plan = Some(before.clone());
                }
                before != self.mode
            }
            Change::Model(model) => {
                let changed = replace(&mut self.model, model);
                let levels = self.levels();
                let effort = match &self.effort {
                    Some(effort) if levels.contains(effort) => Some(effort.clone()),
                    _ => levels.iter().find(|level| *level == "medium").or(levels.first()).cloned(),
                };
                self.effort = effort;
                changed
            }
            Change::Effort(effort) => {
                let changed = self.effort.as_ref() != Some(&effort);
                self.effort = Some(effort);
                changed
            }
        }
    }

    /// The mode to go back to when a plan is accepted.
    pub(super) fn planned_from(&self) -> Mode {
        let before = self.before_plan.as_deref().filter(|_| self.mode == Mode::Plan.id());
        before.and_then(|id| self.modes.iter().find(|mode| mode.id() == id)).copied().unwrap_or(Mode::Default)
    }

    /// Takes over the model that the program uses; true if it is another one.
    pub(super) fn hear_model(&mut self, resolved: &str) -> bool {
        if self.chosen().is_some_and(|model| model.stands_for(resolved)) {
            return false;
        }
        let value = match self.models.iter().find(|model| model.stands_for(resolved)) {
            Some(model) => model.value.clone(),
            None => {
                self.models.push(Model { value: resolved.to_owned(), ..Model::default() });
                resolved.to_owned()
            }
        };
        self.apply(Change::Model(value))
    }

    /// Takes over the effort that the program uses; true if it is another one.
    pub(super) fn hear_settings(&mut self, settings: &Value) -> bool {
        let effort = settings.pointer("/applied/effort").and_then(Value::as_str);
        match effort.filter(|effort| self.levels().iter().any(|level| level == effort)) {
            Some(effort) => self.apply(Change::Effort(effort.to_owned())),
            None => false,
        }
    }

    fn chosen(&self) -> Option<&Model> {
        self.models.iter().find(|model| model.value == self.model)
    }

    fn levels(&self) -> &[String] {
        self.chosen().map_or(&[], |model| &model.supported_effort_levels)
    }

    /// Reads the options from the program's answer to `initialize` and its settings.
    pub(crate) fn read(initialized: &Value, settings: &Value, bypass: bool) -> Self {
        let models: Vec<Model> = initialized
            .get("models")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|model| serde_json::from_value(model.clone()).ok())
            .collect();
        let auto = models.iter().any(|model| model.supports_auto_mode);
        let mode = initialized.get("current_permission_mode").and_then(Value::as_str).unwrap_or("default");
        let applied = |key: &str| settings.pointer(&format!("/applied/{key}")).and_then(Value::as_str);
        let model = models.first().map(|model| model.value.clone()).unwrap_or_default();
        let effort = applied("effort").map(str::to_owned);
        let modes = Mode::all(auto, bypass);
        let mut options = Self { mode: mode.to_owned(), modes, model, models, effort, before_plan: None };
        if let Some(model) = applied("model") {
            options.hear_model(model);
        }
        if options.effort.as_ref().is_some_and(|effort| !options.levels().contains(effort)) {
            options.effort = None;
        }
        options
    }
}

impl Model {
    fn stands_for(&self, resolved: &str) -> bool {
        self.value == resolved || self.resolved_model.as_deref() == Some(resolved)
    }
}

fn replace(place: &mut String, value: String) -> bool {
    std::mem::replace(place, value) != *place
}

fn select(
    id: &'static str,
    name: &str,
    current: &str,
    category: v1::SessionConfigOptionCategory,
    values: Vec<(&str, &str, Option<&str>)>,
) -> v1::SessionConfigOption {
    let mut values: Vec<_> = values
        .into_iter()
        .map(|(value, name, description)| {
            v1::SessionConfigSelectOption::new(value.to_owned(), name).description(description.map(str::to_owned))
        })
        .collect();
    // What is chosen is always among what can be.
    if values.iter().all(|value| *value.value.0 != *current) {
        values.push(v1::SessionConfigSelectOption::new(current.to_owned(), current));
    }
    v1::SessionConfigOption::select(id, name, current.to_owned(), values).category(category)
}

#[cfg(test)]
mod tests;
