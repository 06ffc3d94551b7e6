//! Child sessions as one connection was told of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Members of what is told of a child that say what it is and does.
const MEMBERS: [&str; 3] = ["title", "state", "capabilities"];

/// What is known of a child: members that are not there are not known.
pub(super) type Known = Map<String, Value>;

/// A child that was told of outside the log.
#[derive(Debug, Clone)]
pub(super) struct Introduced {
    pub(super) child: String,
    pub(super) known: Known,
}

/// All of a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Family {
    /// The client has said that it understands child sessions.
    pub(super) is_wanted: bool,
    pub(super) introduced: Vec<Introduced>,
    /// What the client knows of each child by now.
    pub(super) known: BTreeMap<String, Known>,
    /// Messages that speak of a child of which the client had not been told.
    pub(super) strays: Vec<String>,
    /// Children that it asked to stop.
    pub(super) stops: BTreeSet<String>,
    /// Messages about children, for a client that does not understand them.
    pub(super) heard: Vec<String>,
}

impl Family {
    pub(super) fn new(is_wanted: bool) -> Self {
        Self { is_wanted, ..Self::default() }
    }

    /// Takes note of a message, before what it says is taken in.
    pub(super) fn read(&mut self, session: &str, frame: &str) {
        let value: Value = serde_json::from_str(frame).expect("JSON");
        let mut named = BTreeSet::new();
        collect(&value, &format!("{session}~"), &mut named);
        let update = &value["params"]["update"];
        let kind = update["sessionUpdate"].as_str().unwrap_or_default();
        let is_about = !named.is_empty()
            || matches!(kind, "subagent_update" | "session_message")
            || frame.contains(r#""type":"session""#);
        if !is_about {
            return;
        }
        if !self.is_wanted {
            self.heard.push(frame.to_owned());
        }
        if kind == "subagent_update" {
            let child = update["sessionId"].as_str().expect("a child");
            merge(self.known.entry(child.to_owned()).or_default(), update);
            // It is a child of something that is known.
            named = [value["params"]["sessionId"].as_str().expect("a session").to_owned()].into();
            named.remove(session);
        }
        if named.iter().any(|child| !self.known.contains_key(child)) {
            self.strays.push(frame.to_owned());
        }
    }

    /// A child is told of outside the log.
    pub(super) fn introduce(&mut self, params: &Value) {
        let child = params["update"]["sessionId"].as_str().expect("a child").to_owned();
        let mut known = Known::new();
        merge(&mut known, &params["update"]);
        self.introduced.push(Introduced { child, known });
    }
}

/// Takes in what is said of a child: `null` clears a member.
pub(super) fn merge(known: &mut Known, update: &Value) {
    for name in MEMBERS {
        match update.get(name) {
            None => {}
            Some(Value::Null) => {
                known.remove(name);
            }
            Some(value) => {
                known.insert(name.to_owned(), value.clone());
            }
        }
    }
}

/// All texts that begin so.
fn collect(value: &Value, begin: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.starts_with(begin) => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, begin, found)),
        Value::Object(members) => members.values().for_each(|member| collect(member, begin, found)),
        _ => {}
    }
}
