//! Reading a request.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::script::Api;
use crate::model::text;
use crate::model::turn::{SideCall, Turn};

/// Part of a request that decides the response.
#[derive(Debug)]
pub(in crate::model) struct Request {
    pub(in crate::model) turn: Turn,
    pub(super) tools: Tools,
    /// The sub-agents that were started in this conversation.
    pub(super) agents: Vec<String>,
}

/// The tools that the harness offers for this model.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// `exec_command`, `apply_patch`, `multi_agent_v1.spawn_agent` …
    names: BTreeSet<String>,
}

impl Tools {
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Returns whether the model reaches most tools only by running a script.
    pub(super) fn code_mode(&self) -> bool {
        self.has("functions.exec") || (self.has("exec") && !self.has("exec_command"))
    }

    fn add(&mut self, prefix: &str, tools: &Value) {
        for tool in tools.as_array().into_iter().flatten() {
            let name = tool["name"].as_str().or(tool["type"].as_str()).unwrap_or_default();
            if tool["type"] == "namespace" {
                // Namespaces hold functions, never namespaces.
                if prefix.is_empty() {
                    self.add(&format!("{name}."), &tool["tools"]);
                }
            } else {
                self.names.insert(format!("{prefix}{name}"));
            }
        }
    }
}

impl Request {
    pub(in crate::model) fn read(body: &Value) -> Result<Self, String> {
        let model = body["model"].as_str().ok_or("`model` is missing or no text")?.to_owned();
        let mut tools = Tools::default();
        tools.add("", &body["tools"]);
        let mut users = Vec::new();
        let mut agents = Vec::new();
        let (mut answered, mut in_results) = (0, false);
        let mut results = Vec::new();
        match &body["input"] {
            Value::String(text) => users.push(text.clone()),
            Value::Array(items) => {
                for item in items {
                    if item["type"] == "additional_tools" {
                        tools.add("", &item["tools"]);
                    }
                    let mut said = None;
                    if item["role"] == "user" {
                        said = user_text(&item["content"]);
                    }
                    if item["type"] == "agent_message" {
                        said = task(&item["content"]);
                    }
                    if let Some(said) = said {
                        users.push(said);
                        answered = 0;
                        results.clear();
                    }
                    // The results of one response stand together.
                    let is_result = item["type"].as_str().is_some_and(|kind| kind.ends_with("_call_output"));
                    answered += usize::from(is_result && !in_results);
                    in_results = is_result;
                    if is_result {
                        results.push(result_text(&item["output"]));
                    }
                    if item["type"] == "function_call_output" {
                        agents.extend(agent_id(&item["output"]));
                    }
                }
            }
            _ => return Err("`input` is missing, or neither a text nor a list".to_owned()),
        }
        let side = side_call(body, &users);
        let stream = body["stream"] == true;
        Ok(Self { turn: Turn { api: Api::OpenAi, model, users, answered, results, side, stream }, tools, agents })
    }
}

fn user_text(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => text::written(std::iter::once(text.as_str())),
        Value::Array(blocks) => text::written(blocks.iter().filter_map(|block| block["text"].as_str())),
        _ => None,
    }
}

fn result_text(output: &Value) -> String {
    match output {
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The task from another agent, which for a sub-agent is what a user's message is for others.
fn task(content: &Value) -> Option<String> {
    let blocks = content.as_array()?;
    let text: String =
        blocks.iter().filter_map(|block| block["text"].as_str().or(block["encrypted_content"].as_str())).collect();
    let (head, payload) = text.split_once("Payload:\n")?;
    (!head.contains("FINAL_ANSWER")).then(|| payload.to_owned())
}

/// The id in what `spawn_agent` gave back.
fn agent_id(output: &Value) -> Option<String> {
    let output: Value = serde_json::from_str(output.as_str()?).ok()?;
    output["agent_id"].as_str().map(str::to_owned)
}

fn side_call(body: &Value, users: &[String]) -> Option<SideCall> {
    let fields = &body["text"]["format"]["schema"]["properties"];
    if fields.get("outcome").is_some() {
        Some(SideCall::Review)
    } else if fields.get("title").is_some() {
        Some(SideCall::Title)
    } else if text::asks_for_summary(users.last().map(String::as_str)) {
        Some(SideCall::Summary)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(text: &str) -> Value {
        json!({ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": text }] })
    }

    #[test]
    fn what_the_harness_adds_is_not_what_the_user_wrote() {
        let body = json!({
            "model": "m", "stream": true,
            "input": [
                { "type": "message", "role": "developer", "content": [{ "type": "input_text", "text": "Be good." }] },
                message("<environment_context>\n  <cwd>/w</cwd>\n</environment_context>"),
                message("hi"),
                { "type": "function_call_output", "call_id": "c", "output": "out" },
            ],
        });
        let request = Request::read(&body).unwrap();
        assert_eq!(request.turn.users, ["hi"]);
        assert_eq!(request.turn.side, None);
    }

    #[test]
    fn tools_have_the_names_of_their_namespace() {
        let body = json!({
            "model": "m",
            "tools": [{ "type": "function", "name": "exec_command" }, { "type": "web_search" }],
            "input": [{ "type": "additional_tools", "role": "developer", "tools": [
                { "type": "namespace", "name": "collaboration", "tools": [{ "type": "function", "name": "spawn_agent" }] },
            ] }],
        });
        let tools = Request::read(&body).unwrap().tools;
        assert!(tools.has("exec_command") && tools.has("web_search") && tools.has("collaboration.spawn_agent"));
        assert!(!tools.has("spawn_agent") && !tools.code_mode());
    }

    #[test]
    fn a_sub_agent_s_task_is_its_prompt_and_an_answer_is_not() {
        let agent_message = |kind: &str| {
            json!({ "type": "agent_message", "content": [
                { "type": "input_text", "text": format!("Message Type: {kind}\nSender: /root\nPayload:\n") },
                { "type": "encrypted_content", "encrypted_content": "child work" },
            ] })
        };
        let body = json!({ "model": "m", "input": [agent_message("NEW_TASK"), agent_message("FINAL_ANSWER")] });
        assert_eq!(Request::read(&body).unwrap().turn.users, ["child work"]);
    }

    #[test]
    fn structured_answers_and_summaries_are_the_harness_s_own() {
        let schema = |field: &str| json!({ "format": { "schema": { "properties": { field: {} } } } });
        let side = |body: Value| Request::read(&body).unwrap().turn.side;
        assert_eq!(side(json!({ "model": "m", "input": "x", "text": schema("outcome") })), Some(SideCall::Review));
        assert_eq!(side(json!({ "model": "m", "input": "x", "text": schema("title") })), Some(SideCall::Title));
        assert_eq!(side(json!({ "model": "m", "input": "x", "text": schema("color") })), None);
        let compact = "You are performing a CONTEXT CHECKPOINT COMPACTION. Create a handoff summary.";
        assert_eq!(side(json!({ "model": "m", "input": [message("hi"), message(compact)] })), Some(SideCall::Summary));
    }
}
