//! Items as tool calls, complete at any time.

use std::path::Path;

use acp_types::v1::{self, ContentBlock, ToolCall, ToolCallContent, ToolCallLocation, ToolCallStatus, ToolKind};
use serde_json::{Value, json};

use super::edits;
use super::shell::text;
use super::words;
use crate::codex::wire::{AgentTool, Command, CommandAction, Files, Item, McpCall, Status};

/// A prompt of a sub-agent in a title is cut off after this many characters.
const PROMPT: usize = 60;

/// An item as a tool call, without the output of commands. `None` for an item that is no tool call.
pub(super) fn view(item: &Item, files: &Files, done: bool, cwd: &Path) -> Option<ToolCall> {
    let call = match item {
        Item::CommandExecution(command) => self::command(command),
        Item::FileChange { id, changes, status } => {
            let edits = edits::edits(changes, files, done && *status == Status::Completed, cwd);
            new(id, edits.title, ToolKind::Edit, *status)
                .name("apply_patch".to_owned())
                .content(edits.content)
                .locations(edits.locations)
                .raw_input(json!({ "changes": edits::raw(changes) }))
        }
        Item::McpToolCall(call) => mcp(call),
        Item::DynamicToolCall { id, tool, arguments, status, content_items } => {
            let call = new(id, tool.clone(), ToolKind::Other, *status).name(tool.clone()).raw_input(arguments.clone());
            if content_items.is_null() { call } else { call.raw_output(content_items.clone()) }
        }
        Item::CollabAgentToolCall { id, tool, status, prompt, .. } => agent(id, *tool, *status, prompt.as_deref()),
        Item::SubAgentActivity { id, agent_path, .. } => {
            let name = agent_path.rsplit('/').next().unwrap_or_default();
            new(id, format!("Agent {name}"), ToolKind::Think, Status::InProgress).name("spawn_agent".to_owned())
        }
        Item::WebSearch { id, query, action } => {
            let title = action.get("url").and_then(Value::as_str).map_or_else(
                || if query.is_empty() { "Search the web".to_owned() } else { format!("Search the web for {query}") },
                |url| format!("Open {url}"),
            );
            let call = new(id, title, ToolKind::Fetch, finished(done)).name("web_search".to_owned());
            call.raw_input(json!({ "query": query, "action": action }))
        }
        Item::ImageView { id, path } => {
            let link = v1::ResourceLink::new(path.clone(), format!("file://{path}"));
            new(id, format!("View {path}"), ToolKind::Read, finished(done))
                .name("view_image".to_owned())
                .locations(vec![ToolCallLocation::new(path)])
                .content(vec![block(ContentBlock::ResourceLink(link))])
                .raw_input(json!({ "path": path }))
        }
        Item::ImageGeneration(image) => {
            let failed = image.status == "failed";
            let status = if failed { Status::Failed } else { finished(done) };
            let mut content = Vec::new();
            if let Some(data) = image.result.as_deref().filter(|data| !data.is_empty()) {
                content.push(block(ContentBlock::Image(v1::ImageContent::new(data, "image/png"))));
            }
            let call = new(&image.id, "Generate an image".to_owned(), ToolKind::Other, status)
                .name("image_generation".to_owned())
                .content(content)
                .locations(image.saved_path.iter().map(ToolCallLocation::new).collect::<Vec<_>>());
            call.raw_input(json!({ "prompt": image.revised_prompt }))
        }
        Item::Sleep { id, duration_ms } => {
            let title = format!("Wait {:.1} s", *duration_ms as f64 / 1000.0);
            new(id, title, ToolKind::Think, finished(done)).name("sleep".to_owned())
        }
        _ => return None,
    };
    Some(call)
}

fn new(id: &str, title: String, kind: ToolKind, status: Status) -> ToolCall {
    ToolCall::new(id.to_owned(), title).kind(kind).status(self::status(status))
}

fn finished(done: bool) -> Status {
    if done { Status::Completed } else { Status::InProgress }
}

