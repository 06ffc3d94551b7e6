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
    /// The names of the tools that the harness offers.
    pub(super) tools: BTreeSet<String>,
}

impl Request {
    pub(in crate::model) fn read(body: &Value) -> Result<Self, String> {
        let model = body["model"].as_str().ok_or("`model` is missing or no text")?.to_owned();
        let messages = body["messages"].as_array().ok_or("`messages` is missing or no list")?;
        let mut users = Vec::new();
        for message in messages {
            if message["role"] == "user" {
                users.extend(user_text(&message["content"]));
            }
        }
        let tools = body["tools"].as_array().into_iter().flatten();
        let tools: BTreeSet<String> = tools.filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect();
        let side = side_call(body, &users, &tools);
        let stream = body["stream"] == true;
        Ok(Self { turn: Turn { api: Api::Anthropic, model, users, side, stream }, tools })
    }
}

fn user_text(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => text::written(std::iter::once(text.as_str())),
        Value::Array(blocks) => text::written(blocks.iter().filter_map(|block| block["text"].as_str())),
        _ => None,
    }
}

fn side_call(body: &Value, users: &[String], tools: &BTreeSet<String>) -> Option<SideCall> {
    let schema = body.pointer("/output_config/format/schema").or_else(|| body.pointer("/output_format/schema"));
    if schema.is_some_and(|schema| schema["properties"].get("title").is_some()) {
        Some(SideCall::Title)
    } else if text::asks_for_summary(users.last().map(String::as_str)) {
        Some(SideCall::Summary)
    } else if tools.is_empty() {
        Some(SideCall::Text)
    } else {
        None
    }
}
