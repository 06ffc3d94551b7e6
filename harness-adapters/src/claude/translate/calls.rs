//! Tool calls: each is opened once, updated, and closed once.

mod call;

use std::collections::BTreeMap;
use std::path::PathBuf;

use acp_types::v1;
use serde_json::Value;

use self::call::{Call, RAW, is_shell, raw, written_plan};
use super::describe::{self, describe};
use super::plan::Plan;
use super::shell::{self, Output, cut};
use super::{files, words};
use crate::bounds;
use crate::children::reference;
use crate::claude::wire::control::CanUseTool;
use crate::claude::wire::message::Content;
use crate::claude::wire::{Block, User};
use crate::translate::{ClientFeatures, Effects};

/// Limit of a sub-agent's text within its call, in bytes.
const TOLD: usize = 256 * 1024;
/// Limit of a command's output while it goes on in the background, in bytes of a message.
const GROWING: usize = 64 * 1024;
/// Calls known at once. Of more, those in the background are forgotten, oldest ids first.
const KNOWN: usize = 4096;

/// Who makes a call.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Maker<'a> {
    /// The call of the sub-agent; `None` for the session itself.
    pub(super) call: Option<&'a str>,
    /// The sub-agent's session, if it has one.
    pub(super) child: Option<&'a v1::SessionId>,
}

/// The calls that are open, or may still be heard of.
#[derive(Debug)]
pub(super) struct Calls {
    cwd: PathBuf,
    features: ClientFeatures,
    known: BTreeMap<String, Call>,
    /// The list of tasks.
    plan: Plan,
    /// The plan that was last written into a file, for `ExitPlanMode`, which does not repeat it.
    proposal: Option<String>,
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
    pub(super) fn call(&mut self, id: &str, name: &str, input: Value, maker: Maker<'_>, out: &mut Effects) {
        self.make_room();
        let input = if name == "ExitPlanMode" { self.with_proposal(input) } else { input };
        let began = self.known.contains_key(id);
        let call = self.known.entry(id.to_owned()).or_default();
        if began && !(call.open && call.input.is_null()) {
            return;
        }
        name.clone_into(&mut call.name);
        call.input = input;
        // A child's call stands in the child's session, where it is below nothing.
        call.parent = maker.call.filter(|_| maker.child.is_none()).map(str::to_owned);
        call.child = maker.child.cloned();
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
        let update = match began {
            true => v1::SessionUpdate::ToolCallUpdate(shown.into()),
            false => v1::SessionUpdate::ToolCall(shown),
        };
        out.update_of(call.child.as_ref(), update);
    }

    /// A call has begun a sub-agent that is a child session.
    pub(super) fn refer(&mut self, id: &str, child: &v1::SessionId, out: &mut Effects) {
        let Some(call) = self.known.get_mut(id).filter(|call| !call.hidden) else { return };
        call.begun = Some(child.clone());
        let fields = v1::ToolCallUpdateFields::new().content(vec![reference(child)]);
        let update = v1::ToolCallUpdate::new(id.to_owned(), fields).meta(call.meta());
        out.update_of(call.child.as_ref(), v1::SessionUpdate::ToolCallUpdate(update));
    }

    /// The child session that made a call; `None` for calls of the session itself.
    pub(super) fn child_of(&self, id: &str) -> Option<&v1::SessionId> {
        self.known.get(id)?.child.as_ref()
    }

    /// True for a call that goes on in the background.
    pub(super) fn goes_on(&self, id: &str) -> bool {
        self.known.get(id).is_some_and(|call| !call.open)
    }

    /// Ends the calls of a child session, which will get no results.
    pub(super) fn close_of(&mut self, child: &v1::SessionId, out: &mut Effects) {
        let features = self.features;
        self.known.retain(|id, call| {
            let lost = call.open && call.child.as_ref() == Some(child);
            if lost && !call.hidden {
                out.update_of(Some(child), call.cut_off(id, features));
            }
            !lost
        });
    }

