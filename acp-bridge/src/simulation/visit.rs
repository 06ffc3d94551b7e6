//! Requests of a client, and what it saw, on one connection.

use std::sync::Arc;

use acp_types::Raw;
use acp_types::record::{Record, Seq, Turn};
use serde_json::{Value, json};

use super::dice::Dice;
use super::family::Family;

/// Way of a client to the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// `session/load`.
    Load,
    /// `session/resume` with the cursor that it has.
    Resume,
    /// `session/resume` without one.
    Live,
    /// `session/attach` with a history policy.
    Attach(&'static str),
    /// `session/attach` with the cursor that it has.
    AttachAfter,
}

/// An update that was shown.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) seq: Seq,
    pub(super) text: String,
    /// The session that it is of.
    pub(super) of: String,
    /// The `update` member as it was written.
    pub(super) update: String,
}

/// A question that was asked.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) key: u64,
    pub(super) question: String,
    pub(super) answered: bool,
    pub(super) withdrawn: bool,
}

/// All of one connection.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) connection: Arc<str>,
    pub(super) entry: Entry,
    pub(super) controller: bool,
    /// The lanes that it wants to see; all without.
    pub(super) lanes: Option<Vec<&'static str>>,
    /// What it was told of child sessions.
    pub(super) family: Family,
    /// The cursor that it came with.
    cursor: Seq,
    /// Where the log ended when it came, which it can tell so exactly: between these.
    pub(super) head: Option<(Seq, Seq)>,
    /// Seq up to which it had been shown all by then.
    pub(super) history: usize,
    /// Everything up to here has been shown, also what it is not to see.
    pub(super) reached: Seq,
    /// It was cut, perhaps in the middle of what was to be told of one record.
    pub(super) is_cut: bool,
    pub(super) shown: Vec<Shown>,
    pub(super) asks: Vec<Ask>,
    /// Ends of turns that it was told.
    pub(super) ended: Vec<(Turn, String)>,
    /// Turns of which it was told that the log cannot be written.
    pub(super) faults: Vec<Turn>,
    /// Answers to questions that it was told.
    pub(super) resolved: Vec<Seq>,
    pub(super) caught_up: Option<Seq>,
    /// Number of times that it asked for something to stop.
    pub(super) stops: u64,
    /// Keys of the prompts that it sent.
    pub(super) sent: Vec<String>,
    /// Turns whose end its prompts were answered with.
    pub(super) answered: Vec<Turn>,
    /// Keys of the prompts whose turns have failed, as far as it was answered so.
    pub(super) failed: Vec<String>,
    /// The greatest seq that it was told in any way.
    pub(super) told: Seq,
    /// It was told of this seq when the log had this head.
    pub(super) early: Option<(Seq, Seq)>,
}

impl Visit {
    /// One of every kind; with a cursor, most of the time.
    pub(super) fn any(connection: Arc<str>, dice: &mut Dice) -> Self {
        let entry = match dice.below(12) {
            0 | 1 => Entry::Load,
            2 => Entry::Live,
            3 => Entry::Attach("full"),
            4 => Entry::Attach("pending_only"),
            5 => Entry::Attach("none"),
            6 | 7 => Entry::AttachAfter,
            _ => Entry::Resume,
        };
        let attaches = matches!(entry, Entry::Attach(_) | Entry::AttachAfter);
        let lanes = match dice.below(10) {
            0 => Some(vec!["main"]),
            1 => Some(vec!["two"]),
            2 => Some(vec![]),
            _ => None,
        };
        let controller = !(attaches && dice.percent(30));
        let family = Family::new(dice.percent(65));
        Self { controller, lanes, family, ..Self::plain(connection, entry) }
    }

    /// Of a controller that sees everything.
    pub(super) fn plain(connection: Arc<str>, entry: Entry) -> Self {
        Self {
            connection,
            entry,
            controller: true,
            lanes: None,
            family: Family::new(true),
            cursor: 0,
            head: None,
            history: 0,
            reached: 0,
            is_cut: false,
            shown: Vec::new(),
            asks: Vec::new(),
            ended: Vec::new(),
            faults: Vec::new(),
            resolved: Vec::new(),
            caught_up: None,
            stops: 0,
            sent: Vec::new(),
            answered: Vec::new(),
            failed: Vec::new(),
            told: 0,
            early: None,
        }
    }

