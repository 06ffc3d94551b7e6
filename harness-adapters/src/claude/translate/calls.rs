//! Tool calls: each is opened once, updated, and closed once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use acp_types::v1;
use serde_json::{Map, Value};

use super::describe::{self, describe};
use super::plan::Plan;
use super::shell::{self, Output};
use super::{cut, files};
use crate::claude::wire::message::Content;
use crate::claude::wire::{Block, User};
use crate::translate::{ClientFeatures, Effects};

/// What of a sub-agent's text is shown within its call, in bytes.
const TOLD: usize = 256 * 1024;
/// What of one string of a raw result is passed on, in bytes. What is longer is in the content.
const RAW: usize = 16 * 1024;
/// Calls known at once. Of more, those in the background are forgotten, oldest ids first.
const KNOWN: usize = 4096;

/// The calls that are open, or may still be heard of.
#[derive(Debug)]
pub(super) struct Calls {
    cwd: PathBuf,
    features: ClientFeatures,
    known: BTreeMap<String, Call>,
    /// The tasks.
    pub(super) plan: Plan,
    /// The plan that was last written into a file, for `ExitPlanMode`, which does not repeat it.
    proposal: Option<String>,
}

#[derive(Debug, Default)]
struct Call {
    name: String,
    input: Value,
    /// The call of the sub-agent that made it.
    parent: Option<String>,
    /// Not shown: it keeps the plan.
    hidden: bool,
    /// The client has not seen its end yet.
    open: bool,
    /// What a sub-agent has said.
    told: String,
}

impl Calls {
    pub(super) fn new(cwd: PathBuf, features: ClientFeatures, plan: Plan) -> Self {
        Self { cwd, features, known: BTreeMap::new(), plan, proposal: None }
    }

    /// A call whose input is still to come.
    pub(super) fn begin(&mut self, id: &str, name: &str, out: &mut Effects) {
        self.make_room();
        if self.known.contains_key(id) {
            return;
        }
        let hidden = Plan::keeps(name);
        let call = Call { name: name.to_owned(), hidden, open: true, ..Call::default() };
        if !hidden {
            let shown = v1::ToolCall::new(id.to_owned(), describe(name, &Value::Null, &self.cwd).title)
                .kind(describe::kind(name))
                .name(name.to_owned())
                .meta(call.meta());
            out.update(v1::SessionUpdate::ToolCall(shown));
        }
        self.known.insert(id.to_owned(), call);
    }

    /// A call with its input.
    pub(super) fn call(&mut self, id: &str, name: &str, input: Value, parent: Option<&str>, out: &mut Effects) {
        self.make_room();
        let input = if name == "ExitPlanMode" { self.with_proposal(input) } else { input };
        let began = self.known.contains_key(id);
        let call = self.known.entry(id.to_owned()).or_default();
        if began && !(call.open && call.input.is_null()) {
            return;
        }
        name.clone_into(&mut call.name);
        call.input = input;
        call.parent = parent.map(str::to_owned);
        call.hidden = Plan::keeps(name);
        call.open = true;
        if call.hidden {
            return;
        }
        let mut description = describe(name, &call.input, &self.cwd);
        let mut meta = call.meta();
        if self.features.terminal_output && is_shell(name) {
            let (content, info) = shell::terminal(id, &self.cwd);
            description.content.push(content);
            meta.extend(info);
        }
        let shown = v1::ToolCall::new(id.to_owned(), description.title)
            .kind(description.kind)
            .status(v1::ToolCallStatus::InProgress)
            .name(name.to_owned())
            .content(description.content)
            .locations(description.locations)
            .raw_input(call.input.clone())
            .meta(meta);
        out.update(if began {
            v1::SessionUpdate::ToolCallUpdate(shown.into())
        } else {
            v1::SessionUpdate::ToolCall(shown)
        });
    }

    /// What a client needs to know of a call to allow it; `None` for one that is not known.
    pub(super) fn asked(&self, id: &str, original: Option<&str>) -> Option<v1::ToolCallUpdate> {
        let call = self.known.get(id).filter(|call| !call.hidden)?;
        let description = describe(&call.name, &call.input, &self.cwd);
        let mut fields = v1::ToolCallUpdateFields::new()
            .title(description.title)
            .kind(description.kind)
            .status(v1::ToolCallStatus::Pending)
            .locations(description.locations)
            .raw_input(call.input.clone());
        if let Some(diff) = files::preview(&call.name, &call.input, original, &self.cwd) {
            fields = fields.content(vec![diff.into()]);
        } else if !description.content.is_empty() {
            fields = fields.content(description.content);
        }
        Some(v1::ToolCallUpdate::new(id.to_owned(), fields))
    }

