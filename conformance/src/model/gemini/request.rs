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
    tools: BTreeSet<String>,
    directory: Option<String>,
}

impl Request {
    /// The model and whether the answer is streamed stand in the path: `/v1beta/models/MODEL:streamGenerateContent`.
    pub(in crate::model) fn read(path: &str, body: &Value) -> Result<Self, String> {
        let (model, method) = path
            .rsplit_once('/')
            .and_then(|(_, last)| last.split_once(':'))
            .ok_or("the path does not end in MODEL:METHOD")?;
        let contents = body["contents"].as_array().ok_or("`contents` is missing or no list")?;
        let users: Vec<String> = contents.iter().filter_map(written).collect();
        let newest = contents.iter().rposition(|content| written(content).is_some());
        let since = || contents.iter().skip(newest.unwrap_or(0));
        let answered = since().filter(|content| results(content).next().is_some()).count();
        let results = since().flat_map(results).map(result_text).collect();
        let tools: BTreeSet<String> = names(&body["tools"]).collect();
        let side = side_call(&users, &tools);
        let notes = || parts(&body["systemInstruction"]).chain(contents.iter().flat_map(parts)).filter_map(said);
        let directory = notes().find_map(working_directory);
        let stream = method.starts_with("stream");
        let turn = Turn { api: Api::Gemini, model: model.to_owned(), users, answered, results, side, stream };
        Ok(Self { turn, tools, directory })
    }

    /// Returns whether the harness has a tool.
    pub(super) fn offers(&self, tool: &str) -> bool {
        self.tools.contains(tool)
    }

    /// Name of an MCP server's tool.
    pub(super) fn mcp(&self, server: &str, tool: &str) -> String {
        let names = [format!("mcp_{server}_{tool}"), format!("{server}__{tool}"), tool.to_owned()];
        let [usual, ..] = &names;
        names.iter().find(|name| self.offers(name)).unwrap_or(usual).clone()
    }

    /// A path as the file tools want it.
    pub(super) fn absolute(&self, path: &str) -> String {
        match &self.directory {
            Some(directory) if !path.starts_with(['/', '~']) => format!("{}/{path}", directory.trim_end_matches('/')),
            _ => path.to_owned(),
        }
    }
}

/// The parts of a message.
fn parts(content: &Value) -> impl Iterator<Item = &Value> {
    content["parts"].as_array().into_iter().flatten()
}

fn said(part: &Value) -> Option<&str> {
    part["text"].as_str()
}

/// Text of the user in a message; it may come in one of the harness.
fn written(content: &Value) -> Option<String> {
    (content["role"] == "user").then(|| text::written(parts(content).filter_map(said)))?
}

/// Results of tools in a message.
fn results(content: &Value) -> impl Iterator<Item = &Value> {
    parts(content).filter_map(|part| part.get("functionResponse"))
}

fn result_text(result: &Value) -> String {
    let response = &result["response"];
    ["output", "error"]
        .iter()
        .find_map(|key| response[*key].as_str())
        .map_or_else(|| response.to_string(), str::to_owned)
}

fn names(tools: &Value) -> impl Iterator<Item = String> {
    let tools = tools.as_array().into_iter().flatten();
    let declared = tools.flat_map(|tool| tool["functionDeclarations"].as_array().into_iter().flatten());
    declared.filter_map(|tool| tool["name"].as_str().map(str::to_owned))
}

/// The first directory of the workspace.
fn working_directory(note: &str) -> Option<String> {
    let (_, rest) = note.split_once("Workspace Directories:")?;
    rest.lines().find_map(|line| line.trim().strip_prefix("- ").filter(|path| path.starts_with('/'))).map(str::to_owned)
}

fn side_call(users: &[String], tools: &BTreeSet<String>) -> Option<SideCall> {
    if text::asks_for_summary(users.last().map(String::as_str)) {
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

    const PATH: &str = "/v1beta/models/gemini-2.5-pro:streamGenerateContent";

    #[test]
    fn the_path_says_the_model_and_the_messages_what_was_said_and_done() {
        let body = json!({
            "contents": [
                { "role": "user", "parts": [{ "text": "<session_context>\n- **Workspace Directories:**\n  - /w\n</session_context>" }] },
                { "role": "user", "parts": [{ "text": "hi" }] },
                { "role": "model", "parts": [{ "functionCall": { "name": "read_file", "args": {} } }] },
                { "role": "user", "parts": [
                    { "functionResponse": { "name": "read_file", "response": { "output": "one" } } },
                    { "functionResponse": { "name": "read_file", "response": { "error": "two" } } },
                ] },
            ],
            "tools": [{ "functionDeclarations": [{ "name": "read_file" }] }],
        });
        let request = Request::read(PATH, &body).unwrap();
        assert_eq!((request.turn.model.as_str(), request.turn.stream), ("gemini-2.5-pro", true));
        assert_eq!(request.turn.users, ["hi"]);
        assert_eq!((request.turn.answered, request.turn.results), (1, vec!["one".to_owned(), "two".to_owned()]));
        assert_eq!(request.turn.side, None);
        assert_eq!(request.directory.as_deref(), Some("/w"));
        Request::read("/v1beta/models/m", &body).unwrap_err();
    }

    #[test]
    fn a_call_without_tools_is_the_harness_s_own() {
        let body = json!({ "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }] });
        assert_eq!(Request::read(PATH, &body).unwrap().turn.side, Some(SideCall::Text));
    }

    #[test]
    fn tools_of_servers_have_the_name_that_is_offered() {
        let with = |name: &str| {
            let tools = json!([{ "functionDeclarations": [{ "name": name }] }]);
            Request::read(PATH, &json!({ "contents": [], "tools": tools })).unwrap().mcp("demo", "ping")
        };
        assert_eq!(with("demo__ping"), "demo__ping");
        assert_eq!(with("ping"), "ping");
        assert_eq!(with("other"), "mcp_demo_ping");
    }
}
