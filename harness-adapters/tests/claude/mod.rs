//! What a client of Claude Code sees, put together from updates.
#![allow(dead_code, reason = "each test file uses its part")]

use acp_server::types::v1::{
    ContentBlock, ContentChunk, Diff, PlanEntryStatus, SessionUpdate, ToolCall, ToolCallContent, ToolCallStatus,
};

use crate::support::{Asked, Event, Events, Stage};

/// One thing on the client's screen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    User(String),
    Message { id: String, text: String },
    Thought { id: String, text: String },
    Call(Box<ToolCall>),
    Plan(Vec<(String, PlanEntryStatus)>),
}

/// Puts updates together as clients do: chunks of one message are joined, calls keep their place.
pub(crate) fn screen(updates: &[SessionUpdate]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for update in updates {
        match update {
            SessionUpdate::UserMessageChunk(chunk) => items.push(Item::User(text_of(chunk))),
            SessionUpdate::AgentMessageChunk(chunk) => match (items.last_mut(), id_of(chunk)) {
                (Some(Item::Message { id, text }), new) if *id == new => text.push_str(&text_of(chunk)),
                (_, id) => items.push(Item::Message { id, text: text_of(chunk) }),
            },
            SessionUpdate::AgentThoughtChunk(chunk) => match (items.last_mut(), id_of(chunk)) {
                (Some(Item::Thought { id, text }), new) if *id == new => text.push_str(&text_of(chunk)),
                (_, id) => items.push(Item::Thought { id, text: text_of(chunk) }),
            },
            SessionUpdate::ToolCall(call) => {
                let known = calls(&items).iter().any(|known| known.tool_call_id == call.tool_call_id);
                assert!(!known, "{} was opened twice", call.tool_call_id);
                items.push(Item::Call(Box::new(call.clone())));
            }
            SessionUpdate::ToolCallUpdate(update) => {
                let call = items.iter_mut().find_map(|item| match item {
                    Item::Call(call) if call.tool_call_id == update.tool_call_id => Some(call),
                    _ => None,
                });
                let call = call.unwrap_or_else(|| panic!("{} was updated before it was opened", update.tool_call_id));
                call.update(update.fields.clone());
            }
            SessionUpdate::Plan(plan) => {
                let entries = plan.entries.iter().map(|entry| (entry.content.clone(), entry.status.clone()));
                items.push(Item::Plan(entries.collect()));
            }
            _ => {}
        }
    }
    items
}

/// The calls among them.
pub(crate) fn calls(items: &[Item]) -> Vec<&ToolCall> {
    let calls = items.iter().filter_map(|item| if let Item::Call(call) = item { Some(&**call) } else { None });
    calls.collect()
}

/// The texts of the model among them.
pub(crate) fn messages(items: &[Item]) -> Vec<&str> {
    let texts =
        items.iter().filter_map(|item| if let Item::Message { text, .. } = item { Some(&**text) } else { None });
    texts.collect()
}

/// The call of a tool with this title.
pub(crate) fn call<'a>(items: &'a [Item], title: &str) -> &'a ToolCall {
    let found = calls(items).into_iter().find(|call| call.title == title);
    found.unwrap_or_else(|| panic!("no call {title:?} in {items:#?}"))
}

/// The text of a call's content.
pub(crate) fn output(call: &ToolCall) -> String {
    let texts = call.content.iter().filter_map(|content| match content {
        ToolCallContent::Content(content) => match &content.content {
            ContentBlock::Text(text) => Some(text.text.as_str()),
            _ => None,
        },
        _ => None,
    });
    texts.collect()
}

/// The only diff of a call.
pub(crate) fn diff(call: &ToolCall) -> &Diff {
    let [ToolCallContent::Diff(diff)] = &call.content[..] else { panic!("one diff, not {:?}", call.content) };
    diff
}

/// All calls are over.
pub(crate) fn assert_closed(items: &[Item]) {
    for call in calls(items) {
        let over = matches!(call.status, ToolCallStatus::Completed | ToolCallStatus::Failed);
        assert!(over, "{} is {:?}", call.title, call.status);
    }
}

/// What has been shown since the last look.
pub(crate) fn shown(stage: &mut Stage) -> Vec<Item> {
    screen(&stage.events.updates())
}

fn text_of(chunk: &ContentChunk) -> String {
    match &chunk.content {
        ContentBlock::Text(text) => text.text.clone(),
        other => format!("{other:?}"),
    }
}

fn id_of(chunk: &ContentChunk) -> String {
    chunk.message_id.as_ref().expect("a message has an id").0.to_string()
}

/// A screen that goes on being watched while something is waited for.
#[derive(Debug, Default)]
pub(crate) struct Watch(Vec<SessionUpdate>);

impl Watch {
    /// Watches until `pick` has a value for an event that is no update.
    pub(crate) async fn event<T>(&mut self, events: &mut Events, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            match events.next().await {
                Event::Update(_, update) => self.0.push(*update),
                other => {
                    if let Some(found) = pick(other) {
                        return found;
                    }
                }
            }
        }
    }

    /// Watches until a question comes.
    pub(crate) async fn asked(&mut self, events: &mut Events) -> Asked {
        self.event(events, |event| if let Event::Asked(asked) = event { Some(asked) } else { None }).await
    }

    /// Watches until the screen is as wanted.
    pub(crate) async fn until(&mut self, events: &mut Events, wanted: impl Fn(&[Item]) -> bool) {
        while !wanted(&screen(&self.0)) {
            if let Event::Update(_, update) = events.next().await {
                self.0.push(*update);
            }
        }
    }

    /// Watches until the model has said this.
    pub(crate) async fn said(&mut self, events: &mut Events, what: &str) {
        self.until(events, |items| messages(items).iter().any(|text| text.contains(what))).await;
    }

    /// Watches until a call with this title runs.
    pub(crate) async fn runs(&mut self, events: &mut Events, title: &str) {
        let running = |call: &&ToolCall| call.title == title && call.status == ToolCallStatus::InProgress;
        self.until(events, |items| calls(items).iter().any(running)).await;
    }

    /// The whole screen, with what is there already.
    pub(crate) fn screen(&mut self, events: &mut Events) -> Vec<Item> {
        self.0.extend(events.updates());
        screen(&self.0)
    }
}

/// The processes of Claude Code that work in a directory or below it.
pub(crate) fn processes(directory: &std::path::Path) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").expect("a process list").flatten();
    let numbered = entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    let ours = numbered.filter(|(_, path)| {
        let program = std::fs::read_link(path.join("exe"));
        let place = std::fs::read_link(path.join("cwd"));
        program.is_ok_and(|program| program.ends_with("claude"))
            && place.is_ok_and(|place| place.starts_with(directory))
    });
    ours.map(|(process, _)| process).collect()
}

/// Ends a process without asking it.
pub(crate) fn kill(process: i32) {
    let process = rustix::process::Pid::from_raw(process).expect("a process");
    rustix::process::kill_process(process, rustix::process::Signal::KILL).expect("killed");
}
