//! Mode, model and effort of a session, changed by the user or by Codex.

use std::collections::VecDeque;

use acp_types::v1::{self, SessionUpdate};
use serde_json::Value;

use super::controls::{Asker, Controls, refused};
use crate::codex::options::{COLLABORATION, Settings};
use crate::codex::wire::SettingsEvent;
use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, Effects, RequestId};

/// Changes whose echo may still come.
const MAX_ECHOES: usize = 16;

/// The options of one session.
#[derive(Debug)]
pub(super) struct Options {
    settings: Settings,
    /// Settings after each change that Codex has answered, the oldest first. Codex tells each change once more, maybe after
    /// it has answered the next.
    echoes: VecDeque<Settings>,
}

/// A prompt whose change of settings is done.
#[derive(Debug)]
pub(super) struct Prompted {
    /// The text that it goes on with.
    pub(super) then: String,
    /// Result of the change.
    pub(super) changed: Result<(), Failure>,
}

impl Options {
    /// The options as the thread was opened with them.
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, echoes: VecDeque::new() }
    }

    /// The settings in force.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// `session/set_mode`.
    pub(super) fn set_mode(&self, id: RequestId, mode: &v1::SessionModeId, controls: &mut Controls, out: &mut Effects) {
        match self.settings.mode_patch(&mode.0) {
            Some(patch) => controls.change(patch, Asker::Mode(id), out),
            None if *mode.0 == self.settings.mode() => out.answer(id, Ok(Answer::Done)),
            None => out.answer(id, Err(unknown("mode", &mode.0))),
        }
    }

    /// `session/set_config_option`.
    pub(super) fn set_config(
        &self,
        id: RequestId,
        option: &v1::SessionConfigId,
        value: v1::SessionConfigOptionValue,
        controls: &mut Controls,
        out: &mut Effects,
    ) {
        let v1::SessionConfigOptionValue::ValueId { value } = value else {
            return out.answer(id, Err(unknown("value of that type for", &option.0)));
        };
        match self.settings.patch(&option.0, &value.0) {
            Some(patch) => controls.change(patch, Asker::Option(id), out),
            None => out.answer(id, Err(unknown(&format!("value of {option}"), &value.0))),
        }
    }

    /// Turns plan mode on for a prompt that goes on with `then`.
    pub(super) fn plan(&self, then: String, controls: &mut Controls, out: &mut Effects) {
        let patch = self.settings.patch(COLLABORATION, "plan").unwrap_or_default();
        controls.change(patch, Asker::Prompt(then), out);
    }

    /// Codex answers a change. Returns the prompt that asked for it, if one did.
    pub(super) fn answered(
        &mut self,
        patch: &Value,
        asker: Asker,
        error: Option<&str>,
        out: &mut Effects,
    ) -> Option<Prompted> {
        let changed = match error {
            Some(error) => Err(refused(error)),
            None => {
                let before = self.settings.clone();
                self.settings.apply(patch);
                if self.settings != before {
                    self.tell(&before.mode(), out);
                }
                if self.echoes.len() == MAX_ECHOES {
                    self.echoes.pop_front();
                }
                self.echoes.push_back(self.settings.clone());
                Ok(())
            }
        };
        match asker {
            Asker::Mode(id) => out.answer(id, changed.map(|()| Answer::Done)),
            Asker::Option(id) => out.answer(id, changed.map(|()| Answer::Config(self.settings.options()))),
            Asker::Prompt(then) => return Some(Prompted { then, changed }),
        }
        None
    }

    /// Codex says that the settings changed.
    pub(super) fn changed(&mut self, event: &SettingsEvent, out: &mut Effects) {
        let mut told = self.settings.clone();
        let differs = told.learn(event);
        match self.echoes.iter().position(|echo| echo.are_as(&told)) {
            // The echo of a change that a later one has overtaken: those settings are in force no more.
            Some(at) if at + 1 < self.echoes.len() => _ = self.echoes.drain(..=at),
            _ => {
                self.echoes.clear();
                if differs {
                    let before = std::mem::replace(&mut self.settings, told);
                    self.tell(&before.mode(), out);
                }
            }
        }
    }

    fn tell(&self, before: &str, out: &mut Effects) {
        let mode = self.settings.mode();
        if mode != before {
            out.update(SessionUpdate::CurrentModeUpdate(v1::CurrentModeUpdate::new(mode)));
        }
        out.update(SessionUpdate::ConfigOptionUpdate(v1::ConfigOptionUpdate::new(self.settings.options())));
    }
}

fn unknown(what: &str, value: &str) -> Failure {
    Failure::new(FailureKind::InvalidParams, format!("there is no {what} {value}: choose one that the session offers"))
}

#[cfg(test)]
mod tests {
    use acp_types::v1::SessionUpdate;
    use serde_json::json;

    use super::{Asker, Options, Settings};
    use crate::codex::wire::SettingsEvent;
    use crate::translate::{Effect, Effects};

    fn thread(model: &str) -> serde_json::Value {
        json!({
            "thread": { "id": "T1" }, "model": model, "approvalPolicy": "on-request",
            "sandbox": { "type": "workspaceWrite", "writableRoots": [], "networkAccess": false },
        })
    }

    fn options() -> Options {
        Options::new(Settings::new(&serde_json::from_value(thread("m")).unwrap(), Vec::new(), Vec::new()))
    }

    /// Codex has answered a change of the model. Tells if the client was told.
    fn answered(options: &mut Options, model: &str) -> bool {
        let mut out = Effects::default();
        options.answered(&json!({ "model": model }), Asker::Prompt(String::new()), None, &mut out);
        is_told(&mut out)
    }

    /// Codex says which model is in force. Tells if the client was told.
    fn changed(options: &mut Options, model: &str) -> bool {
        let mut settings = thread(model);
        settings["sandboxPolicy"] = settings["sandbox"].clone();
        settings["collaborationMode"] = json!({ "mode": "default" });
        let event: SettingsEvent = serde_json::from_value(json!({ "threadSettings": settings })).unwrap();
        let mut out = Effects::default();
        options.changed(&event, &mut out);
        is_told(&mut out)
    }

    fn is_told(out: &mut Effects) -> bool {
        out.take().any(|effect| matches!(effect, Effect::Update(SessionUpdate::ConfigOptionUpdate(_))))
    }

    #[test]
    fn the_echo_of_a_change_that_was_overtaken_brings_nothing_back() {
        let mut options = options();
        assert!(answered(&mut options, "a") && answered(&mut options, "b"));
        assert!(!changed(&mut options, "a"), "it is in force no more");
        assert_eq!(options.settings().model(), "b");
        assert!(!changed(&mut options, "b"));
        assert!(changed(&mut options, "a"), "once all echoes have come, it is a change of Codex's own");
        assert_eq!(options.settings().model(), "a");
    }

    #[test]
    fn a_change_of_codex_itself_counts_though_an_echo_is_awaited() {
        let mut options = options();
        assert!(answered(&mut options, "a"));
        assert!(changed(&mut options, "c"));
        assert_eq!(options.settings().model(), "c");
        assert!(changed(&mut options, "a"), "and it is awaited no more");
    }
}
