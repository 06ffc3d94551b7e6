//! Tool calls in the words of Codex.

use serde_json::{Map, Value, json};

use super::patch;
use super::request::{Request, Tools};
use crate::model::script::{Call, Shell};
use crate::model::text::quoted;

/// Time that Codex waits for a command in the background before it goes on: its shortest.
const BACKGROUND_MS: u64 = 250;
/// Limit for a sub-agent.
const AGENT_MS: u64 = 30_000;

/// An item of the response.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Text(String),
    Function { namespace: Option<String>, name: String, arguments: Value },
    Custom { name: &'static str, input: String },
}

/// The items for a call. What a model in code mode does is a script that it runs.
pub(super) fn items(call: &Call, request: &Request) -> Vec<Item> {
    let tools = &request.tools;
    let one = match call {
        Call::Shell(shell) => direct(tools, "exec_command", command(shell)),
        Call::Write(write) => apply(tools, &patch::add(&write.path, &write.text)),
        Call::Edit(edit) => apply(tools, &patch::update(&edit.path, None, &edit.old, &edit.new)),
        Call::Delete(path) => apply(tools, &patch::delete(path)),
        Call::Move(moved) => match (&moved.old, &moved.new) {
            (Some(old), Some(new)) => apply(tools, &patch::update(&moved.path, Some(&moved.to), old, new)),
            // A patch cannot move a file without a change.
            _ => shell(tools, &format!("mv -- {} {}", quoted(&moved.path), quoted(&moved.to))),
        },
        Call::Patch(patch) => apply(tools, patch),
        Call::Read(path) => shell(tools, &format!("cat -- {}", quoted(path))),
        Call::Plan(steps) => {
            let steps: Vec<Value> =
                steps.iter().map(|step| json!({ "step": step.step, "status": step.status.name() })).collect();
            direct(tools, "update_plan", json!({ "plan": steps }))
        }
        Call::Question(question) => {
            let options: Vec<Value> =
                question.options.iter().map(|label| json!({ "label": label, "description": label })).collect();
            let one = json!({
                "id": "answer", "header": question.header, "question": question.text, "options": options
            });
            function(None, "request_user_input", json!({ "questions": [one] }))
        }
        Call::Agent(agent) => return sub_agent(&agent.prompt, agent.background, tools),
        Call::WaitAgents(millis) if tools.has("collaboration.wait_agent") => wait_agents(*millis),
        Call::WaitAgents(millis) => {
            let arguments = json!({ "targets": request.agents, "timeout_ms": millis });
            function(Some("multi_agent_v1".to_owned()), "wait_agent", arguments)
        }
        Call::Mcp(mcp) => {
            let (server, tool) = mcp.parts();
            let arguments = Value::Object(mcp.arguments.clone());
            if tools.code_mode() {
                code(&format!("mcp__{server}__{tool}"), &arguments)
            } else {
                function(Some(format!("mcp__{server}")), tool, arguments)
            }
        }
        Call::ExitPlan(plan) => Item::Text(format!("<proposed_plan>\n{plan}\n</proposed_plan>")),
        Call::ViewImage(path) => direct(tools, "view_image", json!({ "path": path })),
        Call::Tool(tool) => function(tool.namespace.clone(), &tool.name, Value::Object(tool.arguments.clone())),
        Call::Code(script) => Item::Custom { name: "exec", input: script.clone() },
    };
    vec![one]
}

fn function(namespace: Option<String>, name: &str, arguments: Value) -> Item {
    Item::Function { namespace, name: name.to_owned(), arguments }
}

/// A call of a tool that a model in code mode reaches only by a script.
fn direct(tools: &Tools, name: &str, arguments: Value) -> Item {
    if tools.code_mode() { code(name, &arguments) } else { function(None, name, arguments) }
}

/// A script that calls one tool. JSON is JavaScript.
fn code(name: &str, argument: &Value) -> Item {
    let input = format!(
        "const r = await tools.{name}({argument});\ntext(typeof r === \"string\" ? r : r?.output ?? JSON.stringify(r));\n"
    );
    Item::Custom { name: "exec", input }
}

fn command(shell: &Shell) -> Value {
    let mut arguments = Map::new();
    arguments.insert("cmd".to_owned(), shell.command.clone().into());
    if shell.ask {
        let first = shell.command.split_whitespace().next().unwrap_or_default();
        arguments.insert("sandbox_permissions".to_owned(), "require_escalated".into());
        arguments.insert("justification".to_owned(), "May I run this?".into());
        arguments.insert("prefix_rule".to_owned(), json!([first]));
    }
    let wait = shell.timeout_ms.or(shell.background.then_some(BACKGROUND_MS));
    if let Some(wait) = wait {
        arguments.insert("yield_time_ms".to_owned(), wait.into());
    }
    Value::Object(arguments)
}

fn shell(tools: &Tools, command: &str) -> Item {
    direct(tools, "exec_command", json!({ "cmd": command }))
}

/// A patch, by whatever way the model has.
fn apply(tools: &Tools, patch: &str) -> Item {
    if tools.code_mode() {
        code("apply_patch", &Value::from(patch))
    } else if tools.has("apply_patch") {
        Item::Custom { name: "apply_patch", input: patch.to_owned() }
    } else {
        shell(tools, &format!("apply_patch <<'END_OF_PATCH'\n{patch}END_OF_PATCH\n"))
    }
}

fn sub_agent(prompt: &str, background: bool, tools: &Tools) -> Vec<Item> {
    if !tools.has("collaboration.spawn_agent") {
        let namespace = Some("multi_agent_v1".to_owned());
        return vec![function(namespace, "spawn_agent", json!({ "message": prompt }))];
    }
    let task = json!({ "task_name": "helper", "message": prompt, "fork_turns": "none" });
    let mut items = vec![function(Some("collaboration".to_owned()), "spawn_agent", task)];
    if !background {
        items.push(wait_agents(AGENT_MS));
    }
    items
}

fn wait_agents(millis: u64) -> Item {
    function(Some("collaboration".to_owned()), "wait_agent", json!({ "timeout_ms": millis }))
}

#[cfg(test)]
mod tests;
