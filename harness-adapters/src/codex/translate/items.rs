//! Tool calls from their beginning to their end.

use std::collections::BTreeMap;

use acp_types::v1::{SessionUpdate, ToolCall, ToolCallContent, ToolCallStatus, ToolCallUpdate, ToolCallUpdateFields};
use serde_json::{Map, Value, json};

use super::shell::Shell;
use super::{Place, Translator, edits, view};
use crate::codex::wire::{Files, Item, McpCall, Status};
use crate::translate::{Effects, Timer};

/// Commands that outlived their turn and are still listened to.
const BACKGROUND: usize = 64;

/// The tool calls that Codex has not ended.
#[derive(Debug, Default)]
pub(super) struct Items {
    open: BTreeMap<String, Call>,
    timers: u64,
}

#[derive(Debug)]
pub(super) struct Call {
    kind: Kind,
    /// Ended for the client, because its turn is over; Codex may yet say more.
    background: bool,
    /// The thread and the process of a command, to stop it by.
    process: Option<(String, String)>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Shell(Shell),
    /// Whether the whole texts were shown.
    Edit {
        whole: bool,
        changes: Value,
    },
    /// A call of an MCP server's tool.
    Mcp(McpCall),
    Other,
}

impl Items {
    pub(super) fn kind(&mut self, id: &str) -> Option<&mut Kind> {
        self.open.get_mut(id).map(|call| &mut call.kind)
    }

    pub(super) fn shell_of(&mut self, timer: Timer) -> Option<(&str, &mut Shell)> {
        self.open.iter_mut().find_map(|(id, call)| match &mut call.kind {
            Kind::Shell(shell) if shell.is_timed_by(timer) => Some((id.as_str(), shell)),
            _ => None,
        })
    }

    pub(super) fn is_open(&self, id: &str) -> bool {
        self.open.get(id).is_some_and(|call| !call.background)
    }

    /// What a change of files is to do, for whoever is asked about it.
    pub(super) fn changes(&self, id: &str) -> Option<&Value> {
        match &self.open.get(id)?.kind {
            Kind::Edit { changes, .. } => Some(changes),
            _ => None,
        }
    }

    /// The call that an MCP server's tool may be asked about: of two calls of one tool the one with these arguments.
    pub(super) fn waiting_mcp(&self, server: &str, tool: &str, arguments: Option<&Value>) -> Option<&McpCall> {
        self.open.values().filter(|call| !call.background).find_map(|call| match &call.kind {
            Kind::Mcp(of) if of.server == server && of.tool == tool => {
                arguments.is_none_or(|arguments| of.arguments == *arguments).then_some(of)
            }
            _ => None,
        })
    }

    /// The thread and the process of a command that runs.
    pub(super) fn process(&self, id: &str) -> Option<(String, String)> {
        self.open.get(id)?.process.clone()
    }

    fn learn_process(&mut self, id: &str, thread: &str, process: Option<&String>) {
        if let (Some(call), Some(process)) = (self.open.get_mut(id), process) {
            call.process = Some((thread.to_owned(), process.clone()));
        }
    }

    /// Somebody else takes care of its end.
    pub(super) fn forget(&mut self, id: &str) {
        self.open.remove(id);
    }

    pub(super) fn runs_command(&self) -> bool {
        self.open.values().any(|call| matches!(call.kind, Kind::Shell(_)))
    }

    fn timer(&mut self) -> Timer {
        self.timers += 1;
        Timer(self.timers)
    }

    /// The turn is over: nothing stays open for the client. Commands may go on in the background after a turn that was
    /// not stopped.
    pub(super) fn end_turn(&mut self, goes_on: bool, out: &mut Effects) {
        for (id, call) in self.open.iter_mut().filter(|(_, call)| !call.background) {
            let shell = matches!(call.kind, Kind::Shell(_));
            if let Kind::Shell(shell) = &mut call.kind {
                shell.flush(id, out);
            }
            let status = if goes_on && shell { ToolCallStatus::Completed } else { ToolCallStatus::Failed };
            let update = ToolCallUpdate::new(id.clone(), ToolCallUpdateFields::new().status(status));
            let mut meta = background();
            meta.insert("asyncTaskId".to_owned(), id.as_str().into());
            let update = if goes_on && shell { update.meta(meta) } else { update };
            out.update(SessionUpdate::ToolCallUpdate(update));
            call.background = true;
        }
        self.open.retain(|_, call| matches!(call.kind, Kind::Shell(_)));
        while self.open.len() > BACKGROUND {
            self.open.pop_first();
        }
    }

    /// Nothing more will be heard of any.
    pub(super) fn close_all(&mut self, out: &mut Effects) {
        self.end_turn(false, out);
        self.open.clear();
    }
}