    /// The call that a client is to allow: with the input that it is about to run with, which may not be what the model
    /// wrote. A hook of the user may have changed it.
    pub(super) fn asked(&self, tool: &CanUseTool, request_id: &str, out: &mut Effects) -> v1::ToolCallUpdate {
        let id = tool.tool_use_id.clone().unwrap_or_else(|| request_id.to_owned());
        let call = self.known.get(&id).filter(|call| !call.hidden);
        let mut input = tool.input.clone();
        if let (Some(call), "ExitPlanMode") = (call, tool.tool_name.as_str()) {
            // The program does not repeat the plan.
            for (key, value) in call.input.as_object().into_iter().flatten() {
                if let Some(members) = input.as_object_mut() {
                    members.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        let diff = files::preview(&tool.tool_name, &input, tool.original_file.as_deref(), &self.cwd);
        let description = describe::question(&tool.tool_name, &input, diff, &self.cwd);
        let changed = call.is_some_and(|call| !call.input.is_null() && call.input != input);
        let mut fields = v1::ToolCallUpdateFields::new()
            .title(description.title)
            .kind(description.kind)
            .name(tool.tool_name.clone())
            .locations(description.locations)
            .raw_input(input);
        if !description.content.is_empty() {
            fields = fields.content(description.content);
        }
        if changed {
            let update = v1::ToolCallUpdate::new(id.clone(), fields.clone());
            let child = call.and_then(|call| call.child.as_ref());
            out.update_of(child, v1::SessionUpdate::ToolCallUpdate(update));
        }
        v1::ToolCallUpdate::new(id, fields.status(v1::ToolCallStatus::Pending))
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
                self.plan
                    .result(&call.name, &call.input, result)
                    .into_iter()
                    .for_each(|update| out.update_of(call.child.as_ref(), update));
            }
            return;
        }
        let status = if failed { v1::ToolCallStatus::Failed } else { v1::ToolCallStatus::Completed };
        let mut fields = v1::ToolCallUpdateFields::new().status(status);
        let mut meta = call.meta();
        if let Some(denied) = user.denied(id) {
            // The words are for the model, unless they say why.
            if denied != "user-rejected" {
                let why = content.text();
                fields = fields.raw_output(Value::from(cut(&why, RAW)));
                if !words::is_ours(&why) {
                    fields = fields.content(vec![v1::ContentBlock::from(shell::reason(&why)).into()]);
                }
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
        if lasting {
            meta.insert("background".to_owned(), Value::Bool(true));
        }
        if !failed && let Some(plan) = written_plan(call, result, &self.cwd) {
            self.proposal = Some(plan);
        }
        let update = v1::ToolCallUpdate::new(id.to_owned(), fields).meta(meta);
        out.update_of(call.child.as_ref(), v1::SessionUpdate::ToolCallUpdate(update));
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

    /// A call goes on in the background, as work that can be stopped by this name.
    pub(super) fn in_background(&mut self, id: &str, task: &str, out: &mut Effects) {
        let Some(call) = self.known.get_mut(id).filter(|call| !call.hidden) else { return };
        call.task = Some(task.to_owned());
        let update = v1::ToolCallUpdate::new(id.to_owned(), v1::ToolCallUpdateFields::new()).meta(call.meta());
        out.update_of(call.child.as_ref(), v1::SessionUpdate::ToolCallUpdate(update));
    }

    /// A command in the background has written this so far.
    /// `new` bytes of it have come since, and it was the `last` look.
    pub(super) fn wrote(&mut self, task: &str, output: &str, new: u64, last: bool, out: &mut Effects) {
        let found = self.known.iter_mut().find(|(_, call)| call.task.as_deref() == Some(task));
        let Some((id, call)) = found else { return };
        let mut meta = call.meta();
        let mut fields = v1::ToolCallUpdateFields::new();
        if self.features.terminal_output {
            // What has been seen is the beginning of it, unless the program has left out some.
            let new = output.strip_prefix(call.told.as_str()).unwrap_or_else(|| tail(output, new));
            meta.extend(shell::written(id, new));
        } else {
            // It is sent again as it grows, and whole at the end.
            let shown = bounds::ends(output.to_owned(), if last { shell::MOST } else { GROWING });
            fields = fields.content(vec![v1::ContentBlock::from(shown).into()]);
        }
        output.clone_into(&mut call.told);
        let update = v1::ToolCallUpdate::new(id.clone(), fields).meta(meta);
        out.update_of(call.child.as_ref(), v1::SessionUpdate::ToolCallUpdate(update));
    }

    /// A command in the background has written its last, and its end was told.
    pub(super) fn ended(&mut self, task: &str, out: &mut Effects) {
        let found = self.known.iter().find(|(_, call)| call.task.as_deref() == Some(task) && call.over);
        let Some(id) = found.map(|(id, _)| id.clone()) else { return };
        if let Some(call) = self.known.remove(&id)
            && self.features.terminal_output
        {
            let mut meta = call.meta();
            meta.extend(shell::finished(&id, &Output { code: call.code, ..Output::default() }));
            let update = v1::ToolCallUpdate::new(id, v1::ToolCallUpdateFields::new()).meta(meta);
            out.update_of(call.child.as_ref(), v1::SessionUpdate::ToolCallUpdate(update));
        }
    }

    /// A sub-agent or command in the background is over.
    pub(super) fn over(&mut self, id: &str, failed: bool, summary: Option<&str>, out: &mut Effects) {
        let Some(call) = self.known.get_mut(id) else { return };
        if call.open {
            // It ran in the foreground; its result follows.
            return;
        }
        call.over = true;
        call.code = summary.and_then(|summary| {
            let (_, code) = summary.rsplit_once("exit code ")?;
            code.trim_end_matches(')').parse().ok()
        });
        let status = if failed { v1::ToolCallStatus::Failed } else { v1::ToolCallStatus::Completed };
        let mut fields = v1::ToolCallUpdateFields::new().status(status);
        if let Some(summary) = summary.filter(|_| call.told.is_empty() && call.begun.is_none()) {
            fields = fields.content(vec![v1::ContentBlock::from(summary).into()]);
        }
        let update = v1::ToolCallUpdate::new(id.to_owned(), fields).meta(call.meta());
        out.update_of(call.child.as_ref(), v1::SessionUpdate::ToolCallUpdate(update));
        // What a command has written to its end is still to come.
        if call.task.is_none() || !is_shell(&call.name) {
            self.known.remove(id);
        }
    }

    /// Ends calls that will get no result. `all` of them, or only the session's own and those of children that do not work
    /// any more.
    pub(super) fn close(&mut self, all: bool, works: impl Fn(&v1::SessionId) -> bool, out: &mut Effects) {
        let running: Vec<_> = self.known.iter().filter(|(_, call)| !call.open).map(|(id, _)| id.clone()).collect();
        let features = self.features;
        self.known.retain(|id, call| {
            let of_another = call.parent.as_ref().is_some_and(|parent| running.contains(parent))
                || call.child.as_ref().is_some_and(&works);
            // With the program, what it does in the background ends too.
            let lost = all && call.task.is_some() && !call.over;
            if !lost && (!call.open || (of_another && !all)) {
                return true;
            }
            if !call.hidden {
                out.update_of(call.child.as_ref(), call.cut_off(id, features));
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
            out.update_of(call.child.as_ref(), call.cut_off(id, self.features));
        }
    }

    fn with_proposal(&self, mut input: Value) -> Value {
        let missing = input.get("plan").and_then(Value::as_str).is_none_or(str::is_empty);
        if let (true, Some(plan), Some(input)) = (missing, &self.proposal, input.as_object_mut()) {
            input.insert("plan".to_owned(), Value::from(plan.clone()));
        }
        input
    }

    /// The list of tasks as it is now.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    fn make_room(&mut self) {
        while self.known.len() >= KNOWN {
            let Some(id) = self.known.iter().find(|(_, call)| !call.open).map(|(id, _)| id.clone()) else { return };
            self.known.remove(&id);
        }
    }
}

/// The last bytes of a text, or a little less of it.
fn tail(text: &str, bytes: u64) -> &str {
    let from = text.len().saturating_sub(usize::try_from(bytes).unwrap_or(usize::MAX));
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[from..]
}
