//! Questions of the program that the client has to answer.

mod form;
mod permission;

use std::collections::{BTreeMap, BTreeSet};

use acp_types::{RawBuf, v1};
use serde_json::{Value, json};

use self::permission::Choice;
use super::calls::Calls;
use super::options::Mode;
use super::words::{NO_FORMS, REFUSED, STOPPED, UNANSWERED};
use crate::claude::wire::control::{self, CanUseTool, Elicitation, Wanted};
use crate::claude::wire::{Ask, Permission};
use crate::translate::{AskId, ClientFeatures, Effect, Effects, Question, Reply};

/// The questions that are open.
#[derive(Debug, Default)]
pub(super) struct Asks {
    next: u64,
    open: BTreeMap<AskId, Open>,
    /// Questions that we took back, with the answers to give unless the program takes them back, too.
    orphans: BTreeMap<String, RawBuf>,
    /// Calls that are allowed for this session, as [`permission::key`] writes them.
    allowed: BTreeSet<String>,
}

#[derive(Debug)]
struct Open {
    request_id: String,
    /// The session that asks: this one, or a child.
    asker: v1::SessionId,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Permission { input: Value, choices: Vec<Choice>, key: String },
    Questions { input: Value },
    Elicitation,
}

impl Kind {
    /// The answer for the program if the turn is stopped before the client answers.
    fn stopped(&self, request_id: &str) -> RawBuf {
        match self {
            Self::Permission { .. } | Self::Questions { .. } => {
                let permission = Permission::Deny { message: STOPPED.to_owned(), interrupt: false };
                control::answer(request_id, &permission)
            }
            Self::Elicitation => control::answer(request_id, &form::elicited(&Reply::Failed)),
        }
    }
}

/// Consequence of an answer for the turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The turn goes on.
    GoOn,
    /// The work of the session that asked is to be stopped.
    Stop(v1::SessionId),
}

impl Asks {
    /// The program asks something.
    pub(super) fn ask(
        &mut self,
        session: &v1::SessionId,
        ask: Ask,
        features: ClientFeatures,
        calls: &Calls,
        planned_from: Mode,
        out: &mut Effects,
    ) {
        let Ask { request_id, request } = ask;
        match request {
            Wanted::CanUseTool(tool) if tool.tool_name == "AskUserQuestion" => {
                self.questions(session, request_id, tool, features, out);
            }
            Wanted::CanUseTool(tool) => self.permission(session, request_id, tool, calls, planned_from, out),
            Wanted::Elicitation(elicitation) => self.elicitation(session, request_id, &elicitation, features, out),
            Wanted::HookCallback {} => out.send(control::answer(&request_id, &json!({}))),
            Wanted::Other => out.send(control::refuse(&request_id, "not supported by this client")),
        }
    }

    fn permission(
        &mut self,
        session: &v1::SessionId,
        request_id: String,
        tool: CanUseTool,
        calls: &Calls,
        planned_from: Mode,
        out: &mut Effects,
    ) {
        let key = permission::key(&tool);
        if self.allowed.contains(&key) && !tool.suppress_always_allow_rule {
            let permission = Permission::Allow { updated_input: tool.input, updated_permissions: Vec::new() };
            out.send(control::answer(&request_id, &permission));
            return;
        }
        let call = calls.asked(&tool, &request_id, out);
        let choices = permission::choices(&tool, planned_from);
        let options = choices.iter().map(Choice::option).collect();
        let question = v1::RequestPermissionRequest::new(session.clone(), call, options);
        let kind = Kind::Permission { input: tool.input, choices, key };
        self.put(request_id, session, kind, Question::Permission(question), out);
    }

    fn questions(
        &mut self,
        session: &v1::SessionId,
        request_id: String,
        tool: CanUseTool,
        features: ClientFeatures,
        out: &mut Effects,
    ) {
        let form = features.forms.then(|| form::questions(session, &tool)).flatten();
        let Some(form) = form else {
            let permission = Permission::Deny { message: NO_FORMS.to_owned(), interrupt: false };
            out.send(control::answer(&request_id, &permission));
            return;
        };
        self.put(request_id, session, Kind::Questions { input: tool.input }, Question::Form(form), out);
    }

