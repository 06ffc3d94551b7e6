//! What a client of Codex sees, put together from updates.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;

use acp_server::types::v1::{
    ContentBlock, ContentChunk, Diff, PlanEntryStatus, SessionUpdate, ToolCall, ToolCallContent, ToolCallStatus,
};

use crate::support::{Asked, Event, Stage};

/// Everything on the client's screen.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Screen {
    /// Kind (`user`, `message`, `thought`), id and text, in order.
    pub(crate) texts: Vec<(&'static str, String, String)>,
    /// In the order in which they were opened.
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) plan: Vec<(String, PlanEntryStatus)>,
    /// What stands in each terminal, and its exit code.
    pub(crate) terminals: BTreeMap<String, (String, Option<i64>)>,
}

impl Screen {
    pub(crate) fn of(updates: &[SessionUpdate]) -> Self {
        let mut screen = Self::default();
        updates.iter().for_each(|update| screen.show(update));
        screen
    }

    pub(crate) fn show(&mut self, update: &SessionUpdate) {
        match update {
            SessionUpdate::UserMessageChunk(chunk) => self.text("user", chunk),
            SessionUpdate::AgentMessageChunk(chunk) => self.text("message", chunk),
            SessionUpdate::AgentThoughtChunk(chunk) => self.text("thought", chunk),
            SessionUpdate::ToolCall(call) => {
                let known = self.calls.iter().any(|known| known.tool_call_id == call.tool_call_id);
                assert!(!known, "{} was opened twice", call.tool_call_id);
                self.terminal(call.meta.as_ref());
                self.calls.push(ToolCall::meta(call.clone(), None));
            }
            SessionUpdate::ToolCallUpdate(update) => {
                let call = self.calls.iter_mut().find(|call| call.tool_call_id == update.tool_call_id);
                let call = call.unwrap_or_else(|| panic!("{} was updated before it was opened", update.tool_call_id));
                call.update(update.fields.clone());
                self.terminal(update.meta.as_ref());
            }
            SessionUpdate::Plan(plan) => {
                let entries = plan.entries.iter().map(|entry| (entry.content.clone(), entry.status.clone()));
                self.plan = entries.collect();
            }
            _ => {}
        }
    }

    fn text(&mut self, kind: &'static str, chunk: &ContentChunk) {
        let text = match &chunk.content {
            ContentBlock::Text(text) => text.text.clone(),
            other => serde_json::to_string(other).expect("JSON"),
        };
        let id = chunk.message_id.as_ref().expect("a message has an id").0.to_string();
        match self.texts.last_mut() {
            Some(last) if last.0 == kind && last.1 == id => last.2.push_str(&text),
            _ => self.texts.push((kind, id, text)),
        }
    }

    fn terminal(&mut self, meta: Option<&serde_json::Map<String, serde_json::Value>>) {
        let Some(meta) = meta else { return };
        for (key, value) in meta.iter().filter(|(key, _)| key.starts_with("terminal_")) {
            let id = value["terminal_id"].as_str().expect("an id").to_owned();
            match key.as_str() {
                "terminal_info" => drop(self.terminals.insert(id, (String::new(), None))),
                "terminal_output" => {
                    let terminal = self.terminals.get_mut(&id).expect("a terminal that was announced");
                    terminal.0.push_str(value["data"].as_str().expect("data"));
                }
                _ => self.terminals.get_mut(&id).expect("a terminal").1 = value["exit_code"].as_i64(),
            }
        }
    }

    /// The model's messages.
    pub(crate) fn messages(&self) -> Vec<&str> {
        self.texts.iter().filter(|text| text.0 == "message").map(|text| text.2.as_str()).collect()
    }

    /// The call with this title.
    pub(crate) fn call(&self, title: &str) -> &ToolCall {
        let found = self.calls.iter().find(|call| call.title == title);
        found.unwrap_or_else(|| panic!("no call {title:?} in {self:#?}"))
    }

    /// What a call with this title printed, in a terminal or as text.
    pub(crate) fn output(&self, title: &str) -> String {
        let call = self.call(title);
        let parts = call.content.iter().map(|content| match content {
            ToolCallContent::Content(content) => match &content.content {
                ContentBlock::Text(text) => text.text.clone(),
                other => panic!("text, not {other:?}"),
            },
            ToolCallContent::Terminal(terminal) => self.terminals[&*terminal.terminal_id.0].0.clone(),
            other => panic!("output, not {other:?}"),
        });
        parts.collect()
    }

    /// The diffs of a call.
    pub(crate) fn diffs(&self, title: &str) -> Vec<Diff> {
        let content = self.call(title).content.iter();
        content
            .filter_map(|content| if let ToolCallContent::Diff(diff) = content { Some(diff.clone()) } else { None })
            .collect()
    }

    /// No call is left open.
    #[track_caller]
    pub(crate) fn assert_closed(&self) {
        for call in &self.calls {
            let closed = matches!(call.status, ToolCallStatus::Completed | ToolCallStatus::Failed);
            assert!(closed, "{} is {:?}", call.title, call.status);
        }
    }
}

impl Stage {
    /// What has come so far.
    pub(crate) fn screen(&mut self) -> Screen {
        Screen::of(&self.events.updates())
    }

    /// The next permission request, with the updates before it.
    pub(crate) async fn asked(&mut self) -> (Asked, Vec<SessionUpdate>) {
        let mut updates = Vec::new();
        loop {
            match self.events.next().await {
                Event::Update(_, update) => updates.push(*update),
                Event::Asked(asked) => return (asked, updates),
                other => panic!("an ask, not {other:?}"),
            }
        }
    }

    /// Collects updates until one fits.
    pub(crate) async fn until(&mut self, mut fits: impl FnMut(&SessionUpdate) -> bool) -> Vec<SessionUpdate> {
        let mut updates = Vec::new();
        loop {
            if let Event::Update(_, update) = self.events.next().await {
                let found = fits(&update);
                updates.push(*update);
                if found {
                    return updates;
                }
            }
        }
    }
}

/// Whether an update opens a call with this title.
pub(crate) fn opens(update: &SessionUpdate, title: &str) -> bool {
    matches!(update, SessionUpdate::ToolCall(call) if call.title == title)
}
