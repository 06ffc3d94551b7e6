//! What one client sees of a session and its child sessions, over all the connections that it has had.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::kind;
use super::log::{Row, rows};
use super::{Bridge, Client};

/// An update as it was shown: its place, its session, and what it says.
#[derive(Debug, PartialEq)]
struct Shown {
    seq: u64,
    of: String,
    update: Value,
}

/// A client, and what it saw. Each message is checked as it comes.
pub struct Family {
    client: Option<Client>,
    subagents: bool,
    session: String,
    shown: Vec<Shown>,
    /// Requests for permission on this connection that have no answer.
    asked: Vec<Value>,
    /// Children that were announced on this connection.
    announced: BTreeSet<String>,
    /// How turns have ended.
    ended: Vec<String>,
}

impl Family {
    /// A client that has made a session.
    pub fn making(client: impl FnOnce(&mut Client) -> String, bridge: &Bridge, subagents: bool) -> Self {
        let mut connected = connect(bridge, subagents);
        let session = client(&mut connected);
        Self::of(connected, session, subagents)
    }

    /// A client that sees a session from its beginning.
    pub fn joining(bridge: &Bridge, session: &str, subagents: bool) -> Self {
        let mut client = connect(bridge, subagents);
        client.resume(session, Some(0));
        Self::of(client, session.to_owned(), subagents)
    }

    /// A client that loads a session: all of it is there when this returns.
    pub fn loading(bridge: &Bridge, session: &str) -> Self {
        let mut client = connect(bridge, true);
        client.load(session);
        let mut family = Self::of(client, session.to_owned(), true);
        let loaded: Vec<Value> = family.client().kept().cloned().collect();
        loaded.into_iter().for_each(|message| family.see(message));
        family
    }

    fn of(client: Client, session: String, subagents: bool) -> Self {
        let (shown, asked, announced, ended) = Default::default();
        Self { client: Some(client), subagents, session, shown, asked, announced, ended }
    }

    pub fn session(&self) -> &str {
        &self.session
    }

    pub fn client(&mut self) -> &mut Client {
        self.client.as_mut().expect("it is connected")
    }

    /// Leaves without a word.
    pub fn cut(&mut self) {
        self.client = None;
        self.announced.clear();
        self.asked.clear();
    }

    /// Comes back, behind the last that it saw.
    pub fn reconnect(&mut self, bridge: &Bridge) {
        self.cut();
        let mut client = connect(bridge, self.subagents);
        client.resume(&self.session, Some(self.shown.last().map_or(0, |last| last.seq)));
        self.client = Some(client);
    }

