//! Questions of Codex that the client has to answer.

use std::collections::BTreeMap;

use acp_types::RawBuf;
use acp_types::v1::{
    self, PermissionOption, PermissionOptionKind, RequestPermissionOutcome, SessionUpdate, ToolCall, ToolCallStatus,
    ToolCallUpdate, ToolCallUpdateFields,
};
use serde_json::Value;

use super::calls::Calls;
use super::decisions::{Kind, ONCE, REJECT, RULE, SESSION, decision, stopped_answer};
use super::forms::Form;
use super::setup::ServerNames;
use super::subject::{self, Labels};
use crate::codex::wire::{self, CommandAsk, ElicitationAsk, FileAsk, Message, PermissionsAsk};
use crate::translate::{AskId, ClientFeatures, Effect, Effects, Question, Reply};

/// The questions that are open.
#[derive(Debug)]
pub(super) struct Asks {
    thread: String,
    /// True if the client has forms.
    forms: bool,
    next: u64,
    open: BTreeMap<AskId, Ask>,
}

#[derive(Debug)]
struct Ask {
    /// The id of Codex's request.
    native: RawBuf,
    /// The child session that asks; `None` for the session itself.
    child: Option<v1::SessionId>,
    kind: Kind,
    /// The tool call that waits for the answer.
    call: Option<String>,
    /// True if the tool call exists only for the question.
    own_call: bool,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
struct Asker<'a> {
    /// The id of Codex's request.
    native: &'a RawBuf,
    /// The child session; `None` for the session itself.
    child: Option<&'a v1::SessionId>,
}

impl<'a> Asker<'a> {
    /// The session that asks, in a session with this thread.
    fn session(&self, thread: &'a str) -> &'a str {
        self.child.map_or(thread, |child| &child.0)
    }

    fn asks(&self, kind: Kind, call: Option<String>, own_call: bool) -> Ask {
        Ask { native: self.native.clone(), child: self.child.cloned(), kind, call, own_call }
    }
}

/// Consequence of an answer for the turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The turn goes on.
    GoOn,
    /// The turn is to be stopped.
    Stop,
    /// The work of this child session is to be stopped.
    StopChild(v1::SessionId),
}

impl Asks {
    /// The questions of one thread.
    pub(super) fn new(thread: &str, features: ClientFeatures) -> Self {
        Self { thread: thread.to_owned(), forms: features.forms, next: 0, open: BTreeMap::new() }
    }

    fn add(&mut self, ask: Ask) -> AskId {
        let id = AskId(self.next);
        self.next += 1;
        self.open.insert(id, ask);
        id
    }

    /// A request of Codex. It always gets an answer; while the turn is being stopped, at once.
    pub(super) fn ask(
        &mut self,
        message: &Message,
        child: Option<&v1::SessionId>,
        stopping: bool,
        servers: &ServerNames,
        calls: &Calls,
        out: &mut Effects,
    ) {
        let (Some(id), Some(method)) = (&message.id, &message.method) else { return };
        if stopping {
            return out.send(stopped_answer(id, method));
        }
        let from = Asker { native: id, child };
        let params = message.params.as_ref();
        let understood = match method.as_str() {
            "item/commandExecution/requestApproval" => {
                wire::read(params, method).map(|ask| self.command(from, ask, calls, out))
            }
            "item/fileChange/requestApproval" => {
                wire::read(params, method).map(|ask: FileAsk| self.files(from, &ask, calls, out))
            }
            "item/permissions/requestApproval" => {
                wire::read(params, method).map(|ask| self.permissions(from, ask, calls, out))
            }
            "mcpServer/elicitation/request" => {
                wire::read(params, method).map(|ask| self.elicitation(from, ask, servers, calls, out))
            }
            "item/tool/requestUserInput" => wire::read(params, method).map(|ask| self.questions(from, &ask, out)),
            _ => None,
        };
        if understood.is_none() {
            out.send(wire::refuse(id, "this client cannot answer that"));
        }
    }

