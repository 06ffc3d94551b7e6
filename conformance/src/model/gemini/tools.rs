//! Tool calls in the words of Gemini CLI.

use serde_json::{Value, json};

use super::request::Request;
use crate::model::script::{Call, Question};
use crate::model::text::quoted;

/// A call of one tool.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Use {
    pub(super) name: String,
    pub(super) args: Value,
}

impl Use {
    fn new(name: &str, args: Value) -> Self {
        Self { name: name.to_owned(), args }
    }
}

/// The tools to use for a call; the error says why there are none.
pub(super) fn uses(call: &Call, request: &Request) -> Result<Vec<Use>, &'static str> {
    Ok(match call {
        Call::Shell(shell) => vec![run(&shell.command)],
        Call::Write(write) => {
            let path = request.absolute(&write.path);
            vec![Use::new("write_file", json!({ "file_path": path, "content": write.text }))]
        }
        Call::Edit(edit) => vec![change(&edit.path, &edit.old, &edit.new, request)],
        Call::Delete(path) => vec![run(&format!("rm -- {}", quoted(path)))],
        Call::Move(moved) => {
            let mut uses = match (&moved.old, &moved.new) {
                (Some(old), Some(new)) => vec![change(&moved.path, old, new, request)],
                _ => Vec::new(),
            };
            uses.push(run(&format!("mv -- {} {}", quoted(&moved.path), quoted(&moved.to))));
            uses
        }
        Call::Read(path) | Call::ViewImage(path) => {
            vec![Use::new("read_file", json!({ "file_path": request.absolute(path) }))]
        }
        Call::Plan(steps) => {
            let todos: Vec<Value> =
                steps.iter().map(|step| json!({ "description": step.step, "status": step.status.name() })).collect();
            vec![Use::new("write_todos", json!({ "todos": todos }))]
        }
        Call::Question(question) => vec![ask(question)],
        Call::Mcp(mcp) => {
            let (server, tool) = mcp.parts();
            vec![Use { name: request.mcp(server, tool), args: Value::Object(mcp.arguments.clone()) }]
        }
        Call::Tool(tool) => vec![Use::new(&tool.name, Value::Object(tool.arguments.clone()))],
        // `invoke_agent` waits by itself. A call that does nothing keeps the replies in step.
        Call::WaitAgents(_) => vec![run("true")],
        Call::Agent(agent) => {
            vec![Use::new("invoke_agent", json!({ "agent_name": "generalist", "prompt": agent.prompt }))]
        }
        Call::ExitPlan(_) => return Err("the script has an `exit_plan` here, which the Gemini API has no words for"),
        Call::Patch(_) => return Err("the script has a `patch` here, which only the OpenAI API knows; use `edit`"),
        Call::Code(_) => return Err("the script has `code` here, which only the OpenAI API knows"),
    })
}

fn run(command: &str) -> Use {
    Use::new("run_shell_command", json!({ "command": command, "description": "Run the scripted command" }))
}

fn change(path: &str, old: &str, new: &str, request: &Request) -> Use {
    let args = json!({
        "file_path": request.absolute(path),
        "instruction": "Make the scripted change",
        "old_string": old,
        "new_string": new,
    });
    Use::new("replace", args)
}

fn ask(question: &Question) -> Use {
    let options: Vec<Value> =
        question.options.iter().map(|label| json!({ "label": label, "description": label })).collect();
    let one = json!({
        "question": question.text, "header": question.header, "type": "choice", "options": options
    });
    Use::new("ask_user", json!({ "questions": [one] }))
}
