//! Files and tasks that the conversation so far has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::tasks::Task;

/// Record of what the model has done in this conversation.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Files that it has read or written.
    files: BTreeSet<String>,
    /// Tasks that exist, oldest first.
    pub(super) tasks: Vec<Task>,
}

impl History {
    /// Goes through the messages of a request.
    pub(super) fn of(messages: &[Value]) -> Self {
        let mut history = Self::default();
        let mut open = BTreeMap::new();
        for block in messages.iter().flat_map(|message| message["content"].as_array().into_iter().flatten()) {
            if block["type"] == "tool_use"
                && let (Some(id), Some(name)) = (block["id"].as_str(), block["name"].as_str())
            {
                open.insert(id, (name, &block["input"]));
            } else if block["type"] == "tool_result"
                && block["is_error"] != true
                && let Some((name, input)) = block["tool_use_id"].as_str().and_then(|id| open.remove(id))
            {
                history.note(name, input, &result_text(&block["content"]));
            }
        }
        history
    }

    pub(super) fn knows_file(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    fn note(&mut self, name: &str, input: &Value, result: &str) {
        let text = |key: &str| input[key].as_str().unwrap_or_default().to_owned();
        match name {
            "Read" | "Write" | "Edit" => {
                self.files.insert(text("file_path"));
            }
            "TaskCreate" => {
                if let Some(id) = task_number(result) {
                    self.tasks.push(Task { id, subject: text("subject"), status: "pending".to_owned() });
                }
            }
            "TaskUpdate" => {
                let (id, status) = (text("taskId"), text("status"));
                if status == "deleted" {
                    self.tasks.retain(|task| task.id != id);
                } else if let Some(task) = self.tasks.iter_mut().find(|task| task.id == id) {
                    task.status = status;
                }
            }
            _ => {}
        }
    }
}

/// The text of what a tool gave back.
pub(super) fn result_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// `Task #3 created successfully: …`
fn task_number(result: &str) -> Option<String> {
    let digits: String = result.split_once("Task #")?.1.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tasks_come_from_results_and_their_state_from_updates() {
        let messages = [
            json!({ "role": "assistant", "content": [
                { "type": "tool_use", "id": "t1", "name": "TaskCreate", "input": { "subject": "A" } },
                { "type": "tool_use", "id": "t2", "name": "TaskCreate", "input": { "subject": "B" } },
                { "type": "tool_use", "id": "t3", "name": "Read", "input": { "file_path": "/w/a" } },
            ] }),
            json!({ "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t1", "content": "Task #7 created successfully: A" },
                { "type": "tool_result", "tool_use_id": "t2", "content": "no", "is_error": true },
                { "type": "tool_result", "tool_use_id": "t3", "content": [{ "type": "text", "text": "1\tx" }] },
            ] }),
            json!({ "role": "assistant", "content": [
                { "type": "tool_use", "id": "t4", "name": "TaskUpdate",
                  "input": { "taskId": "7", "status": "completed" } },
            ] }),
            json!({ "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t4", "content": "Updated task #7 status" },
            ] }),
        ];
        let history = History::of(&messages);
        assert_eq!(
            history.tasks,
            [Task { id: "7".to_owned(), subject: "A".to_owned(), status: "completed".to_owned() }]
        );
        assert!(history.knows_file("/w/a") && !history.knows_file("/w/b"));
    }
}