    fn command(&mut self, from: Asker<'_>, ask: CommandAsk, calls: &Calls, out: &mut Effects) {
        // A question about another command than the item's own gets a call of its own, so that each shows what it does.
        let call = if ask.is_own_command() { ask.item_id.clone() } else { String::new() };
        let (fields, labels, rule) = subject::command(ask);
        self.permission(from, call, Kind::Command { rule }, fields, labels, calls, out);
    }

    fn files(&mut self, from: Asker<'_>, ask: &FileAsk, calls: &Calls, out: &mut Effects) {
        let (fields, labels) = subject::files(ask, calls.changes(&ask.item_id));
        self.permission(from, ask.item_id.clone(), Kind::Files, fields, labels, calls, out);
    }

    fn permissions(&mut self, from: Asker<'_>, ask: PermissionsAsk, calls: &Calls, out: &mut Effects) {
        let fields = subject::permissions(&ask);
        let item = ask.item_id;
        self.permission(from, item, Kind::Permissions(ask.permissions), fields, Labels::default(), calls, out);
    }

    fn elicitation(
        &mut self,
        from: Asker<'_>,
        mut ask: ElicitationAsk,
        servers: &ServerNames,
        calls: &Calls,
        out: &mut Effects,
    ) {
        ask.server_name = servers.of_client(&ask.server_name).to_owned();
        if ask.meta.get("codex_approval_kind").and_then(Value::as_str) == Some("mcp_tool_call") {
            let tool = ask.meta.get("tool_name").and_then(Value::as_str).unwrap_or("tool");
            let arguments = ask.meta.get("tool_params").filter(|arguments| !arguments.is_null());
            let waiting = calls.waiting_mcp(&ask.server_name, tool, arguments);
            let call = waiting.map(|waiting| waiting.id.clone()).unwrap_or_default();
            let arguments = arguments.or(waiting.map(|waiting| &waiting.arguments));
            let fields = subject::mcp_tool(&ask.server_name, tool, arguments);
            return self.permission(from, call, Kind::McpTool, fields, Labels::default(), calls, out);
        }
        self.form(from, Form::elicited(ask, from.session(&self.thread)), out);
    }

    fn questions(&mut self, from: Asker<'_>, ask: &wire::QuestionsAsk, out: &mut Effects) {
        self.form(from, Form::questions(ask, from.session(&self.thread)), out);
    }

