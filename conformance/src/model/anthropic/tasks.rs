//! A plan kept with the task tools: they change one task at a time, so a new plan is what differs from the old one.

use serde_json::json;

use super::tool_use::Use;
use crate::model::script::{PlanStep, StepStatus};

/// A task that the model made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) status: String,
}

/// The calls that make `known` into `steps`. New tasks get the numbers after the known ones, which is how Claude Code
/// numbers them, so that their state can be set in the same message.
pub(super) fn changes(steps: &[PlanStep], known: &[Task]) -> Vec<Use> {
    let mut last = known.iter().filter_map(|task| task.id.parse::<u64>().ok()).max().unwrap_or(0);
    let mut new = Vec::new();
    let mut updates = Vec::new();
    for PlanStep { step, status } in steps {
        let (id, before) = match known.iter().find(|task| task.subject == *step) {
            Some(task) => (task.id.clone(), task.status.as_str()),
            None => {
                last += 1;
                let input = json!({ "subject": step, "description": step, "activeForm": step });
                new.push(Use::new("TaskCreate", input));
                (last.to_string(), StepStatus::Pending.name())
            }
        };
        if before != status.name() {
            updates.push(Use::new("TaskUpdate", json!({ "taskId": id, "status": status.name() })));
        }
    }
    for task in known.iter().filter(|task| steps.iter().all(|step| step.step != task.subject)) {
        updates.push(Use::new("TaskUpdate", json!({ "taskId": task.id, "status": "deleted" })));
    }
    new.extend(updates);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: &str, status: StepStatus) -> PlanStep {
        PlanStep { step: step.to_owned(), status }
    }

    fn task(id: &str, subject: &str, status: &str) -> Task {
        Task { id: id.to_owned(), subject: subject.to_owned(), status: status.to_owned() }
    }

    #[test]
    fn new_steps_are_created_first_and_then_set() {
        let steps = [step("A", StepStatus::InProgress), step("B", StepStatus::Pending)];
        let uses = changes(&steps, &[]);
        let names: Vec<&str> = uses.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["TaskCreate", "TaskCreate", "TaskUpdate"]);
        assert_eq!(uses[2].input, json!({ "taskId": "1", "status": "in_progress" }));
    }

    #[test]
    fn only_what_differs_is_changed() {
        let steps = [step("A", StepStatus::Completed), step("B", StepStatus::Pending)];
        let known = [task("1", "A", "in_progress"), task("2", "B", "pending"), task("3", "C", "pending")];
        let uses = changes(&steps, &known);
        let inputs: Vec<_> = uses.iter().map(|one| one.input.clone()).collect();
        assert_eq!(
            inputs,
            [json!({ "taskId": "1", "status": "completed" }), json!({ "taskId": "3", "status": "deleted" })]
        );
    }
}
