//! Tool calls from their beginning to their end.

use std::collections::BTreeMap;
use std::path::PathBuf;

use acp_types::v1::{
    SessionId, SessionUpdate, Terminal, ToolCall, ToolCallContent, ToolCallStatus, ToolCallUpdate, ToolCallUpdateFields,
};
use serde_json::{Map, Value, json};

use super::shell::Shell;
use super::{edits, view};
use crate::codex::wire::{Delta, Files, Item, McpCall, Status};
use crate::translate::{ClientFeatures, Effects, Timer};

/// Limit of commands that outlived their turn and are still followed.
const BACKGROUND: usize = 64;

/// The tool calls that Codex has not ended.
#[derive(Debug)]
pub(super) struct Calls {
    thread: String,
    cwd: PathBuf,
    /// True if the client shows terminals.
    terminals: bool,
    open: BTreeMap<String, Call>,
    timers: u64,
}

#[derive(Debug)]
struct Call {
    kind: Kind,
    /// True once it ended for the client because its turn is over. Codex may yet say more.
    background: bool,
    /// The thread and the process of a command, to stop it by.
    process: Option<(String, String)>,
    /// The child session that makes it; `None` for the session itself.
    child: Option<SessionId>,
}

#[derive(Debug)]
enum Kind {
    Shell(Shell),
    Edit {
        /// True if the whole texts were shown.
        whole: bool,
        changes: Value,
    },
    Mcp(McpCall),
    Other,
}

/// Who makes a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Maker<'a> {
    /// The thread of the sub-agent; `None` for the session's own.
    pub(super) thread: Option<&'a str>,
    /// The child session that it is.
    pub(super) child: Option<&'a SessionId>,
    /// `_meta` of a call that begins.
    pub(super) meta: Map<String, Value>,
}

/// Progress of tool calls, as far as the turn has to know it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// A call began.
    pub(super) began: bool,
    /// A call ended.
    pub(super) ended: bool,
}

impl Calls {
    /// The calls of a session that works in `cwd`.
    pub(super) fn new(thread: &str, cwd: PathBuf, features: ClientFeatures) -> Self {
        let terminals = features.terminal_output;
        Self { thread: thread.to_owned(), cwd, terminals, open: BTreeMap::new(), timers: 0 }
    }

    /// A tool call begins or ends, in the session's own thread or in that of a sub-agent.
    pub(super) fn item(
        &mut self,
        item: &Item,
        files: &Files,
        done: bool,
        maker: Maker<'_>,
        out: &mut Effects,
    ) -> Progress {
        let (Some(id), Some(view)) = (item.id(), view::view(item, files, done, &self.cwd)) else {
            return Progress::default();
        };
        let thread = maker.thread;
        let mut progress = Progress::default();
        if !self.open.contains_key(id) {
            let mut begun = view.clone();
            if done {
                begun.status = ToolCallStatus::InProgress;
                begun.raw_output = None;
            }
            self.began(item, begun, maker, out);
            progress.began = true;
        }
        // Codex announces a call again once it was allowed to run. That shows nothing.
        if done {
            self.ended(item, view, out);
            progress.ended = true;
        }
        if let Item::CommandExecution(command) = item
            && let (Some(call), Some(process)) = (self.open.get_mut(id), &command.process_id)
        {
            call.process = Some((thread.unwrap_or(&self.thread).to_owned(), process.clone()));
        }
        progress
    }

    fn began(&mut self, item: &Item, mut view: ToolCall, maker: Maker<'_>, out: &mut Effects) {
        let Maker { mut meta, child, .. } = maker;
        let kind = match item {
            Item::CommandExecution(command) => {
                if self.terminals {
                    let info = json!({ "terminal_id": command.id, "cwd": command.cwd });
                    meta.insert("terminal_info".into(), info);
                    view = view.content(vec![ToolCallContent::Terminal(Terminal::new(command.id.clone()))]);
                }
                Kind::Shell(Shell::new(self.timer(), self.terminals, &command.cwd))
            }
            Item::FileChange { changes, .. } => {
                Kind::Edit { whole: !is_partial(&view.content), changes: edits::raw(changes) }
            }
            Item::McpToolCall(call) => Kind::Mcp(call.clone()),
            _ => Kind::Other,
        };
        self.open.insert(
            view.tool_call_id.0.to_string(),
            Call { kind, background: false, process: None, child: child.cloned() },
        );
        out.update_of(child, SessionUpdate::ToolCall(if meta.is_empty() { view } else { view.meta(meta) }));
    }

    fn ended(&mut self, item: &Item, view: ToolCall, out: &mut Effects) {
        let Some(call) = self.open.remove(&*view.tool_call_id.0) else { return };
        let status = if view.status == ToolCallStatus::InProgress { ToolCallStatus::Completed } else { view.status };
        let mut fields = ToolCallUpdateFields::new().status(status).raw_output(view.raw_output);
        let mut meta = Map::new();
        match (call.kind, item) {
            (Kind::Shell(mut shell), Item::CommandExecution(command)) => {
                (fields, meta) = out.within(call.child.as_ref(), |out| shell.end(command, fields, out));
            }
            (Kind::Edit { whole, .. }, Item::FileChange { status, .. }) => {
                // The texts from before the change may be better than those that are left to see after it.
                if *status == Status::Completed && (!whole || !is_partial(&view.content)) {
                    fields = fields.content(view.content).locations(view.locations);
                }
            }
            _ => {
                fields = fields.title(view.title).content(view.content).locations(view.locations);
            }
        }
        let update = ToolCallUpdate::new(view.tool_call_id, fields);
        let update = if meta.is_empty() { update } else { update.meta(meta) };
        out.update_of(call.child.as_ref(), SessionUpdate::ToolCallUpdate(update));
    }