    /// The request that opens it.
    pub(super) fn request(&mut self, session: &str, client: usize, cursor: Seq) -> (&'static str, Value) {
        self.cursor = cursor;
        let mut params = json!({ "sessionId": session, "cwd": "/", "mcpServers": [] });
        let mut ours = json!({ "lanes": self.lanes });
        let method = match self.entry {
            Entry::Load => "session/load",
            Entry::Live | Entry::Resume => "session/resume",
            Entry::Attach(_) | Entry::AttachAfter => {
                params["clientId"] = json!(format!("client {client}"));
                params["role"] = json!(if self.controller { "controller" } else { "observer" });
                "session/attach"
            }
        };
        match self.entry {
            Entry::Resume | Entry::AttachAfter => ours["after"] = json!(cursor),
            Entry::Attach(policy) => params["historyPolicy"] = json!(policy),
            Entry::Load | Entry::Live => {}
        }
        params["_meta"] = json!({ "acp-bridge": ours });
        (method, params)
    }

    /// It has come: what it was answered, and the heads of the log when it asked and when it was answered.
    pub(super) fn come(&mut self, answer: &Value, before: Seq, written: Seq) {
        if let Some(replayed) = answer["replayed"].as_u64() {
            let shown = self.shown.len() + self.family.introduced.len();
            assert_eq!(replayed, shown as u64, "the answer says how much was shown");
        }
        let exact = answer["_meta"]["acp-bridge"]["seq"].as_u64().filter(|_| self.attaches());
        self.head = Some(exact.map_or((before, written), |head| (head, head)));
        self.told = self.told.max(exact.unwrap_or(0));
        self.history = self.shown.len();
    }

    /// The cursor from which it is shown records: `None` for where the log ended.
    pub(super) fn after(&self) -> Option<Seq> {
        match self.entry {
            Entry::Load | Entry::Attach("full") => Some(0),
            Entry::Resume | Entry::AttachAfter => Some(self.cursor),
            Entry::Live | Entry::Attach(_) => None,
        }
    }

    /// Returns whether it has attached to be told of the others as well.
    pub(super) fn attaches(&self) -> bool {
        matches!(self.entry, Entry::Attach(_) | Entry::AttachAfter)
    }

    /// Returns whether it sees a lane.
    pub(super) fn sees(&self, lane: &str) -> bool {
        self.lanes.as_ref().is_none_or(|lanes| lanes.contains(&lane))
    }

    /// Returns whether chunks of history may come joined.
    pub(super) fn joins(&self) -> bool {
        matches!(self.entry, Entry::Load | Entry::Attach("full"))
    }

    /// Returns whether a record was made by this connection.
    pub(super) fn made(&self, record: &Record) -> bool {
        record.origin.client().is_some_and(|client| **client == *self.connection)
    }

    /// Takes note of a notification.
    pub(super) fn notification(&mut self, frame: &str) {
        let frame = Raw::parse(frame).expect("JSON");
        let params = frame.member("params").unwrap_or(Raw::EMPTY_OBJECT);
        let value: Value = serde_json::from_str(params.as_str()).expect("JSON");
        let seq = value["_meta"]["acp-bridge"]["seq"].as_u64();
        self.told = self.told.max(seq.unwrap_or(0));
        match frame.member("method").and_then(Raw::as_string).as_deref() {
            Some("session/update") => match value["update"]["sessionUpdate"].as_str() {
                Some("permission_resolved") => {
                    self.resolved.push(value["update"]["requestId"].as_u64().expect("a request"));
                }
                Some("client_connected" | "client_disconnected") => {}
                Some("subagent_update") if seq.is_none() => self.family.introduce(&value),
                _ => self.shown.push(Shown {
                    seq: seq.expect("a seq"),
                    text: text_of_update(&value["update"]),
                    of: value["sessionId"].as_str().expect("a session").to_owned(),
                    update: params.member("update").expect("an update").as_str().to_owned(),
                }),
            },
            Some(acp_types::meta::TURN_ENDED) => {
                let outcome = value["outcome"].as_str().expect("an outcome").to_owned();
                let turn = value["turn"].as_u64().expect("a turn");
                match seq {
                    Some(_) => self.ended.push((turn, outcome)),
                    // It is in no log.
                    None => self.faults.push(turn),
                }
            }
            Some(acp_types::meta::CAUGHT_UP) => {
                assert!(self.caught_up.is_none(), "told twice that it has caught up");
                self.caught_up = value["seq"].as_u64();
                self.told = self.told.max(self.caught_up.unwrap_or(0));
                self.history = self.shown.len();
            }
            _ => {}
        }
    }
}

/// The text of an update: that of its chunk, or what the agent has put there to tell its words apart. The bridge's own have none.
fn text_of_update(update: &Value) -> String {
    update["content"]["text"].as_str().or(update["_text"].as_str()).unwrap_or_default().to_owned()
}
