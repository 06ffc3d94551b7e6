//! One tool call: what is to be seen of it and of its end.

use std::path::Path;

use acp_types::v1;
use serde_json::{Map, Value};

use crate::children::reference;
use crate::claude::translate::shell::{self, Output, cut};
use crate::claude::translate::{describe, files};
use crate::claude::wire::Block;
use crate::claude::wire::message::Content;
use crate::translate::ClientFeatures;

/// Limit of one string of a raw result, in bytes. A longer string is in the content.
pub(super) const RAW: usize = 16 * 1024;

/// A call that is open, or may still be heard of.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// The tool.
    pub(super) name: String,
    /// Its input.
    pub(super) input: Value,
    /// The call of the sub-agent that made it.
    pub(super) parent: Option<String>,
    /// The child session that made it.
    pub(super) child: Option<v1::SessionId>,
    /// The child session that it began.
    pub(super) begun: Option<v1::SessionId>,
    /// True if it is not shown because it keeps the plan.
    pub(super) hidden: bool,
    /// The client has not seen its end yet.
    pub(super) open: bool,
    /// Text of a sub-agent, or output of a command in the background.
    pub(super) told: String,
    /// The work in the background that it is.
    pub(super) task: Option<String>,
    /// Its end in the background was told.
    pub(super) over: bool,
    /// The exit code of a command in the background.
    pub(super) code: Option<i64>,
}

impl Call {
    pub(super) fn meta(&self) -> Map<String, Value> {
        let mut claude = Map::from_iter([("toolName".to_owned(), Value::from(self.name.clone()))]);
        if let Some(parent) = &self.parent {
            claude.insert("parentToolUseId".to_owned(), Value::from(parent.clone()));
        }
        let mut meta = Map::from_iter([("claudeCode".to_owned(), Value::Object(claude))]);
        if let Some(task) = &self.task {
            meta.insert("background".to_owned(), Value::Bool(!self.over));
            meta.insert("asyncTaskId".to_owned(), Value::from(task.clone()));
        }
        meta
    }

    pub(super) fn cut_off(&self, id: &str, features: ClientFeatures) -> v1::SessionUpdate {
        let fields = v1::ToolCallUpdateFields::new().status(v1::ToolCallStatus::Failed);
        let mut meta = self.meta();
        if features.terminal_output && is_shell(&self.name) && !self.input.is_null() {
            meta.extend(shell::finished(id, &Output::default()));
        }
        v1::SessionUpdate::ToolCallUpdate(v1::ToolCallUpdate::new(id.to_owned(), fields).meta(meta))
    }

    /// True if the work goes on in the background after this result.
    pub(super) fn goes_on(result: &Value) -> bool {
        result.get("isAsync").and_then(Value::as_bool).unwrap_or(false) || result.get("backgroundTaskId").is_some()
    }

    /// Content of a result; `None` if it shows nothing new.
    #[expect(clippy::too_many_arguments, reason = "everything that a result is shown by")]
    pub(super) fn show(
        &self,
        id: &str,
        content: &Content,
        failed: bool,
        result: &Value,
        cwd: &Path,
        features: ClientFeatures,
        meta: &mut Map<String, Value>,
    ) -> Option<Vec<v1::ToolCallContent>> {
        match self.name.as_str() {
            name if is_shell(name) => {
                let output = Output::of_result(result, &content.text(), failed);
                if features.terminal_output {
                    // One in the background has not ended.
                    meta.extend(match &self.task {
                        Some(_) if Self::goes_on(result) => shell::written(id, &output.text),
                        _ => shell::finished(id, &output),
                    });
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
            _ => Some(self.begun.iter().map(reference).chain(blocks(content)).collect()),
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
        let report = v1::ContentBlock::from(texts.join("\n")).into();
        Some(self.begun.iter().map(reference).chain([report]).collect())
    }
}

pub(super) fn is_shell(name: &str) -> bool {
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
pub(super) fn raw(result: &Value, content: &Content) -> Value {
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
pub(super) fn written_plan(call: &Call, result: &Value, cwd: &Path) -> Option<String> {
    let path = describe::file(&call.input, cwd)?;
    let folder = path.parent().and_then(|folder| folder.file_name());
    if !matches!(call.name.as_str(), "Write" | "Edit") || folder.is_none_or(|folder| folder != "plans") {
        return None;
    }
    files::diff(result, cwd).map(|diff| diff.new_text)
}