    /// Results of calls.
    pub(super) fn results(&mut self, user: &User, out: &mut Effects) {
        for block in &user.message.content.0 {
            if let Block::ToolResult { tool_use_id, content, is_error } = block {
                self.result(tool_use_id, content, is_error.unwrap_or(false), user, out);
            }
        }
    }

    fn result(&mut self, id: &str, content: &Content, failed: bool, user: &User, out: &mut Effects) {
        let Some(call) = self.known.get_mut(id) else { return };
        if !call.open {
            return;
        }
        call.open = false;
        let result = if user.parent_tool_use_id.is_some() { &Value::Null } else { &user.tool_use_result };
        if call.hidden {
            let call = self.known.remove(id).unwrap_or_default();
            if !failed {
                self.plan.result(&call.name, &call.input, result).into_iter().for_each(|update| out.update(update));
            }
            return;
        }
        let status = if failed { v1::ToolCallStatus::Failed } else { v1::ToolCallStatus::Completed };
        let mut fields = v1::ToolCallUpdateFields::new().status(status);
        let mut meta = call.meta();
        if let Some(denied) = user.denied(id) {
            // The words are for the model, unless they say why.
            if denied != "user-rejected" {
                fields = fields.raw_output(Value::from(cut(&content.text(), RAW)));
            }
            if self.features.terminal_output && is_shell(&call.name) {
                meta.extend(shell::finished(id, &Output::default()));
            }
        } else {
            let shown = call.show(id, content, failed, result, &self.cwd, self.features, &mut meta);
            if let Some(shown) = shown {
                fields = fields.content(shown);
            }
            fields = fields.raw_output(raw(result, content));
        }
        let lasting = Call::goes_on(result);
        if !failed && let Some(plan) = written_plan(call, result, &self.cwd) {
            self.proposal = Some(plan);
        }
        out.update(v1::SessionUpdate::ToolCallUpdate(v1::ToolCallUpdate::new(id.to_owned(), fields).meta(meta)));
        if !lasting {
            self.known.remove(id);
        }
    }

    /// A sub-agent says something.
    pub(super) fn told(&mut self, id: &str, text: &str, out: &mut Effects) {
        let Some(call) = self.known.get_mut(id) else { return };
        if call.told.len() >= TOLD || text.is_empty() {
            return;
        }
        if !call.told.is_empty() {
            call.told.push_str("\n\n");
        }
        call.told.push_str(text);
        let content = vec![v1::ContentBlock::from(cut(&call.told, TOLD)).into()];
        let fields = v1::ToolCallUpdateFields::new().content(content);
        let update = v1::ToolCallUpdate::new(id.to_owned(), fields).meta(call.meta());
        out.update(v1::SessionUpdate::ToolCallUpdate(update));
    }

    /// A sub-agent or command in the background is over.
    pub(super) fn over(&mut self, id: &str, failed: bool, summary: Option<&str>, out: &mut Effects) {
        let Some(call) = self.known.get(id) else { return };
        if call.open {
            // It ran in the foreground; its result follows.
            return;
        }
        let status = if failed { v1::ToolCallStatus::Failed } else { v1::ToolCallStatus::Completed };
        let mut fields = v1::ToolCallUpdateFields::new().status(status);
        if let Some(summary) = summary.filter(|_| call.told.is_empty()) {
            fields = fields.content(vec![v1::ContentBlock::from(summary).into()]);
        }
        let update = v1::ToolCallUpdate::new(id.to_owned(), fields).meta(call.meta());
        out.update(v1::SessionUpdate::ToolCallUpdate(update));
        self.known.remove(id);
    }

    /// Ends calls that will get no result. `all` of them, or only the session's own.
    pub(super) fn close(&mut self, all: bool, out: &mut Effects) {
        let running: Vec<_> = self.known.iter().filter(|(_, call)| !call.open).map(|(id, _)| id.clone()).collect();
        let features = self.features;
        self.known.retain(|id, call| {
            let of_another = call.parent.as_ref().is_some_and(|parent| running.contains(parent));
            if !call.open || (of_another && !all) {
                return true;
            }
            if !call.hidden {
                out.update(call.cut_off(id, features));
            }
            false
        });
    }

    /// Ends one call that will get no result.
    pub(super) fn abandon(&mut self, id: &str, out: &mut Effects) {
        if let Some(call) = self.known.remove(id)
            && call.open
            && !call.hidden
        {
            out.update(call.cut_off(id, self.features));
        }
    }

    fn with_proposal(&self, mut input: Value) -> Value {
        let missing = input.get("plan").and_then(Value::as_str).is_none_or(str::is_empty);
        if let (true, Some(plan), Some(input)) = (missing, &self.proposal, input.as_object_mut()) {
            input.insert("plan".to_owned(), Value::from(plan.clone()));
        }
        input
    }

    fn make_room(&mut self) {
        while self.known.len() >= KNOWN {
            let Some(id) = self.known.iter().find(|(_, call)| !call.open).map(|(id, _)| id.clone()) else { return };
            self.known.remove(&id);
        }
    }
}

