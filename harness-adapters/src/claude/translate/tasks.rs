//! Work that goes on in the background: what it writes while it runs, and how it is stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::Session;
use super::controls::Pending;
use crate::claude::wire::Control;
use crate::claude::wire::system::{Background, Task};
use crate::failure::Failure;
use crate::translate::{Answer, Effect, Effects, RequestId, Timer};

/// How often the program is asked what commands in the background have written.
pub(super) const LOOK: (Timer, Duration) = (Timer(5), Duration::from_secs(1));
/// Commands whose output is followed at once. Of more, only the end is shown.
const FOLLOWED: usize = 32;
/// Pieces of work that are known by name. A program that runs more of them can stop only these one by one.
const RUNNING: usize = 256;
/// What the program calls a command.
const COMMAND: &str = "local_bash";

/// The work in the background of a session.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// All of it, by the program's names.
    running: BTreeSet<String>,
    /// The calls that began it.
    calls: BTreeMap<String, String>,
    /// Commands whose output is followed, and how much of it the client has seen.
    followed: BTreeMap<String, Followed>,
}

#[derive(Debug, Default)]
struct Followed {
    /// Bytes that were there when it was last looked at.
    seen: u64,
    /// It is being looked at.
    asked: bool,
    /// It is over; this is the last look.
    over: bool,
}

impl Tasks {
    /// Which runs now.
    pub(super) fn now(&mut self, tasks: &[Background]) {
        self.running = tasks.iter().take(RUNNING).map(|task| task.task_id.clone()).collect();
    }

    /// The name of what a client wants to stop: that of the work, or of the call that began it.
    fn named(&self, id: &str) -> Option<String> {
        let by_call = self.calls.iter().find(|(_, call)| *call == id).map(|(task, _)| task.clone());
        by_call.or_else(|| Some(id.to_owned())).filter(|task| self.running.contains(task))
    }

    fn begin(&mut self, task: &Background, call: &str) {
        self.running.insert(task.task_id.clone());
        self.calls.insert(task.task_id.clone(), call.to_owned());
        if task.task_type == COMMAND && self.followed.len() < FOLLOWED {
            self.followed.insert(task.task_id.clone(), Followed::default());
        }
        while self.running.len() > RUNNING || self.calls.len() > RUNNING {
            self.running.pop_first();
            self.calls.pop_first();
        }
    }
}

impl Session {
    pub(super) fn task_started(&mut self, task: &Background, out: &mut Effects) {
        let Some(call) = task.tool_use_id.as_deref().filter(|_| task.is_backgrounded) else { return };
        let idle = self.tasks.followed.is_empty();
        self.tasks.begin(task, call);
        self.screen.calls.in_background(call, &task.task_id, out);
        if idle && !self.tasks.followed.is_empty() {
            out.push(Effect::Arm { timer: LOOK.0, after: LOOK.1 });
        }
    }

    /// Work is over. Of a command the rest of the output is shown before its end is.
    pub(super) fn task_over(&mut self, task: &Task, out: &mut Effects) {
        let failed = task.status.as_deref() != Some("completed");
        self.tasks.running.remove(&task.task_id);
        self.tasks.calls.remove(&task.task_id);
        if let Some(followed) = self.tasks.followed.get_mut(&task.task_id) {
            followed.over = true;
            self.look(&task.task_id, out);
        }
        if let Some(call) = &task.tool_use_id {
            self.screen.calls.over(call, failed, task.summary.as_deref(), out);
        }
    }

    /// Looks at what all commands have written.
    pub(super) fn look_at_tasks(&mut self, out: &mut Effects) {
        if self.gone.is_some() {
            return;
        }
        let running: Vec<_> = self.tasks.followed.keys().cloned().collect();
        for task in &running {
            self.look(task, out);
        }
        if !running.is_empty() {
            out.push(Effect::Arm { timer: LOOK.0, after: LOOK.1 });
        }
    }

    fn look(&mut self, task: &str, out: &mut Effects) {
        let Some(followed) = self.tasks.followed.get_mut(task) else { return };
        if !std::mem::replace(&mut followed.asked, true) || followed.over {
            let control = Control::GetTaskOutput { task_id: task.to_owned() };
            self.controls.send(&control, Pending::Output { task: task.to_owned(), last: followed.over }, out);
        }
    }

    /// The program says what a command has written.
    pub(super) fn written(&mut self, task: &str, last: bool, answer: Option<&Value>, out: &mut Effects) {
        let Some(followed) = self.tasks.followed.get_mut(task) else { return };
        followed.asked = false;
        let text = |key: &str| answer.and_then(|answer| answer.get(key)?.as_str());
        let bytes = answer.and_then(|answer| answer.get("total_bytes")?.as_u64()).unwrap_or(0);
        let new = bytes.saturating_sub(followed.seen);
        followed.seen = followed.seen.max(bytes);
        if last {
            self.tasks.followed.remove(task);
        }
        if let Some(output) = text("output").filter(|output| new > 0 || (last && !output.is_empty())) {
            self.screen.calls.wrote(task, output, new, last, out);
        }
        if last {
            self.screen.calls.ended(task, out);
        }
    }

    /// The client wants work to end.
    pub(super) fn stop_task(&mut self, id: RequestId, task: &str, out: &mut Effects) {
        match self.tasks.named(task) {
            Some(task_id) => {
                self.controls.send(&Control::StopTask { task_id }, Pending::StopTask { id: Some(id) }, out)
            }
            None => out.answer(id, Ok(Answer::Stopped(false))),
        }
    }

    /// The program has ended work, or has not.
    pub(super) fn task_stopped(id: Option<RequestId>, stopped: bool, out: &mut Effects) {
        if let Some(id) = id {
            let answer: Result<_, Failure> = Ok(Answer::Stopped(stopped));
            out.answer(id, answer);
        }
    }

    /// Ends all work in the background.
    pub(super) fn stop_tasks(&mut self, out: &mut Effects) {
        for task_id in self.tasks.running.clone() {
            self.controls.send(&Control::StopTask { task_id }, Pending::StopTask { id: None }, out);
        }
    }
}
