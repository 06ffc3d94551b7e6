//! Tool calls in the words of Claude Code, or of whoever else asks.

use serde_json::{Map, Value, json};

use super::request::Request;
use super::tool_use::Use;
use super::{opencode, tasks};
use crate::model::script::{Call, PlanStep, Shell};
use crate::model::text::quoted;

/// The tools to use for a call; the error says why there are none.
pub(super) fn uses(call: &Call, request: &Request) -> Result<Vec<Use>, &'static str> {
    if opencode::asks(request) {
        return opencode::uses(call, request);
    }
    Ok(match call {
        Call::Shell(shell) => vec![bash(shell)],
        Call::Write(write) => {
            let path = request.absolute(&write.path);
            vec![Use::new("Write", json!({ "file_path": path, "content": write.text }))]
        }
        Call::Edit(edit) => change(&edit.path, &edit.old, &edit.new, request),
        Call::Delete(path) => vec![plain(format!("rm -- {}", quoted(path)))],
        Call::Move(moved) => {
            let mut uses = match (&moved.old, &moved.new) {
                (Some(old), Some(new)) => change(&moved.path, old, new, request),
                _ => Vec::new(),
            };
            uses.push(plain(format!("mv -- {} {}", quoted(&moved.path), quoted(&moved.to))));
            uses
        }
        Call::Read(path) | Call::ViewImage(path) => vec![read(path, request)],
        Call::Plan(steps) => plan(steps, request),
        Call::Question(question) => {
            let options: Vec<Value> =
                question.options.iter().map(|label| json!({ "label": label, "description": label })).collect();
            let one = json!({
                "question": question.text, "header": question.header, "options": options, "multiSelect": false
            });
            vec![Use::new("AskUserQuestion", json!({ "questions": [one] }))]
        }
        Call::Agent(agent) => {
            let input = json!({
                "description": "Scripted task",
                "prompt": agent.prompt,
                "subagent_type": "general-purpose",
                "run_in_background": agent.background,
            });
            vec![Use::new("Agent", input)]
        }
        // `Agent` waits by itself unless it is told not to. A call that does nothing keeps the replies in step.
        Call::WaitAgents(_) => vec![plain("true".to_owned())],
        Call::Mcp(mcp) => {
            let (server, tool) = mcp.parts();
            vec![Use::new(&format!("mcp__{server}__{tool}"), Value::Object(mcp.arguments.clone()))]
        }
        Call::ExitPlan(plan) => vec![Use::new("ExitPlanMode", json!({ "plan": plan }))],
        Call::Tool(tool) => vec![Use::new(&tool.name, Value::Object(tool.arguments.clone()))],
        Call::Patch(_) => return Err("the script has a `patch` here, which only the OpenAI API knows; use `edit`"),
        Call::Code(_) => return Err("the script has `code` here, which only the OpenAI API knows"),
    })
}

fn bash(shell: &Shell) -> Use {
    let mut input = Map::new();
    input.insert("command".to_owned(), shell.command.clone().into());
    input.insert("description".to_owned(), "Run the scripted command".into());
    if let Some(timeout) = shell.timeout_ms {
        input.insert("timeout".to_owned(), timeout.into());
    }
    if shell.background {
        input.insert("run_in_background".to_owned(), true.into());
    }
    Use::new("Bash", Value::Object(input))
}

fn plain(command: String) -> Use {
    bash(&Shell { command, ask: false, timeout_ms: None, background: false })
}

fn read(path: &str, request: &Request) -> Use {
    Use::new("Read", json!({ "file_path": request.absolute(path) }))
}

/// An edit. Claude Code wants a file to be read before; the tools of one message run in order.
fn change(path: &str, old: &str, new: &str, request: &Request) -> Vec<Use> {
    let absolute = request.absolute(path);
    let edit = Use::new("Edit", json!({ "file_path": absolute, "old_string": old, "new_string": new }));
    if request.history.knows_file(&absolute) { vec![edit] } else { vec![read(path, request), edit] }
}

fn plan(steps: &[PlanStep], request: &Request) -> Vec<Use> {
    if request.offers("TodoWrite") {
        let todos: Vec<Value> = steps
            .iter()
            .map(|step| json!({ "content": step.step, "status": step.status.name(), "activeForm": step.step }))
            .collect();
        return vec![Use::new("TodoWrite", json!({ "todos": todos }))];
    }
    tasks::changes(steps, &request.history.tasks)
}
