//! Questions of Codex to the user.

use std::collections::BTreeMap;

use acp_types::RawBuf;
use acp_types::v1::{
    self, PermissionOption, PermissionOptionKind, RequestPermissionOutcome, SessionUpdate, ToolCall, ToolCallStatus,
    ToolCallUpdate, ToolCallUpdateFields,
};
use serde_json::Value;

use super::Translator;
use super::decisions::{Kind, ONCE, REJECT, RULE, SESSION, decision, stopped_answer};
use super::forms::Form;
use super::subject::{self, Labels};
use crate::codex::wire::{self, CommandAsk, ElicitationAsk, FileAsk, Message, PermissionsAsk};
use crate::translate::{AskId, Effect, Effects, Question, Reply};

/// Questions without an answer.
#[derive(Debug, Default)]
pub(super) struct Asks {
    next: u64,
    open: BTreeMap<AskId, Ask>,
}

#[derive(Debug)]
struct Ask {
    /// The id of Codex's request.
    native: RawBuf,
    kind: Kind,
    /// The tool call that waits for it.
    call: Option<String>,
    /// The tool call exists for the sake of the question.
    own_call: bool,
}

impl Asks {
    /// Forgets all of them.
    pub(super) fn take_all(&mut self) -> Vec<AskId> {
        std::mem::take(&mut self.open).into_keys().collect()
    }

    fn add(&mut self, ask: Ask) -> AskId {
        let id = AskId(self.next);
        self.next += 1;
        self.open.insert(id, ask);
        id
    }
}

impl Translator {
    /// A request of Codex. It always gets an answer.
    pub(super) fn asked(&mut self, message: &Message, out: &mut Effects) {
        let (Some(id), Some(method)) = (&message.id, &message.method) else { return };
        if self.is_stopping() {
            return out.send(stopped_answer(id, method));
        }
        let params = message.params.as_ref();
        let understood = match method.as_str() {
            "item/commandExecution/requestApproval" => {
                wire::read(params, method).map(|ask| self.command_asked(id, ask, out))
            }
            "item/fileChange/requestApproval" => {
                wire::read(params, method).map(|ask: FileAsk| self.files_asked(id, &ask, out))
            }
            "item/permissions/requestApproval" => {
                wire::read(params, method).map(|ask| self.permissions_asked(id, ask, out))
            }
            "mcpServer/elicitation/request" => wire::read(params, method).map(|ask| self.elicited(id, ask, out)),
            "item/tool/requestUserInput" => wire::read(params, method).map(|ask| self.questioned(id, &ask, out)),
            _ => None,
        };
        if understood.is_none() {
            out.send(wire::refuse(id, "this client cannot answer that"));
        }
    }

    fn command_asked(&mut self, id: &RawBuf, ask: CommandAsk, out: &mut Effects) {
        // What is asked about under the item of another command has a call of its own, so that each shows what it does.
        let call = if ask.is_own_command() { ask.item_id.clone() } else { String::new() };
        let (fields, labels, rule) = subject::command(ask);
        self.ask_permission(id, call, Kind::Command { rule }, fields, labels, out);
    }

    fn files_asked(&mut self, id: &RawBuf, ask: &FileAsk, out: &mut Effects) {
        let changes = self.items.changes(&ask.item_id);
        let (fields, labels) = subject::files(ask, changes);
        self.ask_permission(id, ask.item_id.clone(), Kind::Files, fields, labels, out);
    }

    fn permissions_asked(&mut self, id: &RawBuf, ask: PermissionsAsk, out: &mut Effects) {
        let fields = subject::permissions(&ask);
        let item = ask.item_id;
        self.ask_permission(id, item, Kind::Permissions(ask.permissions), fields, Labels::default(), out);
    }

    fn elicited(&mut self, id: &RawBuf, mut ask: ElicitationAsk, out: &mut Effects) {
        ask.server_name = self.setup.server(&ask.server_name).to_owned();
        if ask.meta.get("codex_approval_kind").and_then(Value::as_str) == Some("mcp_tool_call") {
            let tool = ask.meta.get("tool_name").and_then(Value::as_str).unwrap_or("tool");
            let arguments = ask.meta.get("tool_params").filter(|arguments| !arguments.is_null());
            let waiting = self.items.waiting_mcp(&ask.server_name, tool, arguments);
            let call = waiting.map(|waiting| waiting.id.clone()).unwrap_or_default();
            let arguments = arguments.or(waiting.map(|waiting| &waiting.arguments));
            let fields = subject::mcp_tool(&ask.server_name, tool, arguments);
            return self.ask_permission(id, call, Kind::McpTool, fields, Labels::default(), out);
        }
        self.form_asked(id, Form::elicited(ask, &self.setup.thread), out);
    }

    fn questioned(&mut self, id: &RawBuf, ask: &wire::QuestionsAsk, out: &mut Effects) {
        self.form_asked(id, Form::questions(ask, &self.setup.thread), out);
    }

