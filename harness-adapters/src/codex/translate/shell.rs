//! The output of a command: live as far as it comes, and complete and in order at the end.

use std::time::Duration;

use acp_types::v1::{self, SessionUpdate, ToolCallContent, ToolCallUpdate, ToolCallUpdateFields};
use serde_json::{Map, Value, json};

use super::output::{self, Output, SHOWN, shortened};
use crate::codex::wire::Command;
use crate::translate::{Effect, Effects, Timer};

/// Delay of the first output for a client whose terminals only grow. The very first output is often missing, and commands
/// that end meanwhile need no repair.
const HOLD: Duration = Duration::from_millis(500);
/// Interval of updates with the whole output.
const REFRESH: Duration = Duration::from_millis(250);

/// The output of one command.
#[derive(Debug)]
pub(super) struct Shell {
    streamed: Output,
    /// Output that was not shown yet.
    pending: String,
    timer: Timer,
    state: Streaming,
    /// True if the client shows it in a terminal, which only grows. Otherwise it gets all of it each time.
    terminal: bool,
    /// Directory of the terminal.
    cwd: String,
    /// Number of terminals that took the place of the first.
    replaced: u32,
}

/// State of the output that a client sees.
///
/// ```text
///            printed           due, terminal
///   Quiet ───────────▶ Held ─────────────────▶ Live
///     ▲                 │
///     └─────────────────┘
///       due, no terminal
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Streaming {
    /// Nothing is held back.
    Quiet,
    /// Output is held back until the timer runs out.
    Held,
    /// Output is shown at once.
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

    /// Id of the terminal that the output goes into.
    fn terminal_id(&self, id: &str) -> String {
        match self.replaced {
            0 => id.to_owned(),
            1 => format!("{id}/complete"),
            n => format!("{id}/complete-{n}"),
        }
    }

    /// Puts another terminal in place of the one before, whose text is wrong and cannot be taken back.
    fn replace(&mut self, id: &str) -> (ToolCallContent, Map<String, Value>) {
        self.replaced += 1;
        let terminal = self.terminal_id(id);
        let info = json!({ "terminal_id": terminal, "cwd": self.cwd });
        let content = ToolCallContent::Terminal(v1::Terminal::new(terminal));
        (content, Map::from_iter([("terminal_info".to_owned(), info)]))
    }

    /// True for the command's own timer.
    pub(super) fn is_timed_by(&self, timer: Timer) -> bool {
        self.timer == timer
    }

    /// The command prints something.
    pub(super) fn push(&mut self, id: &str, text: &str, out: &mut Effects) {
        self.streamed.push(text);
        if self.state == Streaming::Live {
            return out.update(grown(id, &self.terminal_id(id), text));
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

    /// The timer has run out: shows what was held back.
    pub(super) fn due(&mut self, id: &str, out: &mut Effects) {
        if self.terminal {
            self.state = Streaming::Live;
            let pending = std::mem::take(&mut self.pending);
            return out.update(grown(id, &self.terminal_id(id), &shortened(&pending, SHOWN).0));
        }
        self.state = Streaming::Quiet;
        let fields = ToolCallUpdateFields::new().content(vec![text(&self.streamed.glimpse())]);
        out.update(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(id.to_owned(), fields)));
    }

    /// The first output, as the model was told of it. Its beginning may be missing in what came live.
    pub(super) fn printed_first(&mut self, id: &str, printed: &str, out: &mut Effects) {
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
                meta.insert("terminal_output".to_owned(), json!({ "terminal_id": self.terminal_id(id), "data": data }));
                let fields = ToolCallUpdateFields::new().content(vec![content]);
                let update = ToolCallUpdate::new(id.to_owned(), fields).meta(meta);
                out.update(SessionUpdate::ToolCallUpdate(update));
            }
        }
    }

    /// Completes the update that ends the call.
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
        let terminal = self.terminal_id(id);
        let (data, missing) = shortened(data, SHOWN);
        let fields = with_missing(fields, missing);
        if !data.is_empty() {
            meta.insert("terminal_output".into(), json!({ "terminal_id": terminal, "data": data }));
        }
        let exit = json!({ "terminal_id": terminal, "exit_code": command.exit_code, "signal": null });
        meta.insert("terminal_exit".into(), exit);
        (fields, meta)
    }

    /// Shows what was held back, because nothing more will come.
    pub(super) fn flush(&mut self, id: &str, out: &mut Effects) {
        if self.state == Streaming::Held {
            out.push(Effect::Disarm(self.timer));
            self.due(id, out);
        }
    }
}

/// Adds the number of bytes that the output lacks.
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