    /// Asks with a form, if the client has forms and the question can be put in one.
    fn form(&mut self, from: Asker<'_>, form: (Form, Option<v1::CreateElicitationRequest>), out: &mut Effects) {
        let (form, request) = form;
        let Some(request) = request.filter(|_| self.forms) else {
            return out.send(wire::answer(from.native, &form.declined()));
        };
        let ask = self.add(from.asks(Kind::Form(form), None, false));
        out.push(Effect::Ask { ask, question: Question::Form(request) });
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of the question")]
    fn permission(
        &mut self,
        from: Asker<'_>,
        call: String,
        kind: Kind,
        fields: ToolCallUpdateFields,
        labels: Labels,
        calls: &Calls,
        out: &mut Effects,
    ) {
        let mut options = vec![
            PermissionOption::new(ONCE, labels.once, PermissionOptionKind::AllowOnce),
            PermissionOption::new(SESSION, labels.session, PermissionOptionKind::AllowAlways),
        ];
        options.extend(labels.rule.map(|name| PermissionOption::new(RULE, name, PermissionOptionKind::AllowAlways)));
        options.push(PermissionOption::new(REJECT, "Reject", PermissionOptionKind::RejectOnce));
        let known = calls.is_open(&call);
        let call = if call.is_empty() { format!("ask-{}", from.native.as_str().trim_matches('"')) } else { call };
        if !known {
            // The client has to know the call that it is asked about.
            let title = fields.title.clone().unwrap_or_else(|| "Permission".to_owned());
            let shown = ToolCall::new(call.clone(), title)
                .kind(fields.kind.unwrap_or_default())
                .status(ToolCallStatus::Pending)
                .raw_input(fields.raw_input.clone());
            out.update_of(from.child, SessionUpdate::ToolCall(shown));
        }
        let update = ToolCallUpdate::new(call.clone(), fields.status(ToolCallStatus::Pending));
        let request = v1::RequestPermissionRequest::new(from.session(&self.thread).to_owned(), update, options);
        let ask = self.add(from.asks(kind, Some(call), !known));
        out.push(Effect::Ask { ask, question: Question::Permission(request) });
    }

    /// The client answers a question.
    pub(super) fn answered(&mut self, id: AskId, reply: Reply, calls: &Calls, out: &mut Effects) -> Then {
        let Some(ask) = self.open.remove(&id) else { return Then::GoOn };
        let (choice, response) = match reply {
            Reply::Permission(RequestPermissionOutcome::Selected(chosen)) => (chosen.option_id.0.to_string(), None),
            Reply::Permission(_) => (String::new(), None),
            Reply::Form(response) => (String::new(), Some(response)),
            Reply::Failed => (REJECT.to_owned(), None),
        };
        let result = match &ask.kind {
            Kind::Form(form) => form.answer(response),
            kind => decision(kind, &choice),
        };
        out.send(wire::answer(&ask.native, &result));
        let allowed = matches!(choice.as_str(), ONCE | SESSION | RULE);
        ask.settle(allowed, calls, out);
        match ask.child {
            _ if allowed || choice == REJECT || matches!(ask.kind, Kind::Form(_)) => Then::GoOn,
            Some(child) => Then::StopChild(child),
            None => Then::Stop,
        }
    }

    /// True if a child session has a question open.
    pub(super) fn are_of(&self, child: &v1::SessionId) -> bool {
        self.open.values().any(|ask| ask.child.as_ref() == Some(child))
    }

    /// Codex takes a question back.
    pub(super) fn withdrawn(&mut self, native: &RawBuf, calls: &Calls, out: &mut Effects) {
        let Some(id) = self.open.iter().find(|(_, ask)| ask.native == *native).map(|(id, _)| *id) else { return };
        if let Some(ask) = self.open.remove(&id) {
            out.push(Effect::Withdraw(id));
            ask.settle(false, calls, out);
        }
    }

    /// Takes all questions back and answers Codex for the user.
    pub(super) fn withdraw_all(&mut self, calls: &Calls, out: &mut Effects) {
        self.withdraw_of(|_| true, calls, out);
    }

    /// Takes the questions of some sessions back, given by their child or `None`, and answers Codex for the user.
    pub(super) fn withdraw_of(
        &mut self,
        whose: impl Fn(Option<&v1::SessionId>) -> bool,
        calls: &Calls,
        out: &mut Effects,
    ) {
        let all = std::mem::take(&mut self.open).into_iter();
        let (taken, left): (Vec<_>, Vec<_>) = all.partition(|(_, ask)| whose(ask.child.as_ref()));
        self.open = left.into_iter().collect();
        for (id, ask) in taken {
            out.push(Effect::Withdraw(id));
            let result = match &ask.kind {
                Kind::Form(form) => form.cancelled(),
                kind => decision(kind, ""),
            };
            out.send(wire::answer(&ask.native, &result));
            ask.settle(false, calls, out);
        }
    }

    /// Takes all questions back from the client, because Codex is gone.
    pub(super) fn give_up(&mut self, out: &mut Effects) {
        for id in std::mem::take(&mut self.open).into_keys() {
            out.push(Effect::Withdraw(id));
        }
    }
}

impl Ask {
    /// Shows whether the call that was asked about goes on.
    fn settle(&self, allowed: bool, calls: &Calls, out: &mut Effects) {
        let Some(call) = &self.call else { return };
        let status = match (self.own_call, allowed) {
            (true, true) => ToolCallStatus::Completed,
            (true, false) => ToolCallStatus::Failed,
            (false, true) => ToolCallStatus::InProgress,
            // Its end follows.
            (false, false) => return,
        };
        if self.own_call || calls.is_open(call) {
            let update = ToolCallUpdate::new(call.clone(), ToolCallUpdateFields::new().status(status));
            out.update_of(self.child.as_ref(), SessionUpdate::ToolCallUpdate(update));
        }
    }
}
