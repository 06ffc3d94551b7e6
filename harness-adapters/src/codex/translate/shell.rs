//! The output of commands: live as far as it comes, and complete and in order at the end.

use std::time::Duration;

use acp_types::v1::{self, SessionUpdate, ToolCallContent, ToolCallUpdate, ToolCallUpdateFields};
use serde_json::{Map, Value, json};

use super::Translator;
use super::items::Kind;
use super::output::{self, Output};
use crate::codex::wire::{Command, Delta};
use crate::translate::{Effect, Effects, Timer};

/// How long the first output of a command is held back for a client whose terminals only grow: what comes first is often
/// missing, and commands that end meanwhile need no repair.
const HOLD: Duration = Duration::from_millis(500);
/// How often output is told of as a whole.
const REFRESH: Duration = Duration::from_millis(250);

/// A command's output.
#[derive(Debug)]
pub(super) struct Shell {
    streamed: Output,
    /// Not shown yet.
    pending: String,
    timer: Timer,
    state: Streaming,
    /// Whether it goes into a terminal that only grows, rather than being told of as a whole.
    terminal: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Streaming {
    Quiet,
    /// The timer runs.
    Held,
    /// What comes is shown at once.
    Live,
}

impl Shell {
    pub(super) fn new(timer: Timer, terminal: bool) -> Self {
        Self { streamed: Output::default(), pending: String::new(), timer, state: Streaming::Quiet, terminal }
    }

    pub(super) fn is_timed_by(&self, timer: Timer) -> bool {
        self.timer == timer
    }

    fn push(&mut self, id: &str, text: &str, out: &mut Effects) {
        self.streamed.push(text);
        if self.state == Streaming::Live {
            return out.update(grown(id, text));
        }
        if self.terminal {
            self.pending.push_str(text);
        }
        if self.state == Streaming::Quiet {
            self.state = Streaming::Held;
            let after = if self.terminal { HOLD } else { REFRESH };
            out.push(Effect::Arm { timer: self.timer, after });
        }
    }

    fn due(&mut self, id: &str, out: &mut Effects) {
        if self.terminal {
            self.state = Streaming::Live;
            return out.update(grown(id, &std::mem::take(&mut self.pending)));
        }
        self.state = Streaming::Quiet;
        let fields = ToolCallUpdateFields::new().content(vec![text(&self.streamed.glimpse())]);
        out.update(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(id.to_owned(), fields)));
    }

    /// The last words: what the update of the end has to hold besides the status.
    pub(super) fn end(
        &mut self,
        command: &Command,
        fields: ToolCallUpdateFields,
        out: &mut Effects,
    ) -> (ToolCallUpdateFields, Map<String, Value>) {
        if self.state == Streaming::Held {
            out.push(Effect::Disarm(self.timer));
        }
        let whole = output::reconciled(&self.streamed, command.aggregated_output.as_deref());
        if !self.terminal {
            let fields = if whole.is_empty() { fields } else { fields.content(vec![text(&whole)]) };
            return (fields, Map::new());
        }
        let mut meta = Map::new();
        let id = &command.id;
        let shown = std::mem::take(&mut self.streamed);
        let rest = if self.state == Streaming::Live { shown.rest_of(&whole) } else { Some(whole.as_str()) };
        let (terminal, data, fields) = match rest {
            Some(rest) => (id.clone(), rest, fields),
            None => {
                // What stands in the terminal is not what was printed, and it cannot be taken back: another terminal
                // takes its place.
                let terminal = format!("{id}/complete");
                meta.insert("terminal_info".into(), json!({ "terminal_id": terminal, "cwd": command.cwd }));
                let content = ToolCallContent::Terminal(v1::Terminal::new(terminal.clone()));
                (terminal, whole.as_str(), fields.content(vec![content]))
            }
        };
        if !data.is_empty() {
            meta.insert("terminal_output".into(), json!({ "terminal_id": terminal, "data": data }));
        }
        let exit = json!({ "terminal_id": terminal, "exit_code": command.exit_code, "signal": null });
        meta.insert("terminal_exit".into(), exit);
        (fields, meta)
    }

    /// Nothing more will be heard of the command: shows what was held back.
    pub(super) fn flush(&mut self, id: &str, out: &mut Effects) {
        if self.state == Streaming::Held {
            out.push(Effect::Disarm(self.timer));
            self.due(id, out);
        }
    }
}

impl Translator {
    pub(super) fn output(&mut self, delta: &Delta, out: &mut Effects) {
        if let Some(Kind::Shell(shell)) = self.items.kind(&delta.item_id)
            && !delta.delta.is_empty()
        {
            shell.push(&delta.item_id, &delta.delta, out);
        }
    }

    pub(super) fn output_due(&mut self, timer: Timer, out: &mut Effects) {
        if let Some((id, shell)) = self.items.shell_of(timer) {
            shell.due(id, out);
        }
    }
}

fn grown(id: &str, data: &str) -> SessionUpdate {
    let mut meta = Map::new();
    meta.insert("terminal_output".into(), json!({ "terminal_id": id, "data": data }));
    SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(id.to_owned(), ToolCallUpdateFields::new()).meta(meta))
}

/// Text as the content of a tool call.
pub(super) fn text(text: &str) -> ToolCallContent {
    ToolCallContent::Content(v1::Content::new(v1::ContentBlock::Text(v1::TextContent::new(text))))
}