impl Call {
    fn meta(&self) -> Map<String, Value> {
        let mut claude = Map::from_iter([("toolName".to_owned(), Value::from(self.name.clone()))]);
        if let Some(parent) = &self.parent {
            claude.insert("parentToolUseId".to_owned(), Value::from(parent.clone()));
        }
        Map::from_iter([("claudeCode".to_owned(), Value::Object(claude))])
    }

    fn cut_off(&self, id: &str, features: ClientFeatures) -> v1::SessionUpdate {
        let fields = v1::ToolCallUpdateFields::new().status(v1::ToolCallStatus::Failed);
        let mut meta = self.meta();
        if features.terminal_output && is_shell(&self.name) && !self.input.is_null() {
            meta.extend(shell::finished(id, &Output::default()));
        }
        v1::SessionUpdate::ToolCallUpdate(v1::ToolCallUpdate::new(id.to_owned(), fields).meta(meta))
    }

    /// Whether more is to be expected after this result: the work goes on in the background.
    fn goes_on(result: &Value) -> bool {
        result.get("isAsync").and_then(Value::as_bool).unwrap_or(false) || result.get("backgroundTaskId").is_some()
    }

    /// What is to be seen of a result; `None` if nothing new is.
    #[expect(clippy::too_many_arguments, reason = "everything that a result is shown by")]
    fn show(
        &self,
        id: &str,
        content: &Content,
        failed: bool,
        result: &Value,
        cwd: &std::path::Path,
        features: ClientFeatures,
        meta: &mut Map<String, Value>,
    ) -> Option<Vec<v1::ToolCallContent>> {
        match self.name.as_str() {
            name if is_shell(name) => {
                let output = Output::of_result(result, &content.text(), failed);
                if features.terminal_output {
                    meta.extend(shell::finished(id, &output));
                    return None;
                }
                Some(
                    Some(output.text)
                        .filter(|text| !text.is_empty())
                        .map(v1::ContentBlock::from)
                        .map(Into::into)
                        .into_iter()
                        .collect(),
                )
            }
            "Edit" | "Write" if !failed => files::diff(result, cwd).map(|diff| vec![diff.into()]),
            "ExitPlanMode" | "AskUserQuestion" if !failed => None,
            "Read" if !failed => {
                let text = result.pointer("/file/content").and_then(Value::as_str);
                let shown = text.map_or_else(|| blocks(content), |text| vec![v1::ContentBlock::from(text).into()]);
                Some(shown)
            }
            "Agent" | "Task" if !failed => self.report(result),
            _ => Some(blocks(content)),
        }
    }

    /// The report of a sub-agent, unless it has said it already.
    fn report(&self, result: &Value) -> Option<Vec<v1::ToolCallContent>> {
        if !self.told.is_empty() || Self::goes_on(result) {
            return None;
        }
        let parts = result.get("content").and_then(Value::as_array)?;
        let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
        let texts: Vec<_> = texts.filter(|text| !text.starts_with("<tools-used-before-summary>")).collect();
        Some(vec![v1::ContentBlock::from(texts.join("\n")).into()])
    }
}

fn is_shell(name: &str) -> bool {
    matches!(name, "Bash" | "PowerShell")
}

fn blocks(content: &Content) -> Vec<v1::ToolCallContent> {
    let blocks = content.0.iter().filter_map(|block| match block {
        Block::Text { text } if !text.is_empty() => Some(v1::ContentBlock::from(text.as_str())),
        Block::Image { source } if !source.data.is_empty() => {
            Some(v1::ContentBlock::Image(v1::ImageContent::new(source.data.clone(), source.media_type.clone())))
        }
        _ => None,
    });
    blocks.map(Into::into).collect()
}

/// A result for programs.
fn raw(result: &Value, content: &Content) -> Value {
    match result {
        Value::Null => Value::from(cut(&content.text(), RAW)),
        result => shortened(result),
    }
}

fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(cut(text, RAW)),
        Value::Array(items) => items.iter().map(shortened).collect(),
        Value::Object(members) => {
            let members = members.iter().filter(|(key, _)| key.as_str() != shell::PERSISTED);
            members.map(|(key, value)| (key.clone(), shortened(value))).collect()
        }
        other => other.clone(),
    }
}

/// The plan, when the call has written it into its file.
fn written_plan(call: &Call, result: &Value, cwd: &std::path::Path) -> Option<String> {
    let path = describe::file(&call.input, cwd)?;
    let folder = path.parent().and_then(|folder| folder.file_name());
    if !matches!(call.name.as_str(), "Write" | "Edit") || folder.is_none_or(|folder| folder != "plans") {
        return None;
    }
    files::diff(result, cwd).map(|diff| diff.new_text)
}
