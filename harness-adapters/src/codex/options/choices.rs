//! Modes and options as the client sees them.

use acp_types::v1;

use super::modes::{CUSTOM, MODES, PROFILE};
use super::settings::{COLLABORATION, EFFORT, MODE, MODEL, Settings};

impl Settings {
    /// The modes, for clients that know no options.
    pub(crate) fn modes(&self) -> v1::SessionModeState {
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

    /// All options, with their values and the one in force.
    pub(crate) fn options(&self) -> Vec<v1::SessionConfigOption> {
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
