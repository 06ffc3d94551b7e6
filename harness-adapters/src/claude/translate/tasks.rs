//! Work that goes on in the background: its output while it runs, and how it is stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::calls::Calls;
use super::controls::{Controls, Pending};
use crate::claude::wire::Control;
use crate::claude::wire::system::{Background, Task};
use crate::translate::{Effect, Effects, RequestId, Timer};

/// Timer of the next look at the output of commands in the background, and its interval.
pub(super) const LOOK: (Timer, Duration) = (Timer(5), Duration::from_secs(1));
/// Limit of commands whose output is followed at once. Of more, only the end is shown.
const FOLLOWED: usize = 32;
/// Limit of work that is known by name. A program that runs more can stop only these one by one.
const RUNNING: usize = 256;
/// Type of work that is a command.
const COMMAND: &str = "local_bash";

/// The work in the background of a session.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// All of it, by the program's names.
    running: BTreeSet<String>,
    /// The calls that began it.
    calls: BTreeMap<String, String>,
    /// Commands whose output is followed.
    followed: BTreeMap<String, Followed>,
}

#[derive(Debug, Default)]
struct Followed {
    /// Bytes that were there at the last look.
    seen: u64,
    /// True while the program is asked.
    asked: bool,
    /// True once it is over. The next look is the last.
    over: bool,
}

impl Tasks {
    /// The program says which work runs.
    pub(super) fn now(&mut self, tasks: &[Background]) {
        self.running = tasks.iter().take(RUNNING).map(|task| task.task_id.clone()).collect();
    }

    /// Work begins. Only work in the background matters.
    pub(super) fn started(&mut self, task: &Background, calls: &mut Calls, out: &mut Effects) {
        let Some(call) = task.tool_use_id.as_deref().filter(|_| task.is_backgrounded) else { return };
        let idle = self.followed.is_empty();
        self.begin(task, call);
        calls.in_background(call, &task.task_id, out);
        if idle && !self.followed.is_empty() {
            out.push(Effect::Arm { timer: LOOK.0, after: LOOK.1 });
        }
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

    /// Work is over. The rest of a command's output is shown before its end is.
    pub(super) fn over(&mut self, task: &Task, calls: &mut Calls, controls: &mut Controls, out: &mut Effects) {
        let failed = task.status.as_deref() != Some("completed");
        self.running.remove(&task.task_id);
        self.calls.remove(&task.task_id);
        if let Some(followed) = self.followed.get_mut(&task.task_id) {
            followed.over = true;
            followed.look(&task.task_id, controls, out);
        }
        if let Some(call) = &task.tool_use_id {
            calls.over(call, failed, task.summary.as_deref(), out);
        }
    }

    /// Asks the program for the output of all commands that are followed.
    pub(super) fn look(&mut self, controls: &mut Controls, out: &mut Effects) {
        for (task, followed) in &mut self.followed {
            followed.look(task, controls, out);
        }
        if !self.followed.is_empty() {
            out.push(Effect::Arm { timer: LOOK.0, after: LOOK.1 });
        }
    }

    /// The program sends the output of a command.
    pub(super) fn written(
        &mut self,
        task: &str,
        last: bool,
        answer: Option<&Value>,
        calls: &mut Calls,
        out: &mut Effects,
    ) {
        let Some(followed) = self.followed.get_mut(task) else { return };
        followed.asked = false;
        let text = |key: &str| answer.and_then(|answer| answer.get(key)?.as_str());
        let bytes = answer.and_then(|answer| answer.get("total_bytes")?.as_u64()).unwrap_or(0);
        let new = bytes.saturating_sub(followed.seen);
        followed.seen = followed.seen.max(bytes);
        if last {
            self.followed.remove(task);
        }
        if let Some(output) = text("output").filter(|output| new > 0 || (last && !output.is_empty())) {
            calls.wrote(task, output, new, last, out);
        }
        if last {
            calls.ended(task, out);
        }
    }

    /// Ends work for the client, named by itself or by the call that began it; false if there is no such work.
    pub(super) fn stop(&self, id: RequestId, named: &str, controls: &mut Controls, out: &mut Effects) -> bool {
        let by_call = self.calls.iter().find(|(_, call)| *call == named).map(|(task, _)| task.clone());
        let task_id = by_call.unwrap_or_else(|| named.to_owned());
        let runs = self.running.contains(&task_id);
        if runs {
            controls.send(&Control::StopTask { task_id }, Pending::StopTask { id: Some(id) }, out);
        }
        runs
    }

    /// Ends all work.
    pub(super) fn stop_all(&self, controls: &mut Controls, out: &mut Effects) {
        for task_id in self.running.clone() {
            controls.send(&Control::StopTask { task_id }, Pending::StopTask { id: None }, out);
        }
    }
}

impl Followed {
    fn look(&mut self, task: &str, controls: &mut Controls, out: &mut Effects) {
        if !std::mem::replace(&mut self.asked, true) || self.over {
            let control = Control::GetTaskOutput { task_id: task.to_owned() };
            controls.send(&control, Pending::Output { task: task.to_owned(), last: self.over }, out);
        }
    }
}