impl Translator {
    /// An item begins or ends.
    pub(super) fn item(&mut self, item: &Item, files: &Files, done: bool, place: &Place, out: &mut Effects) {
        match item {
            Item::UserMessage { id, content } => {
                if done && place.child.is_none() {
                    self.user_said(id, content, out);
                }
            }
            Item::AgentMessage { .. } | Item::Plan { .. } | Item::Reasoning { .. } => match &place.child {
                Some(child) if done => self.child_said(child, item, out),
                None if done => self.text_completed(item, place, out),
                _ => {}
            },
            Item::ContextCompaction { id } => self.compaction(id, done, out),
            Item::CollabAgentToolCall { .. } | Item::SubAgentActivity { .. } => self.agent(item, done, place, out),
            _ => self.tool(item, files, done, place, out),
        }
    }

    /// A tool call begins or ends.
    pub(super) fn tool(&mut self, item: &Item, files: &Files, done: bool, place: &Place, out: &mut Effects) {
        let (Some(id), Some(view)) = (item.id(), view::view(item, files, done, &self.setup.cwd)) else { return };
        match (self.items.open.contains_key(id), done) {
            // The same again, once it was allowed to run.
            (true, false) => {}
            (true, true) => self.tool_ended(item, view, out),
            (false, false) => self.tool_began(item, view, place, out),
            (false, true) => {
                let mut begun = view.clone();
                begun.status = ToolCallStatus::InProgress;
                begun.raw_output = None;
                self.tool_began(item, begun, place, out);
                self.tool_ended(item, view, out);
            }
        }
        if let Item::CommandExecution(command) = item {
            let thread = place.child.as_ref().unwrap_or(&self.setup.thread);
            self.items.learn_process(id, thread, command.process_id.as_ref());
        }
    }

    fn tool_began(&mut self, item: &Item, view: ToolCall, place: &Place, out: &mut Effects) {
        self.contents.taken = true;
        let mut meta = self.agents.meta(place.child.as_deref());
        let kind = match item {
            Item::CommandExecution(command) => {
                let terminal = self.setup.features.terminal_output;
                if terminal {
                    let info = json!({ "terminal_id": command.id, "cwd": command.cwd });
                    meta.insert("terminal_info".into(), info);
                }
                Kind::Shell(Shell::new(self.items.timer(), terminal, &command.cwd))
            }
            Item::FileChange { changes, .. } => {
                Kind::Edit { whole: !is_partial(&view.content), changes: edits::raw(changes) }
            }
            Item::McpToolCall(call) => Kind::Mcp(call.clone()),
            _ => Kind::Other,
        };
        let view = match item {
            Item::CommandExecution(command) if self.setup.features.terminal_output => {
                let terminal = acp_types::v1::Terminal::new(command.id.clone());
                view.content(vec![ToolCallContent::Terminal(terminal)])
            }
            _ => view,
        };
        self.items.open.insert(view.tool_call_id.0.to_string(), Call { kind, background: false, process: None });
        out.update(SessionUpdate::ToolCall(if meta.is_empty() { view } else { view.meta(meta) }));
    }

    fn tool_ended(&mut self, item: &Item, view: ToolCall, out: &mut Effects) {
        let Some(call) = self.items.open.remove(&*view.tool_call_id.0) else { return };
        let status = if view.status == ToolCallStatus::InProgress { ToolCallStatus::Completed } else { view.status };
        let mut fields = ToolCallUpdateFields::new().status(status).raw_output(view.raw_output);
        let mut meta = Map::new();
        match (call.kind, item) {
            (Kind::Shell(mut shell), Item::CommandExecution(command)) => {
                (fields, meta) = shell.end(command, fields, out);
            }
            (Kind::Edit { whole, .. }, Item::FileChange { status, .. }) => {
                // What was shown may be better than what is left to see now.
                if *status == Status::Completed && (!whole || !is_partial(&view.content)) {
                    fields = fields.content(view.content).locations(view.locations);
                }
            }
            _ => {
                fields = fields.title(view.title).content(view.content).locations(view.locations);
            }
        }
        let update = ToolCallUpdate::new(view.tool_call_id, fields);
        out.update(SessionUpdate::ToolCallUpdate(if meta.is_empty() { update } else { update.meta(meta) }));
        self.settle(out);
    }
}

fn is_partial(content: &[ToolCallContent]) -> bool {
    content.iter().any(|content| match content {
        ToolCallContent::Diff(diff) => diff.meta.as_ref().is_some_and(|meta| meta.contains_key("partial")),
        _ => false,
    })
}

/// Marks a call whose command goes on after its turn.
pub(super) fn background() -> Map<String, Value> {
    Map::from_iter([("background".to_owned(), true.into())])
}
