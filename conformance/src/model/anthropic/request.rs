//! Reading a request.

use std::collections::BTreeSet;

use serde_json::Value;

use super::history::{History, result_text};
use crate::model::script::Api;
use crate::model::text;
use crate::model::turn::{SideCall, Turn};

/// Part of a request that decides the response.
#[derive(Debug)]
pub(in crate::model) struct Request {
    pub(in crate::model) turn: Turn,
    pub(super) history: History,
    tools: BTreeSet<String>,
    directory: Option<String>,
}

impl Request {
    pub(in crate::model) fn read(body: &Value) -> Result<Self, String> {
        let model = body["model"].as_str().ok_or("`model` is missing or no text")?.to_owned();
        let messages = body["messages"].as_array().ok_or("`messages` is missing or no list")?;
        let users: Vec<String> = messages.iter().filter_map(written).collect();
        let newest = messages.iter().rposition(|message| written(message).is_some());
        let since = || messages.iter().skip(newest.unwrap_or(0));
        let answered = since().filter(|message| results(message).next().is_some()).count();
        let results = since().flat_map(results).map(|block| result_text(&block["content"])).collect();
        let mut tools: BTreeSet<String> = names(&body["tools"]).collect();
        let side = side_call(body, &users, &tools);
        let notes = || texts(&body["system"]).chain(messages.iter().flat_map(|message| texts(&message["content"])));
        tools.extend(notes().filter(|note| note.contains("ToolSearch")).flat_map(deferred));
        let directory = notes().find_map(working_directory);
        let stream = body["stream"] == true;
        let turn = Turn { api: Api::Anthropic, model, users, answered, results, side, stream };
        Ok(Self { turn, history: History::of(messages), tools, directory })
    }

    /// Returns whether the harness has a tool, at once or on request.
    pub(super) fn offers(&self, tool: &str) -> bool {
        self.tools.contains(tool)
    }

    /// A path as the file tools want it.
    pub(super) fn absolute(&self, path: &str) -> String {
        match &self.directory {
            Some(directory) if !path.starts_with(['/', '~']) => format!("{}/{path}", directory.trim_end_matches('/')),
            _ => path.to_owned(),
        }
    }
}

/// Text of the user in a message; it may come in one of the harness.
fn written(message: &Value) -> Option<String> {
    let texts = || texts(&message["content"]);
    match message["role"].as_str() {
        Some("user") => text::written(texts()),
        Some("system") => texts().find_map(text::steered).map(str::to_owned),
        _ => None,
    }
}

/// Results of tools in a message.
fn results(message: &Value) -> impl Iterator<Item = &Value> {
    let blocks = message["content"].as_array().into_iter().flatten();
    blocks.filter(|block| block["type"] == "tool_result")
}

/// The texts of a message or of the system prompt.
fn texts(content: &Value) -> impl Iterator<Item = &str> {
    let blocks = content.as_array().into_iter().flatten();
    content.as_str().into_iter().chain(blocks.filter_map(|block| block["text"].as_str()))
}

fn names(tools: &Value) -> impl Iterator<Item = String> {
    tools.as_array().into_iter().flatten().filter_map(|tool| tool["name"].as_str().map(str::to_owned))
}

/// Tools that are not described yet stand in a note, one per line.
fn deferred(note: &str) -> impl Iterator<Item = String> {
    let is_name = |line: &&str| {
        !line.is_empty() && line.len() <= 128 && line.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    note.lines().filter(is_name).map(str::to_owned)
}

fn working_directory(note: &str) -> Option<String> {
    let (_, rest) = note.split_once("orking directory: ")?;
    rest.lines().next().map(|line| line.trim_end().to_owned()).filter(|path| path.starts_with('/'))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_harness_adds_is_not_what_the_user_wrote() {
        let body = json!({
            "model": "m", "stream": true, "tools": [{ "name": "Bash" }],
            "messages": [
                { "role": "user", "content": [
                    { "type": "text", "text": "<system-reminder>\nprompt of old\n</system-reminder>" },
                    { "type": "text", "text": "hi" },
                ] },
                { "role": "assistant", "content": [{ "type": "text", "text": "ho" }] },
                { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t", "content": "out" }] },
                { "role": "user", "content": "again" },
            ],
        });
        let request = Request::read(&body).unwrap();
        assert_eq!(request.turn.users, ["hi", "again"]);
        assert_eq!(request.turn.side, None);
        assert!(request.turn.stream);
    }

    #[test]
    fn a_call_without_tools_is_the_harness_s_own() {
        let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }] });
        assert_eq!(Request::read(&body).unwrap().turn.side, Some(SideCall::Text));
        body["output_config"] = json!({ "format": { "schema": { "properties": { "title": {} } } } });
        assert_eq!(Request::read(&body).unwrap().turn.side, Some(SideCall::Title));
    }

    #[test]
    fn tools_on_request_and_the_directory_are_found_in_the_notes() {
        let body = json!({
            "model": "m", "tools": [{ "name": "Bash" }],
            "messages": [
                { "role": "user", "content": "hi" },
                { "role": "system", "content": " - Primary working directory: /w/x\n - Shell: bash" },
                { "role": "system", "content": "Use ToolSearch for\nTodoWrite\nWebFetch\n\nand go on." },
            ],
        });
        let request = Request::read(&body).unwrap();
        assert!(request.offers("TodoWrite") && request.offers("Bash") && !request.offers("TaskCreate"));
        assert_eq!(request.absolute("a/b"), "/w/x/a/b");
        assert_eq!(request.absolute("/a/b"), "/a/b");
    }
}
