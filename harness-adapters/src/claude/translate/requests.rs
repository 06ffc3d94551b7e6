//! What the client asks for.

use acp_types::v1;

use super::Session;
use super::content;
use super::controls::Pending;
use super::options::Change;
use super::stop::SETTING;
use super::turns::{Turn, Waiting};
use crate::claude::wire::{Control, Reply, control};
use crate::failure::{Failure, FailureKind};
use crate::translate::{Answer, Effect, Effects, Request, RequestId, Steered};

impl Session {
    pub(super) fn request(&mut self, id: RequestId, request: Request, out: &mut Effects) {
        if let Some(failure) = &self.gone {
            let answer = if request == Request::Close { Ok(Answer::Done) } else { Err(failure.clone()) };
            out.answer(id, answer);
            return;
        }
        let invalid = |what| Failure::new(FailureKind::InvalidParams, what);
        match request {
            Request::Prompt(prompt) => match self.queue(id, &prompt, out) {
                Ok(()) => {
                    if self.title.is_none()
                        && let Some(title) = content::text(&prompt.prompt).and_then(content::title)
                    {
                        self.named(title, out);
                    }
                    self.next(out);
                }
                Err(failure) => out.answer(id, Err(failure)),
            },
            Request::Steer(prompt) => {
                let answer = self.steer(&prompt, out);
                out.answer(id, answer.map(Answer::Steer));
            }
            Request::SetMode(mode) => match self.options.mode(&mode.0) {
                Ok(change) => self.change(id, change, false, out),
                Err(what) => out.answer(id, Err(invalid(what))),
            },
            Request::SetConfig { option, value } => match self.options.change(&option.0, &value) {
                Ok(change) => self.change(id, change, true, out),
                Err(what) => out.answer(id, Err(invalid(what))),
            },
            Request::SetTitle(title) => {
                let control = Control::RenameSession { title: title.clone() };
                self.controls.send(&control, Pending::Title { id, title }, out);
                out.push(Effect::Arm { timer: SETTING.0, after: SETTING.1 });
            }
            Request::StopTask(task) => {
                self.stop_task(id, &task, out);
                if self.controls.awaited() {
                    out.push(Effect::Arm { timer: SETTING.0, after: SETTING.1 });
                }
            }
            Request::Close => self.close(id, out),
        }
    }

    fn queue(&mut self, id: RequestId, prompt: &v1::PromptRequest, out: &mut Effects) -> Result<(), Failure> {
        if self.closing.is_some() {
            return Err(Failure::new(FailureKind::InvalidParams, "the session is being closed"));
        }
        let (content, images) = self.content(&prompt.prompt, out)?;
        self.turns.wait(Waiting { id, content, images })
    }

    /// A prompt in the program's own form, and whether it has images. The client is told what does not go.
    fn content(
        &mut self,
        prompt: &[v1::ContentBlock],
        out: &mut Effects,
    ) -> Result<(Vec<serde_json::Value>, bool), Failure> {
        let screened = content::screened(prompt)?;
        let blocks = content::blocks(&screened.kept, &self.commands)?;
        if !screened.left_out.is_empty() {
            self.notices.tell(&format!("A part of the prompt was left out: {}", screened.left_out.join("; ")), out);
        }
        Ok((blocks, screened.images))
    }

    /// Sends the next prompt, if none runs and no stop is on its way that would hit it.
    pub(super) fn next(&mut self, out: &mut Effects) {
        if self.controls.stopping() {
            return;
        }
        if let Some(Waiting { id, content, images }) = self.turns.next() {
            let uuid = self.turns.name();
            out.send(control::prompt(&uuid, &content));
            self.turns.running = Some(Turn { images, ..Turn::new(id, uuid) });
            self.screen.text.take_shown();
        }
    }