    /// Watches until everything is as wanted.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) {
        while !wanted(self) {
            let message = self.client().wait_for(what, |_| true);
            self.see(message);
        }
    }

    /// Watches until a turn has ended. Returns how.
    pub fn turn_ended(&mut self) -> String {
        self.until("the end of a turn", |family| !family.ended.is_empty());
        self.ended.remove(0)
    }

    /// Watches until somebody asks for permission. Returns who.
    pub fn asker(&mut self) -> String {
        self.until("a request for permission", |family| !family.asked.is_empty());
        text(&self.asked[0]["params"]["sessionId"]).to_owned()
    }

    /// Nobody waits for its answer.
    pub fn is_asked_nothing(&self) -> bool {
        self.asked.is_empty()
    }

    /// Allows once what was asked first.
    pub fn allow(&mut self) {
        let asked = self.asked.remove(0);
        let options = asked["params"]["options"].as_array().expect("options");
        let once = options.iter().find(|option| option["kind"] == "allow_once").expect("once");
        let chosen = json!({ "outcome": { "outcome": "selected", "optionId": once["optionId"] } });
        self.client().respond(&asked["id"], &chosen);
    }

    /// The children in the order in which they were announced first.
    pub fn children(&self) -> Vec<&str> {
        let mut children = Vec::new();
        for child in self.shown.iter().filter_map(|shown| told_of(&shown.update)) {
            if !children.contains(&child) {
                children.push(child);
            }
        }
        children
    }

    /// The child with this task, once it is known.
    pub fn find(&self, task: &str) -> Option<&str> {
        let is_task = |shown: &&Shown| {
            shown.update["sessionUpdate"].as_str().is_some_and(|kind| kind.starts_with("session_message"))
                && shown.update["content"].to_string().contains(task)
        };
        self.shown.iter().find(is_task).map(|shown| shown.of.as_str())
    }

    pub fn child(&self, task: &str) -> String {
        self.find(task).unwrap_or_else(|| panic!("no child with the task {task:?}: {:#?}", self.shown)).to_owned()
    }

    /// The states of a child's work, in order.
    pub fn states(&self, child: &str) -> Vec<&str> {
        let told = self.shown.iter().filter(|shown| told_of(&shown.update) == Some(child));
        let states = told.map(|shown| &shown.update["state"]).filter(|state| state.is_object());
        states.map(|state| state["stopReason"].as_str().unwrap_or_else(|| text(&state["state"]))).collect()
    }

    /// True once the child with this task is known and in this state.
    pub fn is(&self, task: &str, state: &str) -> bool {
        self.find(task).is_some_and(|child| self.states(child).last() == Some(&state))
    }

    /// What a session has said.
    pub fn said(&self, of: &str) -> String {
        let own = self.shown.iter().filter(|shown| shown.of == of);
        let said = own.filter(|shown| shown.update["sessionUpdate"] == "agent_message_chunk");
        said.map(|shown| text(&shown.update["content"]["text"])).collect()
    }

    /// True once an update of a session has this text in it, wherever.
    pub fn shows(&self, of: &str, text: &str) -> bool {
        self.shown.iter().any(|shown| shown.of == of && shown.update.to_string().contains(text))
    }

    /// True once a call of a session is completed.
    pub fn has_done(&self, of: &str) -> bool {
        self.shown.iter().any(|shown| shown.of == of && shown.update["status"] == "completed")
    }

    /// The client saw each update in the log that is for it: once, in order, and as it stands there. What clients said
    /// themselves is not shown to them.
    pub fn assert_as_in_log(&self, bridge: &Bridge) {
        let rows = rows(bridge, &self.session);
        let wanted: Vec<Shown> = rows.iter().filter_map(|row| self.wanted(row)).collect();
        let seen: Vec<&Shown> =
            self.shown.iter().filter(|shown| shown.update["sessionUpdate"] != "user_message_chunk").collect();
        for (seen, wanted) in seen.iter().zip(&wanted) {
            assert_eq!(*seen, wanted);
        }
        assert_eq!(seen.len(), wanted.len(), "{seen:#?}");
    }

    fn wanted(&self, row: &Row) -> Option<Shown> {
        if row.kind != "update" {
            return None;
        }
        let body: Value = serde_json::from_str(&row.body).expect("JSON");
        let mut update = body["update"].clone();
        let kind = text(&update["sessionUpdate"]).to_owned();
        let of = text(&body["sessionId"]).to_owned();
        let of_children = of != self.session || kind == "subagent_update" || kind.starts_with("session_message");
        if kind == "user_message_chunk" || (of_children && !self.subagents) {
            return None;
        }
        if let Some(content) = update.get_mut("content").and_then(Value::as_array_mut)
            && !self.subagents
        {
            content.retain(|content| content["type"] != "session");
        }
        Some(Shown { seq: row.seq, of, update })
    }

    fn see(&mut self, message: Value) {
        if !self.subagents {
            let child = format!("{}~", self.session);
            assert!(!message.to_string().contains(&child), "nothing of a child: {message}");
        }
        let of = text(&message["params"]["sessionId"]).to_owned();
        let known = of.is_empty() || of == self.session || self.announced.contains(&of);
        assert!(known, "{of} was not announced on this connection: {message}");
        match message["method"].as_str() {
            Some("session/request_permission") => self.asked.push(message),
            Some("_acp-bridge/turn_ended") => self.ended.push(text(&message["params"]["outcome"]).to_owned()),
            Some("session/update") => {
                let update = message["params"]["update"].clone();
                self.announced.extend(told_of(&update).map(str::to_owned));
                let Some(seq) = message["params"]["_meta"]["acp-bridge"]["seq"].as_u64() else {
                    assert_eq!(kind(&message), Some("subagent_update"), "only who is announced again has no seq");
                    return;
                };
                let before = self.shown.last().map_or(0, |last| last.seq);
                assert!(seq > before, "{before} comes before {message}");
                self.shown.push(Shown { seq, of, update });
            }
            Some(_) => {}
            // Who has prompted is told by the answer.
            None => match message["result"]["stopReason"].as_str() {
                Some("end_turn") => self.ended.push("completed".to_owned()),
                Some(other) => self.ended.push(other.to_owned()),
                None => assert!(message["error"].is_null(), "{message}"),
            },
        }
    }
}

/// The child that an update tells of.
fn told_of(update: &Value) -> Option<&str> {
    (update["sessionUpdate"] == "subagent_update").then(|| text(&update["sessionId"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn connect(bridge: &Bridge, subagents: bool) -> Client {
    let mut client = Client::connect(&bridge.address);
    // As the agent writes it.
    let mut capabilities = json!({ "_meta": { "terminal_output": true } });
    if subagents {
        capabilities["subagents"] = json!({});
    }
    client.call("initialize", &json!({ "protocolVersion": 1, "clientCapabilities": capabilities }));
    client
}