    /// Asks with a form, if the client has forms and the question can be put in one.
    fn form_asked(&mut self, id: &RawBuf, form: (Form, Option<v1::CreateElicitationRequest>), out: &mut Effects) {
        let (form, request) = form;
        let Some(request) = request.filter(|_| self.setup.features.forms) else {
            return out.send(wire::answer(id, &form.declined()));
        };
        let ask = self.asks.add(Ask { native: id.clone(), kind: Kind::Form(form), call: None, own_call: false });
        out.push(Effect::Ask { ask, question: Question::Form(request) });
    }

    fn ask_permission(
        &mut self,
        native: &RawBuf,
        call: String,
        kind: Kind,
        fields: ToolCallUpdateFields,
        labels: Labels,
        out: &mut Effects,
    ) {
        let mut options = vec![
            PermissionOption::new(ONCE, labels.once, PermissionOptionKind::AllowOnce),
            PermissionOption::new(SESSION, labels.session, PermissionOptionKind::AllowAlways),
        ];
        options.extend(labels.rule.map(|name| PermissionOption::new(RULE, name, PermissionOptionKind::AllowAlways)));
        options.push(PermissionOption::new(REJECT, "Reject", PermissionOptionKind::RejectOnce));
        let known = self.items.is_open(&call);
        let call = if call.is_empty() { format!("ask-{}", native.as_str().trim_matches('"')) } else { call };
        if !known {
            // The client has to know what it is asked about.
            let title = fields.title.clone().unwrap_or_else(|| "Permission".to_owned());
            let shown = ToolCall::new(call.clone(), title)
                .kind(fields.kind.unwrap_or_default())
                .status(ToolCallStatus::Pending)
                .raw_input(fields.raw_input.clone());
            out.update(SessionUpdate::ToolCall(shown));
        }
        let update = ToolCallUpdate::new(call.clone(), fields.status(ToolCallStatus::Pending));
        let request = v1::RequestPermissionRequest::new(self.setup.thread.clone(), update, options);
        let ask = self.asks.add(Ask { native: native.clone(), kind, call: Some(call), own_call: !known });
        out.push(Effect::Ask { ask, question: Question::Permission(request) });
    }

    /// The client answers a question.
    pub(super) fn answered(&mut self, id: AskId, answer: Reply, out: &mut Effects) {
        let Some(ask) = self.asks.open.remove(&id) else { return };
        let (choice, form) = match answer {
            Reply::Permission(RequestPermissionOutcome::Selected(chosen)) => (chosen.option_id.0.to_string(), None),
            Reply::Permission(_) => (String::new(), None),
            Reply::Form(response) => (String::new(), Some(response)),
            Reply::Failed => (REJECT.to_owned(), None),
        };
        let result = match &ask.kind {
            Kind::Form(form_) => form_.answer(form),
            kind => decision(kind, &choice),
        };
        out.send(wire::answer(&ask.native, &result));
        let allowed = matches!(choice.as_str(), ONCE | SESSION | RULE);
        self.asked_about(&ask, allowed, out);
        if !allowed && choice != REJECT && !matches!(ask.kind, Kind::Form(_)) {
            self.stop(out);
        }
    }

    /// What was asked about goes on or does not.
    fn asked_about(&self, ask: &Ask, allowed: bool, out: &mut Effects) {
        let Some(call) = &ask.call else { return };
        let status = match (ask.own_call, allowed) {
            (true, true) => ToolCallStatus::Completed,
            (true, false) => ToolCallStatus::Failed,
            (false, true) => ToolCallStatus::InProgress,
            // Its end follows.
            (false, false) => return,
        };
        if ask.own_call || self.items.is_open(call) {
            let update = ToolCallUpdate::new(call.clone(), ToolCallUpdateFields::new().status(status));
            out.update(SessionUpdate::ToolCallUpdate(update));
        }
    }

    /// Codex needs no answer any more.
    pub(super) fn resolved(&mut self, native: &RawBuf, out: &mut Effects) {
        let found = self.asks.open.iter().find(|(_, ask)| ask.native == *native).map(|(id, _)| *id);
        if let Some(ask) = found.and_then(|id| self.asks.open.remove(&id).map(|ask| (id, ask))) {
            out.push(Effect::Withdraw(ask.0));
            self.asked_about(&ask.1, false, out);
        }
    }

    /// Nobody needs an answer any more: tells both sides.
    pub(super) fn drop_asks(&mut self, out: &mut Effects) {
        for (id, ask) in std::mem::take(&mut self.asks.open) {
            out.push(Effect::Withdraw(id));
            let result = match &ask.kind {
                Kind::Form(form) => form.cancelled(),
                kind => decision(kind, ""),
            };
            out.send(wire::answer(&ask.native, &result));
            self.asked_about(&ask, false, out);
        }
    }
}
