//! Mode, model, effort: changed by the user or by Codex.

use acp_types::v1::{self, SessionUpdate};
use serde_json::{Value, json};

use super::Translator;
use super::calls::{Asker, Purpose, refused};
use crate::codex::options::COLLABORATION;
use crate::codex::wire::{SettingsEvent, UserInput};
use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, Effects, RequestId};

impl Translator {
    pub(super) fn set_mode(&mut self, id: RequestId, mode: &v1::SessionModeId, out: &mut Effects) {
        match self.settings.mode_patch(&mode.0) {
            Some(patch) => self.change(patch, Asker::Mode(id), out),
            None if *mode.0 == self.settings.mode() => out.answer(id, Ok(Answer::Done)),
            None => out.answer(id, Err(unknown("mode", &mode.0))),
        }
    }

    pub(super) fn set_config(
        &mut self,
        id: RequestId,
        option: &v1::SessionConfigId,
        value: v1::SessionConfigOptionValue,
        out: &mut Effects,
    ) {
        let v1::SessionConfigOptionValue::ValueId { value } = value else {
            return out.answer(id, Err(unknown("value of that type for", &option.0)));
        };
        match self.settings.patch(&option.0, &value.0) {
            Some(patch) => self.change(patch, Asker::Option(id), out),
            None => out.answer(id, Err(unknown(&format!("value of {option}"), &value.0))),
        }
    }

    pub(super) fn set_title(&mut self, id: RequestId, title: &str, out: &mut Effects) {
        let params = json!({ "threadId": self.setup.thread, "name": title });
        self.calls.call("thread/name/set", &params, Purpose::Title(id), out);
    }

    /// Plan mode, and what to do in it.
    pub(super) fn plan_first(&mut self, then: String, out: &mut Effects) {
        let patch = self.settings.patch(COLLABORATION, "plan").unwrap_or_default();
        self.change(patch, Asker::Prompt(then), out);
    }

    fn change(&mut self, patch: Value, asker: Asker, out: &mut Effects) {
        let mut params = patch.clone();
        params["threadId"] = self.setup.thread.clone().into();
        self.calls.call("thread/settings/update", &params, Purpose::Settings { patch, asker }, out);
    }

    pub(super) fn settings_answered(&mut self, patch: &Value, asker: Asker, error: Option<&str>, out: &mut Effects) {
        let outcome = match error {
            Some(error) => Err(refused(error)),
            None => {
                let before = self.settings.clone();
                self.settings.apply(patch);
                if self.settings != before {
                    self.tell_settings(&before.mode(), out);
                }
                Ok(())
            }
        };
        match asker {
            Asker::Mode(id) => out.answer(id, outcome.map(|()| Answer::Done)),
            Asker::Option(id) => {
                let answer = outcome.map(|()| Answer::Config(self.settings.options()));
                out.answer(id, answer);
            }
            Asker::Prompt(_) if self.is_stopping() => self.end_turn(Ok(v1::StopReason::Cancelled), out),
            Asker::Prompt(text) => match outcome {
                Ok(()) if text.is_empty() => self.say("Plan mode is on.", out),
                Ok(()) => self.start(&[UserInput::text(text)], out),
                Err(failure) => self.end_turn(Err(failure), out),
            },
        }
    }

    /// The thread says what it works with now.
    pub(super) fn settings_changed(&mut self, event: &SettingsEvent, out: &mut Effects) {
        let mode = self.settings.mode();
        if self.settings.learn(event) {
            self.tell_settings(&mode, out);
        }
    }

    fn tell_settings(&self, before: &str, out: &mut Effects) {
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