    /// A command prints something.
    pub(super) fn output(&mut self, delta: &Delta, out: &mut Effects) {
        if let Some((shell, child)) = self.shell(&delta.item_id)
            && !delta.delta.is_empty()
        {
            out.within(child, |out| shell.push(&delta.item_id, &delta.delta, out));
        }
    }

    /// The first output of a command, as the model was told of it.
    pub(super) fn printed_first(&mut self, id: &str, printed: &str, out: &mut Effects) {
        if let Some((shell, child)) = self.shell(id) {
            out.within(child, |out| shell.printed_first(id, printed, out));
        }
    }

    /// A timer of a command has run out.
    pub(super) fn output_due(&mut self, timer: Timer, out: &mut Effects) {
        let due = self.open.iter_mut().find_map(|(id, call)| match &mut call.kind {
            Kind::Shell(shell) if shell.is_timed_by(timer) => Some((id, shell, call.child.as_ref())),
            _ => None,
        });
        if let Some((id, shell, child)) = due {
            out.within(child, |out| shell.due(id, out));
        }
    }

    /// A command, and the child session that runs it.
    fn shell(&mut self, id: &str) -> Option<(&mut Shell, Option<&SessionId>)> {
        let call = self.open.get_mut(id)?;
        match &mut call.kind {
            Kind::Shell(shell) => Some((shell, call.child.as_ref())),
            _ => None,
        }
    }

    /// True while a call is open for the client.
    pub(super) fn is_open(&self, id: &str) -> bool {
        self.open.get(id).is_some_and(|call| !call.background)
    }

    /// The changes that a call is to make to files.
    pub(super) fn changes(&self, id: &str) -> Option<&Value> {
        match &self.open.get(id)?.kind {
            Kind::Edit { changes, .. } => Some(changes),
            _ => None,
        }
    }

    /// The open call of an MCP server's tool: of two calls of one tool the one with these arguments.
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

    /// Leaves the end of a call to somebody else.
    pub(super) fn forget(&mut self, id: &str) {
        self.open.remove(id);
    }

    /// True while a command runs, in the background or not.
    pub(super) fn runs_command(&self) -> bool {
        self.open.values().any(|call| matches!(call.kind, Kind::Shell(_)))
    }

    fn timer(&mut self) -> Timer {
        self.timers += 1;
        Timer(self.timers)
    }

    /// Ends all calls for the client, because their turn is over, but not those of child sessions that work. Commands may go
    /// on in the background after a turn that ended well.
    pub(super) fn end_turn(&mut self, goes_on: bool, works: impl Fn(&SessionId) -> bool, out: &mut Effects) {
        self.end(goes_on, |call| !call.child.as_ref().is_some_and(&works), out);
        let keeps = |call: &Call| matches!(call.kind, Kind::Shell(_)) || call.child.as_ref().is_some_and(&works);
        self.open.retain(|_, call| keeps(call));
        while self.open.len() > BACKGROUND {
            self.open.pop_first();
        }
    }

    /// Ends the calls of a child session for the client, because its turn is over.
    pub(super) fn end_child(&mut self, child: &SessionId, goes_on: bool, out: &mut Effects) {
        let of_child = |call: &Call| call.child.as_ref() == Some(child);
        self.end(goes_on, of_child, out);
        self.open.retain(|_, call| !of_child(call) || matches!(call.kind, Kind::Shell(_)));
    }

    fn end(&mut self, goes_on: bool, these: impl Fn(&Call) -> bool, out: &mut Effects) {
        for (id, call) in self.open.iter_mut().filter(|(_, call)| !call.background && these(call)) {
            let shell = matches!(call.kind, Kind::Shell(_));
            if let Kind::Shell(shell) = &mut call.kind {
                out.within(call.child.as_ref(), |out| shell.flush(id, out));
            }
            let status = if goes_on && shell { ToolCallStatus::Completed } else { ToolCallStatus::Failed };
            let update = ToolCallUpdate::new(id.clone(), ToolCallUpdateFields::new().status(status));
            let mut meta = background();
            meta.insert("asyncTaskId".to_owned(), id.as_str().into());
            let update = if goes_on && shell { update.meta(meta) } else { update };
            out.update_of(call.child.as_ref(), SessionUpdate::ToolCallUpdate(update));
            call.background = true;
        }
    }

    /// Ends all calls for good.
    pub(super) fn close(&mut self, out: &mut Effects) {
        self.end(false, |_| true, out);
        self.open.clear();
    }
}

fn is_partial(content: &[ToolCallContent]) -> bool {
    content.iter().any(|content| match content {
        ToolCallContent::Diff(diff) => diff.meta.as_ref().is_some_and(|meta| meta.contains_key("partial")),
        _ => false,
    })
}

/// Mark of a call that goes on after its turn.
pub(super) fn background() -> Map<String, Value> {
    Map::from_iter([("background".to_owned(), true.into())])
}
