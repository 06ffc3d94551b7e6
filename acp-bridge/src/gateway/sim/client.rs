//! A client that wants its prompts done whatever happens to its connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::record::Seq;
use serde_json::{Value, json};

use super::agent::MODES;
use super::dice::Dice;
use super::link::{Link, Read};
use super::owner::SESSION;
use super::tail::Shared;
use super::visit::{Entry, Visit};

/// What became of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Not sent, or sent and not answered.
    Open,
    /// It was not accepted, and why.
    Refused(Value),
    /// How its turn ended, as the client read it.
    Answered(Value),
}

/// A prompt, known by its key.
#[derive(Debug)]
pub(super) struct Prompt {
    lane: &'static str,
    on_busy: &'static str,
    pub(super) fate: Fate,
}

/// A client for the time of a run.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) name: usize,
    /// How often it has connected.
    pub(super) connections: u64,
    pub(super) link: Option<Link>,
    /// Seq of the last update that it has.
    cursor: Seq,
    pub(super) prompts: BTreeMap<String, Prompt>,
    /// Prompts that were sent more than once.
    pub(super) repeated: u64,
    /// Its connections that are over.
    pub(super) over: Vec<Visit>,
}

impl Client {
    pub(super) fn new(name: usize) -> Self {
        Self { name, connections: 0, link: None, cursor: 0, prompts: BTreeMap::new(), repeated: 0, over: Vec::new() }
    }

    /// Every connection that it ever had.
    pub(super) fn visits(&self) -> impl Iterator<Item = &Visit> {
        self.over.iter().chain(self.link.as_ref().map(|link| &link.visit))
    }

    fn next_connection(&mut self) -> Arc<str> {
        self.connections += 1;
        format!("client {} connection {}", self.name, self.connections).into()
    }

    /// Opens a connection of any kind.
    pub(super) fn connect(&mut self, shared: &Shared, dice: &mut Dice) {
        let id = self.next_connection();
        self.link = Some(Link::open(Visit::any(id, dice), shared));
    }

    /// Opens a connection as a controller that goes on where it was and sees everything.
    pub(super) fn connect_plainly(&mut self, shared: &Shared) {
        let id = self.next_connection();
        self.link = Some(Link::open(Visit::plain(id, Entry::Resume), shared));
    }

    /// The connection is over; what its gateway may still have to do is left to the caller.
    pub(super) fn drop_link(&mut self) -> Option<Link> {
        let link = self.link.take()?;
        self.over.push(link.visit.clone());
        Some(link)
    }

    /// Prompts that wait for an answer.
    pub(super) fn open(&self) -> Vec<String> {
        let open = self.prompts.iter().filter(|(_, prompt)| prompt.fate == Fate::Open);
        open.map(|(key, _)| key.clone()).collect()
    }

    /// Whether it may ask for things.
    fn acts(&mut self) -> Option<&mut Link> {
        self.link.as_mut().filter(|link| link.attached && link.visit.controller)
    }

    /// Thinks of a new prompt and sends it.
    pub(super) fn prompt_anew(&mut self, dice: &mut Dice) {
        if self.acts().is_none() {
            return;
        }
        let key = format!("{}-{}", self.name, self.prompts.len());
        let lane = if dice.percent(40) { "two" } else { "main" };
        let on_busy = ["queue", "queue", "queue", "steer", "interrupt", "reject"][dice.below(6)];
        self.prompts.insert(key.clone(), Prompt { lane, on_busy, fate: Fate::Open });
        self.prompt(&key);
    }

    /// Sends a prompt under its key, again perhaps.
    pub(super) fn prompt(&mut self, key: &str) {
        let Some(prompt) = self.prompts.get(key) else { return };
        let params = json!({
            "sessionId": SESSION,
            "prompt": [{ "type": "text", "text": key }],
            "_meta": { "acp-bridge": { "key": key, "lane": prompt.lane, "onBusy": prompt.on_busy } },
        });
        let interrupts = prompt.on_busy == "interrupt";
        let again = self.visits().any(|visit| visit.sent.iter().any(|sent| sent == key));
        let Some(link) = self.acts() else { return };
        if link.waits_for(key) {
            return;
        }
        link.prompt(key, &params);
        link.visit.stops += u64::from(interrupts);
        self.repeated += u64::from(again);
    }

    /// Stops something.
    pub(super) fn cancel(&mut self, dice: &mut Dice) {
        let lane = [None, None, Some("main"), Some("two")][dice.below(4)];
        let scope = ["turn", "turn", "turn", "queued", "all"][dice.below(5)];
        let Some(link) = self.acts() else { return };
        link.visit.stops += 1;
        if dice.percent(20) && link.give_up() {
            return;
        }
        let ours = json!({ "lane": lane, "scope": scope });
        let params = json!({ "sessionId": SESSION, "_meta": { "acp-bridge": ours } });
        link.send(&json!({ "jsonrpc": "2.0", "method": "session/cancel", "params": params }));
    }

    /// Chooses a mode for an agent.
    pub(super) fn choose(&mut self, dice: &mut Dice) {
        let lane = if dice.percent(40) { "two" } else { "main" };
        let mode = MODES[dice.below(MODES.len())];
        if let Some(link) = self.acts() {
            let ours = json!({ "acp-bridge": { "lane": lane } });
            link.request("session/set_mode", &json!({ "sessionId": SESSION, "modeId": mode, "_meta": ours }));
        }
    }

    /// An agent more is to come.
    pub(super) fn add_lane(&mut self) {
        if let Some(link) = self.acts() {
            let params = json!({ "sessionId": SESSION, "lane": "two", "agent": "helper" });
            link.request(acp_types::meta::LANE_ADD, &params);
        }
    }

    /// Answers a question.
    pub(super) fn answer(&mut self, which: usize) {
        if let Some(link) = &mut self.link {
            link.answer(which);
        }
    }

    /// Reads what its gateway has written.
    pub(super) fn read(&mut self) {
        let Some(link) = &mut self.link else { return };
        for read in link.read(self.name, self.cursor) {
            match read {
                Read::Prompt { key, answer } => {
                    let prompt = self.prompts.get_mut(&key).expect("its own prompt");
                    assert_eq!(prompt.fate, Fate::Open, "{key} was answered twice");
                    prompt.fate = answer;
                }
                Read::Shown(seq) => self.cursor = self.cursor.max(seq),
            }
        }
    }
}