/// A status for the client.
fn status(status: Status) -> ToolCallStatus {
    match status {
        Status::InProgress | Status::Other => ToolCallStatus::InProgress,
        Status::Completed => ToolCallStatus::Completed,
        Status::Failed | Status::Declined | Status::Interrupted => ToolCallStatus::Failed,
    }
}

fn command(command: &Command) -> ToolCall {
    let title = words::unwrapped(&command.command).into_owned();
    // What Codex makes of a command is a guess, good enough for an icon and for links, never for what runs.
    let (kind, paths) = purpose(&command.command_actions);
    let cwd = Path::new(&command.cwd);
    let call = new(&command.id, title.clone(), kind, command.status)
        .name("exec_command".to_owned())
        .locations(paths.iter().map(|path| ToolCallLocation::new(cwd.join(path))).collect::<Vec<_>>())
        .raw_input(json!({ "command": title, "cwd": command.cwd }));
    match command.status {
        Status::InProgress => call,
        Status::Declined => call.raw_output(json!({ "declined": true })),
        _ => call.raw_output(json!({ "exitCode": command.exit_code })),
    }
}

fn purpose(actions: &[CommandAction]) -> (ToolKind, Vec<&str>) {
    let mut kinds = actions.iter().map(|action| match action {
        CommandAction::Read { path, .. } => (ToolKind::Read, Some(path.as_str())),
        CommandAction::ListFiles { path, .. } | CommandAction::Search { path, .. } => {
            (ToolKind::Search, path.as_deref())
        }
        _ => (ToolKind::Execute, None),
    });
    let Some((first, path)) = kinds.next() else { return (ToolKind::Execute, Vec::new()) };
    let mut paths: Vec<&str> = path.into_iter().collect();
    for (kind, path) in kinds {
        if kind != first {
            return (ToolKind::Execute, Vec::new());
        }
        paths.extend(path);
    }
    (first, paths)
}

fn mcp(call: &McpCall) -> ToolCall {
    let view = new(&call.id, format!("{}.{}", call.server, call.tool), ToolKind::Other, call.status)
        .name(call.tool.clone())
        .raw_input(json!({ "server": call.server, "tool": call.tool, "arguments": call.arguments }));
    let view = match &call.result {
        Some(result) => {
            let content = result
                .content
                .iter()
                .map(|part| serde_json::from_value(part.clone()).map_or_else(|_| text(&part.to_string()), block));
            let view = view.content(content.collect::<Vec<_>>());
            match &result.structured_content {
                Some(structured) if !structured.is_null() => view.raw_output(structured.clone()),
                _ => view,
            }
        }
        None => view,
    };
    match &call.error {
        Some(error) => view.content(vec![text(&error.message)]),
        None => view,
    }
}

fn agent(id: &str, tool: AgentTool, status: Status, prompt: Option<&str>) -> ToolCall {
    let (name, title) = match tool {
        AgentTool::SpawnAgent => ("spawn_agent", "Agent"),
        AgentTool::SendInput | AgentTool::SendMessage | AgentTool::FollowupTask => ("send_input", "Message to agent"),
        AgentTool::Wait => ("wait_agent", "Wait for agents"),
        AgentTool::CloseAgent | AgentTool::InterruptAgent => ("close_agent", "Stop agent"),
        AgentTool::ResumeAgent => ("resume_agent", "Resume agent"),
        AgentTool::ListAgents => ("list_agents", "List agents"),
        AgentTool::Other => ("agent", "Agents"),
    };
    let mut title = title.to_owned();
    if let Some(line) = prompt.and_then(|prompt| prompt.lines().next()).filter(|line| !line.is_empty()) {
        let short: String = line.chars().take(PROMPT).collect();
        title = format!("{title}: {short}{}", if short.len() < line.len() { "…" } else { "" });
    }
    let call = new(id, title, ToolKind::Think, status).name(name.to_owned());
    if prompt.is_some() { call.raw_input(json!({ "prompt": prompt })) } else { call }
}

fn block(block: ContentBlock) -> ToolCallContent {
    ToolCallContent::Content(v1::Content::new(block))
}
