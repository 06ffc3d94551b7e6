//! Tool calls in the words of opencode.

use serde_json::{Value, json};

use super::request::Request;
use super::tool_use::Use;
use crate::model::script::{Call, Shell};
use crate::model::text::quoted;

/// Returns whether it is opencode that asks: its tools have the names of Claude Code's in small letters.
pub(super) fn asks(request: &Request) -> bool {
    request.offers("bash") && !request.offers("Bash")
}

/// The tools to use for a call; the error says why there are none.
pub(super) fn uses(call: &Call, request: &Request) -> Result<Vec<Use>, &'static str> {
    Ok(match call {
        Call::Shell(Shell { command, timeout_ms, .. }) => vec![bash(command, *timeout_ms)],
        Call::Write(write) => {
            let path = request.absolute(&write.path);
            vec![Use::new("write", json!({ "filePath": path, "content": write.text }))]
        }
        Call::Edit(edit) => change(&edit.path, &edit.old, &edit.new, request),
        Call::Delete(path) => vec![bash(&format!("rm -- {}", quoted(path)), None)],
        Call::Move(moved) => {
            let mut uses = match (&moved.old, &moved.new) {
                (Some(old), Some(new)) => change(&moved.path, old, new, request),
                _ => Vec::new(),
            };
            uses.push(bash(&format!("mv -- {} {}", quoted(&moved.path), quoted(&moved.to)), None));
            uses
        }
        Call::Read(path) | Call::ViewImage(path) => vec![read(path, request)],
        Call::Plan(steps) => {
            let todos: Vec<Value> = steps
                .iter()
                .map(|step| json!({ "content": step.step, "status": step.status.name(), "priority": "medium" }))
                .collect();
            vec![Use::new("todowrite", json!({ "todos": todos }))]
        }
        Call::Question(question) => {
            let options: Vec<Value> =
                question.options.iter().map(|label| json!({ "label": label, "description": label })).collect();
            let one = json!({ "question": question.text, "header": question.header, "options": options });
            vec![Use::new("question", json!({ "questions": [one] }))]
        }
        Call::Agent(agent) => {
            let input = json!({
                "description": "Scripted task", "prompt": agent.prompt, "subagent_type": "general"
            });
            vec![Use::new("task", input)]
        }
        // `task` waits by itself. A call that does nothing keeps the replies in step.
        Call::WaitAgents(_) => vec![bash("true", None)],
        Call::Mcp(mcp) => {
            let (server, tool) = mcp.parts();
            vec![Use::new(&format!("{server}_{tool}"), Value::Object(mcp.arguments.clone()))]
        }
        Call::Tool(tool) => vec![Use::new(&tool.name, Value::Object(tool.arguments.clone()))],
        Call::ExitPlan(_) => return Err("the script has an `exit_plan` here, which opencode has no words for"),
        Call::Patch(_) => return Err("the script has a `patch` here, which only the OpenAI API knows; use `edit`"),
        Call::Code(_) => return Err("the script has `code` here, which only the OpenAI API knows"),
    })
}

fn bash(command: &str, timeout: Option<u64>) -> Use {
    let mut input = json!({ "command": command, "description": "Run the scripted command" });
    if let Some(timeout) = timeout {
        input["timeout"] = timeout.into();
    }
    Use::new("bash", input)
}

fn read(path: &str, request: &Request) -> Use {
    Use::new("read", json!({ "filePath": request.absolute(path) }))
}

/// An edit, after the file was read.
fn change(path: &str, old: &str, new: &str, request: &Request) -> Vec<Use> {
    let input = json!({ "filePath": request.absolute(path), "oldString": old, "newString": new });
    vec![read(path, request), Use::new("edit", input)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::script::{Part, Script};

    fn used(parts: &str) -> Vec<(String, Value)> {
        let script = Script::parse(&format!("[[prompt]]\nmatch = \"*\"\nreplies = [[{parts}]]")).unwrap();
        let body = json!({
            "model": "m", "tools": [{ "name": "bash" }, { "name": "write" }],
            "system": [{ "type": "text", "text": "<env>\n  Working directory: /w\n</env>" }],
            "messages": [{ "role": "user", "content": "hi" }],
        });
        let request = Request::read(&body).unwrap();
        assert!(asks(&request));
        let uses = script.prompts[0].replies[0].iter().flat_map(|part| match part {
            Part::Call(call) => super::super::tools::uses(call, &request).unwrap(),
            other => panic!("{other:?}"),
        });
        uses.map(|one| (one.name, one.input)).collect()
    }

    #[test]
    fn tools_have_its_names_and_words() {
        let written =
            used(r#"{ write = "a", text = "t" }, { edit = "/b", old = "x", new = "y" }, { mcp = "demo.ping" }"#);
        let names: Vec<&str> = written.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["write", "read", "edit", "demo_ping"]);
        assert_eq!(written[0].1, json!({ "filePath": "/w/a", "content": "t" }));
        assert_eq!(written[2].1, json!({ "filePath": "/b", "oldString": "x", "newString": "y" }));
    }

    #[test]
    fn a_plan_is_its_list_of_things_to_do() {
        let [(name, input)] = &used(r#"{ plan = [{ step = "A", status = "in_progress" }] }"#)[..] else { panic!() };
        assert_eq!(name, "todowrite");
        assert_eq!(input["todos"], json!([{ "content": "A", "status": "in_progress", "priority": "medium" }]));
    }
}
