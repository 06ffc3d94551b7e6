//! Mode, model and effort of a session, changed by the user or by Codex.

use acp_types::v1::{self, SessionUpdate};
use serde_json::Value;

use super::controls::{Asker, Controls, refused};
use crate::codex::options::{COLLABORATION, Settings};
use crate::codex::wire::SettingsEvent;
use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, Effects, RequestId};

/// The options of one session.
#[derive(Debug)]
pub(super) struct Options(Settings);

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
        Self(settings)
    }

    /// The settings in force.
    pub(super) fn settings(&self) -> &Settings {
        &self.0
    }

    /// `session/set_mode`.
    pub(super) fn set_mode(&self, id: RequestId, mode: &v1::SessionModeId, controls: &mut Controls, out: &mut Effects) {
        match self.0.mode_patch(&mode.0) {
            Some(patch) => controls.change(patch, Asker::Mode(id), out),
            None if *mode.0 == self.0.mode() => out.answer(id, Ok(Answer::Done)),
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
        match self.0.patch(&option.0, &value.0) {
            Some(patch) => controls.change(patch, Asker::Option(id), out),
            None => out.answer(id, Err(unknown(&format!("value of {option}"), &value.0))),
        }
    }

    /// Turns plan mode on for a prompt that goes on with `then`.
    pub(super) fn plan(&self, then: String, controls: &mut Controls, out: &mut Effects) {
        let patch = self.0.patch(COLLABORATION, "plan").unwrap_or_default();
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
                let before = self.0.clone();
                self.0.apply(patch);
                if self.0 != before {
                    self.tell(&before.mode(), out);
                }
                Ok(())
            }
        };
        match asker {
            Asker::Mode(id) => out.answer(id, changed.map(|()| Answer::Done)),
            Asker::Option(id) => out.answer(id, changed.map(|()| Answer::Config(self.0.options()))),
            Asker::Prompt(then) => return Some(Prompted { then, changed }),
        }
        None
    }

    /// Codex says that the settings changed.
    pub(super) fn changed(&mut self, event: &SettingsEvent, out: &mut Effects) {
        let mode = self.0.mode();
        if self.0.learn(event) {
            self.tell(&mode, out);
        }
    }

    fn tell(&self, before: &str, out: &mut Effects) {
        let mode = self.0.mode();
        if mode != before {
            out.update(SessionUpdate::CurrentModeUpdate(v1::CurrentModeUpdate::new(mode)));
        }
        out.update(SessionUpdate::ConfigOptionUpdate(v1::ConfigOptionUpdate::new(self.0.options())));
    }
}

fn unknown(what: &str, value: &str) -> Failure {
    Failure::new(FailureKind::InvalidParams, format!("there is no {what} {value}: choose one that the session offers"))
}
