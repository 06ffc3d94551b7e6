//! The output of commands: live as far as it comes, and complete and in order at the end.

use std::time::Duration;

use acp_types::v1::{self, SessionUpdate, ToolCallContent, ToolCallUpdate, ToolCallUpdateFields};
use serde_json::{Map, Value, json};

use super::Translator;
use super::items::Kind;
use super::output::{self, Output, SHOWN, shortened};
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
    /// For the terminal.
    cwd: String,
    /// How many terminals have taken the place of the first.
    replaced: u32,
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
    pub(super) fn new(timer: Timer, terminal: bool, cwd: &str) -> Self {
        Self {
            streamed: Output::default(),
            pending: String::new(),
            timer,
            state: Streaming::Quiet,
            terminal,
            cwd: cwd.to_owned(),
            replaced: 0,
        }
    }

    /// The terminal that the output goes into.
    fn place(&self, id: &str) -> String {
        match self.replaced {
            0 => id.to_owned(),
            1 => format!("{id}/complete"),
            n => format!("{id}/complete-{n}"),
        }
    }

    /// Another terminal takes the place of the one before: what stands in that is not what was printed, and it cannot be
    /// taken back.
    fn replace(&mut self, id: &str) -> (ToolCallContent, Map<String, Value>) {
        self.replaced += 1;
        let terminal = self.place(id);
        let info = json!({ "terminal_id": terminal, "cwd": self.cwd });
        let content = ToolCallContent::Terminal(v1::Terminal::new(terminal));
        (content, Map::from_iter([("terminal_info".to_owned(), info)]))
    }

    pub(super) fn is_timed_by(&self, timer: Timer) -> bool {
        self.timer == timer
    }

    fn push(&mut self, id: &str, text: &str, out: &mut Effects) {
        self.streamed.push(text);
        if self.state == Streaming::Live {
            return out.update(grown(id, &self.place(id), text));
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
            let pending = std::mem::take(&mut self.pending);
            return out.update(grown(id, &self.place(id), &shortened(&pending, SHOWN).0));
        }
        self.state = Streaming::Quiet;
        let fields = ToolCallUpdateFields::new().content(vec![text(&self.streamed.glimpse())]);
        out.update(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(id.to_owned(), fields)));
    }

    /// What the command had printed when the model was first told of it, of which the very beginning may be missing.
    fn began(&mut self, id: &str, printed: &str, out: &mut Effects) {
        let missing = self.streamed.lacks(printed);
        if missing.is_empty() {
            return;
        }
        self.streamed.prepend(missing);
        match (self.state, self.terminal) {
            (Streaming::Held, true) => self.pending.insert_str(0, missing),
            (Streaming::Held, false) => {}
            (Streaming::Quiet, true) => {
                self.pending.push_str(missing);
                self.due(id, out);
            }
            (Streaming::Quiet, false) => self.due(id, out),
            (Streaming::Live, _) => {
                let (content, mut meta) = self.replace(id);
                let whole = self.streamed.whole();
                let data = shortened(&whole, SHOWN).0;
                meta.insert("terminal_output".to_owned(), json!({ "terminal_id": self.place(id), "data": data }));
                let fields = ToolCallUpdateFields::new().content(vec![content]);
                let update = ToolCallUpdate::new(id.to_owned(), fields).meta(meta);
                out.update(SessionUpdate::ToolCallUpdate(update));
            }
        }
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
        let fields = with_missing(fields, output::missing(&whole));
        if !self.terminal {
            let (shown, missing) = shortened(&whole, SHOWN);
            let fields = with_missing(fields, missing);
            let fields = if whole.is_empty() { fields } else { fields.content(vec![text(&shown)]) };
            return (fields, Map::new());
        }
        let mut meta = Map::new();
        let id = &command.id;
        let shown = std::mem::take(&mut self.streamed);
        let rest = if self.state == Streaming::Live { shown.rest_of(&whole) } else { Some(whole.as_str()) };
        let (data, fields) = match rest {
            Some(rest) => (rest, fields),
            None => {
                let (content, info) = self.replace(id);
                meta.extend(info);
                (whole.as_str(), fields.content(vec![content]))
            }
        };
        let terminal = self.place(id);
        let (data, missing) = shortened(data, SHOWN);
        let fields = with_missing(fields, missing);
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

    /// What a command had printed when the model was first told of it.
    pub(super) fn began(&mut self, id: &str, printed: &str, out: &mut Effects) {
        if let Some(Kind::Shell(shell)) = self.items.kind(id) {
            shell.began(id, printed, out);
        }
    }

    pub(super) fn output_due(&mut self, timer: Timer, out: &mut Effects) {
        if let Some((id, shell)) = self.items.shell_of(timer) {
            shell.due(id, out);
        }
    }
}

/// Says how many bytes of the output are not there.
fn with_missing(mut fields: ToolCallUpdateFields, missing: usize) -> ToolCallUpdateFields {
    if missing > 0
        && let Some(output) = fields.raw_output.as_mut().and_then(Value::as_object_mut)
    {
        let known = output.get("omittedBytes").and_then(Value::as_u64).unwrap_or_default();
        output.insert("omittedBytes".to_owned(), (known + missing as u64).into());
    }
    fields
}

fn grown(id: &str, terminal: &str, data: &str) -> SessionUpdate {
    let mut meta = Map::new();
    meta.insert("terminal_output".into(), json!({ "terminal_id": terminal, "data": data }));
    SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(id.to_owned(), ToolCallUpdateFields::new()).meta(meta))
}

/// Text as the content of a tool call.
pub(super) fn text(text: &str) -> ToolCallContent {
    ToolCallContent::Content(v1::Content::new(v1::ContentBlock::Text(v1::TextContent::new(text))))
}