    fn elicitation(
        &mut self,
        session: &v1::SessionId,
        request_id: String,
        elicitation: &Elicitation,
        features: ClientFeatures,
        out: &mut Effects,
    ) {
        match features.forms.then(|| form::elicitation(session, elicitation)).flatten() {
            Some(form) => self.put(request_id, session, Kind::Elicitation, Question::Form(form), out),
            None => out.send(control::answer(&request_id, &form::declined())),
        }
    }

    fn put(&mut self, request_id: String, asker: &v1::SessionId, kind: Kind, question: Question, out: &mut Effects) {
        let ask = AskId(self.next);
        self.next += 1;
        self.open.insert(ask, Open { request_id, asker: asker.clone(), kind });
        out.push(Effect::Ask { ask, question });
    }

    /// The client answered.
    pub(super) fn answered(&mut self, ask: AskId, reply: Reply, out: &mut Effects) -> Then {
        let Some(Open { request_id, asker, kind }) = self.open.remove(&ask) else { return Then::GoOn };
        match kind {
            Kind::Permission { input, choices, key } => {
                let (permission, then) = self.decided(input, &choices, key, &reply, asker);
                out.send(control::answer(&request_id, &permission));
                then
            }
            Kind::Questions { mut input } => {
                let answers = form::answers(&input, &reply);
                let permission = match (answers, input.as_object_mut()) {
                    (Some(answers), Some(members)) => {
                        members.insert("answers".to_owned(), answers);
                        Permission::Allow { updated_input: input, updated_permissions: Vec::new() }
                    }
                    _ => Permission::Deny { message: UNANSWERED.to_owned(), interrupt: false },
                };
                out.send(control::answer(&request_id, &permission));
                Then::GoOn
            }
            Kind::Elicitation => {
                out.send(control::answer(&request_id, &form::elicited(&reply)));
                Then::GoOn
            }
        }
    }

    fn decided(
        &mut self,
        input: Value,
        choices: &[Choice],
        key: String,
        reply: &Reply,
        asker: v1::SessionId,
    ) -> (Permission, Then) {
        let refused = |then| {
            let (message, interrupt) = match then {
                Then::GoOn => (REFUSED, false),
                Then::Stop(_) => (STOPPED, true),
            };
            (Permission::Deny { message: message.to_owned(), interrupt }, then)
        };
        let selected = match reply {
            Reply::Permission(v1::RequestPermissionOutcome::Selected(selected)) => selected,
            Reply::Permission(v1::RequestPermissionOutcome::Cancelled) => return refused(Then::Stop(asker)),
            _ => return refused(Then::GoOn),
        };
        let choice = choices.iter().find(|choice| *choice.id == *selected.option_id.0);
        let Some(choice) = choice.filter(|choice| choice.allows()) else { return refused(Then::GoOn) };
        if choice.remembers {
            self.allowed.insert(key);
        }
        (Permission::Allow { updated_input: input, updated_permissions: choice.updates.clone() }, Then::GoOn)
    }

    /// True if a session has a question open.
    pub(super) fn are_of(&self, session: &v1::SessionId) -> bool {
        self.open.values().any(|open| open.asker == *session)
    }

    /// The program takes a question back.
    pub(super) fn withdrawn(&mut self, request_id: &str, out: &mut Effects) {
        self.orphans.remove(request_id);
        let ask = self.open.iter().find(|(_, open)| open.request_id == request_id).map(|(ask, _)| *ask);
        if let Some(ask) = ask {
            self.open.remove(&ask);
            out.push(Effect::Withdraw(ask));
        }
    }

    /// Takes all questions back. The program, which is being interrupted, is expected to do the same.
    pub(super) fn withdraw_all(&mut self, out: &mut Effects) {
        for (ask, open) in std::mem::take(&mut self.open) {
            let answer = open.kind.stopped(&open.request_id);
            self.orphans.insert(open.request_id, answer);
            out.push(Effect::Withdraw(ask));
        }
    }

    /// The turn is over: what the program still waits for is refused.
    pub(super) fn refuse_orphans(&mut self, out: &mut Effects) {
        for (_, answer) in std::mem::take(&mut self.orphans) {
            out.send(answer);
        }
    }
}
