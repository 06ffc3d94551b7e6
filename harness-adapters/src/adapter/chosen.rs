//! Options that were chosen in a session, to be chosen again when its harness had to be started anew.

use acp_types::v1;

use crate::translate::Request;

/// The option that stands for the mode.
const MODE: &str = "mode";

/// The mode and the options that are in force, as far as somebody chose them.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    mode: Option<v1::SessionModeId>,
    /// The requests, in the order in which they were last set.
    options: Vec<(v1::SessionConfigId, v1::SessionConfigOptionValue)>,
}

impl Chosen {
    /// A request was granted.
    pub(super) fn granted(&mut self, request: &Request) {
        match request {
            Request::SetMode(mode) => self.mode = Some(mode.clone()),
            Request::SetConfig { option, value } if *option.0 != *MODE => {
                self.options.retain(|(known, _)| known != option);
                self.options.push((option.clone(), value.clone()));
            }
            _ => {}
        }
    }

    /// The client was told of options in force.
    pub(super) fn told(&mut self, update: &v1::SessionUpdate) {
        match update {
            v1::SessionUpdate::CurrentModeUpdate(update) => self.mode = Some(update.current_mode_id.clone()),
            v1::SessionUpdate::ConfigOptionUpdate(update) => {
                for (option, value) in &mut self.options {
                    if let Some(now) = current(&update.config_options, option) {
                        *value = now;
                    }
                }
            }
            _ => {}
        }
    }

    /// Requests that restore the options in a session that begins with these.
    pub(super) fn again(&self, mode: Option<&v1::SessionModeId>, options: &[v1::SessionConfigOption]) -> Vec<Request> {
        let missing = self.options.iter().filter(|(option, value)| current(options, option).as_ref() != Some(value));
        let options =
            missing.map(|(option, value)| Request::SetConfig { option: option.clone(), value: value.clone() });
        let mode = self.mode.as_ref().filter(|chosen| mode.is_some_and(|mode| mode != *chosen));
        options.chain(mode.cloned().map(Request::SetMode)).collect()
    }

    /// Forgets a request that could not be repeated.
    pub(super) fn forget(&mut self, request: &Request) {
        match request {
            Request::SetMode(_) => self.mode = None,
            Request::SetConfig { option, .. } => self.options.retain(|(known, _)| known != option),
            _ => {}
        }
    }
}

fn current(options: &[v1::SessionConfigOption], id: &v1::SessionConfigId) -> Option<v1::SessionConfigOptionValue> {
    match &options.iter().find(|option| option.id == *id)?.kind {
        v1::SessionConfigKind::Select(select) => {
            Some(v1::SessionConfigOptionValue::value_id(select.current_value.clone()))
        }
        v1::SessionConfigKind::Boolean(boolean) => Some(v1::SessionConfigOptionValue::boolean(boolean.current_value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use acp_types::v1;

    use super::Chosen;
    use crate::translate::Request;

    fn option(id: &str, value: &str) -> v1::SessionConfigOption {
        let values = vec![v1::SessionConfigSelectOption::new(value.to_owned(), value)];
        v1::SessionConfigOption::select(id.to_owned(), id, value.to_owned(), values)
    }

    fn set(id: &str, value: &str) -> Request {
        Request::SetConfig {
            option: v1::SessionConfigId::new(id),
            value: v1::SessionConfigOptionValue::value_id(value.to_owned()),
        }
    }

    #[test]
    fn what_was_chosen_is_chosen_again_in_its_order() {
        let mut chosen = Chosen::default();
        for request in [set("effort", "low"), set("model", "b"), set("effort", "high")] {
            chosen.granted(&request);
        }
        chosen.granted(&Request::SetMode("plan".into()));
        let begins = [option("model", "a"), option("effort", "medium")];
        let again = chosen.again(Some(&"default".into()), &begins);
        assert_eq!(again, [set("model", "b"), set("effort", "high"), Request::SetMode("plan".into())]);
        assert_eq!(chosen.again(Some(&"plan".into()), &[option("model", "b"), option("effort", "high")]), []);
    }

    #[test]
    fn what_changed_by_itself_since_counts() {
        let mut chosen = Chosen::default();
        chosen.granted(&Request::SetMode("plan".into()));
        chosen.granted(&set("effort", "max"));
        chosen.told(&v1::SessionUpdate::CurrentModeUpdate(v1::CurrentModeUpdate::new("default")));
        let options = vec![option("effort", "low")];
        chosen.told(&v1::SessionUpdate::ConfigOptionUpdate(v1::ConfigOptionUpdate::new(options)));
        let again = chosen.again(Some(&"plan".into()), &[option("effort", "max")]);
        assert_eq!(again, [set("effort", "low"), Request::SetMode("default".into())]);
        chosen.forget(&Request::SetMode("default".into()));
        assert_eq!(chosen.again(Some(&"plan".into()), &[option("effort", "low")]), []);
    }
}