    fn steer(&mut self, prompt: &[v1::ContentBlock], out: &mut Effects) -> Result<Steered, Failure> {
        if self.turns.running.is_none() {
            return Ok(Steered::Idle);
        }
        let (content, _) = self.content(prompt, out)?;
        let uuid = self.turns.name();
        match &mut self.turns.running {
            Some(turn) if turn.takes_more() => {
                out.send(control::prompt(&uuid, &content));
                turn.steers.push(uuid);
                Ok(Steered::Injected)
            }
            _ => Err(Failure::new(FailureKind::InvalidParams, "the turn takes no more messages; prompt instead")),
        }
    }

    fn change(&mut self, id: RequestId, change: Change, as_option: bool, out: &mut Effects) {
        let control = match &change {
            Change::Mode(mode) => Control::SetPermissionMode { mode: mode.clone() },
            Change::Model(model) => Control::SetModel { model: model.clone() },
            Change::Effort(effort) => {
                Control::ApplyFlagSettings { settings: serde_json::json!({ "effortLevel": effort }) }
            }
        };
        self.controls.send(&control, Pending::Change { id, change, as_option }, out);
        out.push(Effect::Arm { timer: SETTING.0, after: SETTING.1 });
    }

    /// The program answered a request of ours.
    pub(super) fn replied(&mut self, reply: Reply, out: &mut Effects) {
        let awaited = self.controls.awaited();
        let Some(pending) = self.controls.answered(&reply.request_id) else { return };
        let result = reply.into_result();
        match pending {
            Pending::Interrupt => {
                self.interrupted(result.ok().as_ref(), out);
                self.next(out);
            }
            Pending::TakeBack { uuid } => {
                let taken = result.ok().and_then(|answer| answer.get("cancelled")?.as_bool()).unwrap_or(false);
                self.taken_back(&uuid, taken, out);
                self.next(out);
            }
            Pending::Forget { uuid } => {
                let gone = result.ok().and_then(|answer| answer.get("rewound")?.as_bool()).unwrap_or(false);
                self.forgotten(&uuid, gone, out);
            }
            Pending::Settings => {
                if self.options.hear_settings(&result.unwrap_or_default()) {
                    self.tell_options(out);
                }
            }
            Pending::StopTask { id } => Self::task_stopped(id, result.is_ok(), out),
            Pending::Output { task, last } => self.written(&task, last, result.ok().as_ref(), out),
            Pending::Change { id, change, as_option } => match result {
                Ok(answer) if !holds(&change, &answer) => {
                    let real = answer.get("mode").and_then(serde_json::Value::as_str).unwrap_or_default();
                    let failure = Failure::new(
                        FailureKind::InvalidParams,
                        format!("Claude Code does not change to this mode: it is in {real}"),
                    );
                    self.options.apply(Change::Mode(real.to_owned()));
                    self.tell_mode(out);
                    out.answer(id, Err(failure.with("mode", real)));
                }
                Ok(_) => {
                    let model = matches!(change, Change::Model(_));
                    self.apply(change, out);
                    if model {
                        // Each model has an effort of its own.
                        self.controls.send(&Control::GetSettings, Pending::Settings, out);
                    }
                    let answer = if as_option { Answer::Config(self.options.config()) } else { Answer::Done };
                    out.answer(id, Ok(answer));
                }
                Err(refusal) => out.answer(id, Err(refused(&refusal))),
            },
            Pending::Title { id, title } => match result {
                Ok(_) => {
                    self.named(title, out);
                    out.answer(id, Ok(Answer::Done));
                }
                Err(refusal) => out.answer(id, Err(refused(&refusal))),
            },
        }
        if awaited && !self.controls.awaited() {
            out.push(Effect::Disarm(SETTING.0));
        }
    }
}

/// Whether a change is in force. The program says which mode really is.
fn holds(change: &Change, answer: &serde_json::Value) -> bool {
    match change {
        Change::Mode(mode) => answer.get("mode").and_then(serde_json::Value::as_str).is_none_or(|real| real == mode),
        _ => true,
    }
}

fn refused(refusal: &control::Refusal) -> Failure {
    let failure = Failure::new(FailureKind::InvalidParams, format!("Claude Code refused: {}", refusal.message));
    match &refusal.code {
        Some(code) => failure.with("error", code.clone()),
        None => failure,
    }
}
