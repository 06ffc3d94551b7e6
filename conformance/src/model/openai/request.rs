//! Reading a request.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::script::Api;
use crate::model::text;
use crate::model::turn::{SideCall, Turn};

/// What of a request decides the response.
#[derive(Debug)]
pub(in crate::model) struct Request {
    pub(in crate::model) turn: Turn,
    pub(super) tools: Tools,
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

    /// Whether the model reaches most tools only by running a script.
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
        match &body["input"] {
            Value::String(text) => users.push(text.clone()),
            Value::Array(items) => {
                for item in items {
                    if item["type"] == "additional_tools" {
                        tools.add("", &item["tools"]);
                    }
                    if item["role"] == "user" {
                        users.extend(user_text(&item["content"]));
                    }
                }
            }
            _ => return Err("`input` is missing, or neither a text nor a list".to_owned()),
        }
        let side = side_call(body, &users);
        let stream = body["stream"] == true;
        Ok(Self { turn: Turn { api: Api::OpenAi, model, users, side, stream }, tools })
    }
}

fn user_text(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => text::written(std::iter::once(text.as_str())),
        Value::Array(blocks) => text::written(blocks.iter().filter_map(|block| block["text"].as_str())),
        _ => None,
    }
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
