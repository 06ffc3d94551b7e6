//! The list of tasks. Tools that keep it are not shown as calls but as plan updates.

use acp_types::v1;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Tools that are shown as a plan or not at all.
const TOOLS: [&str; 6] = ["TaskCreate", "TaskUpdate", "TaskList", "TaskGet", "TodoWrite", "TodoRead"];

/// The tasks of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Plan(Vec<Task>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Task {
    id: String,
    subject: String,
    status: Status,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Pending,
    InProgress,
    Completed,
}

impl Plan {
    /// True for a tool that only keeps the list.
    pub(super) fn keeps(tool: &str) -> bool {
        TOOLS.contains(&tool)
    }

    /// Takes in what such a tool did; an update if the list changed.
    pub(super) fn result(&mut self, tool: &str, input: &Value, result: &Value) -> Option<v1::SessionUpdate> {
        let before = self.clone();
        match tool {
            "TaskCreate" => self.create(result),
            "TaskUpdate" => self.change(input),
            "TaskList" => self.listed(result),
            "TodoWrite" => self.written(input),
            _ => {}
        }
        (*self != before).then(|| self.update())
    }

    fn update(&self) -> v1::SessionUpdate {
        let entries = self.0.iter().map(|task| {
            let status = match task.status {
                Status::Pending => v1::PlanEntryStatus::Pending,
                Status::InProgress => v1::PlanEntryStatus::InProgress,
                Status::Completed => v1::PlanEntryStatus::Completed,
            };
            v1::PlanEntry::new(task.subject.clone(), v1::PlanEntryPriority::Medium, status)
        });
        v1::SessionUpdate::Plan(v1::Plan::new(entries.collect()))
    }

    fn create(&mut self, result: &Value) {
        let text = |path: &str| result.pointer(path).and_then(Value::as_str);
        if let (Some(id), Some(subject)) = (text("/task/id"), text("/task/subject")) {
            self.add(id, subject, Status::Pending);
        }
    }

    fn change(&mut self, input: &Value) {
        let text = |key: &str| input.get(key).and_then(Value::as_str);
        let Some(id) = text("taskId") else { return };
        if text("status") == Some("deleted") {
            self.0.retain(|task| task.id != id);
            return;
        }
        let Some(task) = self.0.iter_mut().find(|task| task.id == id) else { return };
        if let Some(status) = text("status").and_then(Status::read) {
            task.status = status;
        }
        if let Some(subject) = text("subject") {
            subject.clone_into(&mut task.subject);
        }
    }

    /// Learns of tasks that it missed. How they stand it knows better: results of calls that run at once cross.
    fn listed(&mut self, result: &Value) {
        for task in result.get("tasks").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| task.get(key).and_then(Value::as_str);
            if let (Some(id), Some(subject)) = (text("id"), text("subject")) {
                self.add(id, subject, text("status").and_then(Status::read).unwrap_or(Status::Pending));
            }
        }
    }

    fn add(&mut self, id: &str, subject: &str, status: Status) {
        if self.0.iter().all(|task| task.id != id) {
            self.0.push(Task { id: id.to_owned(), subject: subject.to_owned(), status });
        }
    }

    fn written(&mut self, input: &Value) {
        let todos = input.get("todos").and_then(Value::as_array).into_iter().flatten();
        let tasks = todos.enumerate().filter_map(|(at, todo)| {
            let text = |key: &str| todo.get(key).and_then(Value::as_str);
            let status = text("status").and_then(Status::read).unwrap_or(Status::Pending);
            Some(Task { id: format!("todo-{at}"), subject: text("content")?.to_owned(), status })
        });
        self.0 = tasks.collect();
    }
}

impl Status {
    fn read(word: &str) -> Option<Self> {
        match word {
            "pending" => Some(Self::Pending),
            "in_progress" => Some(Self::InProgress),
            "completed" => Some(Self::Completed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use acp_types::v1;
    use serde_json::json;

    use super::Plan;

    fn statuses(update: Option<v1::SessionUpdate>) -> Vec<(String, v1::PlanEntryStatus)> {
        let Some(v1::SessionUpdate::Plan(plan)) = update else { return Vec::new() };
        plan.entries.into_iter().map(|entry| (entry.content, entry.status)).collect()
    }

    #[test]
    fn tasks_are_kept_by_the_id_that_their_creation_gave() {
        let mut plan = Plan::default();
        let created = json!({ "task": { "id": "1", "subject": "First" } });
        let update = plan.result("TaskCreate", &json!({}), &created);
        assert_eq!(statuses(update), [("First".to_owned(), v1::PlanEntryStatus::Pending)]);
        let update = plan.result("TaskUpdate", &json!({ "taskId": "1", "status": "in_progress" }), &json!({}));
        assert_eq!(statuses(update), [("First".to_owned(), v1::PlanEntryStatus::InProgress)]);
        let late = json!({ "tasks": [{ "id": "1", "subject": "First", "status": "pending" }] });
        assert_eq!(plan.result("TaskList", &json!({}), &late), None, "a list that crossed changes nothing");
    }

    #[test]
    fn a_written_list_replaces_the_one_before() {
        let mut plan = Plan::default();
        let list = json!({ "todos": [{ "content": "A", "status": "completed" }, { "content": "B" }] });
        let update = plan.result("TodoWrite", &list, &json!({}));
        let expected =
            [("A".to_owned(), v1::PlanEntryStatus::Completed), ("B".to_owned(), v1::PlanEntryStatus::Pending)];
        assert_eq!(statuses(update), expected);
        assert_eq!(plan.result("TodoWrite", &list, &json!({})), None, "nothing changed");
    }
}
