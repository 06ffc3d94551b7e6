//! A client that wants its prompts done whatever happens to its connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::record::Seq;
use serde_json::{Value, json};

use super::agent::MODES;
use super::agents::SECOND_LANE;
use super::dice::Dice;
use super::disk::Disk;
use super::link::{Fate, Link, Read};
use super::socket::ClientEnd;
use super::visit::{Entry, Visit};

/// A prompt, known by its key.
#[derive(Debug, Clone)]
pub(super) struct Prompt {
    lane: &'static str,
    on_busy: &'static str,
    pub(super) fate: Fate,
}

/// A client for the time of a run.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) name: usize,
    session: Arc<str>,
    /// Number of its connections so far.
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
    pub(super) fn new(name: usize, session: Arc<str>) -> Self {
        let (prompts, over) = (BTreeMap::new(), Vec::new());
        Self { name, session, connections: 0, link: None, cursor: 0, prompts, repeated: 0, over }
    }

    /// Connections that it ever had.
    pub(super) fn visits(&self) -> impl Iterator<Item = &Visit> {
        self.over.iter().chain(self.link.as_ref().map(|link| &link.visit))
    }

    /// The name of its next connection.
    pub(super) fn next_connection(&mut self) -> Arc<str> {
        self.connections += 1;
        format!("client {} connection {}", self.name, self.connections).into()
    }

    /// Opens a connection of any kind, or without dice one of a controller that goes on where it was and sees everything.
    pub(super) fn connect(
        &mut self,
        id: Arc<str>,
        gateway: u64,
        (socket, disk): (ClientEnd, &Disk),
        dice: Option<&mut Dice>,
    ) {
        let visit = match dice {
            Some(dice) => Visit::any(id, dice),
            None => Visit::plain(id, Entry::Resume),
        };
        self.link = Some(Link::open(visit, Arc::clone(&self.session), gateway, socket, disk));
    }

    /// The connection is over. It may have read what was written to it, so many messages at most.
    pub(super) fn drop_link(&mut self, disk: &Disk, most: usize) -> Option<Arc<str>> {
        self.read(disk, most);
        let mut visit = self.link.take()?.visit;
        // What was written with that may be lost.
        visit.reached = visit.told.saturating_sub(1);
        visit.is_cut = true;
        self.over.push(visit);
        self.over.last().map(|visit| Arc::clone(&visit.connection))
    }

    /// Prompts that wait for an answer.
    pub(super) fn open(&self) -> Vec<String> {
        let open = self.prompts.iter().filter(|(_, prompt)| prompt.fate == Fate::Open);
        open.map(|(key, _)| key.clone()).collect()
    }

    /// Number of times that it has sent a prompt.
    fn sent(&self, key: &str) -> usize {
        self.visits().flat_map(|visit| &visit.sent).filter(|sent| *sent == key).count()
    }

    /// Returns whether it may ask for things.
    fn acts(&mut self) -> Option<&mut Link> {
        self.link.as_mut().filter(|link| link.is_attached() && link.visit.controller)
    }

    /// Thinks of a new prompt and sends it.
    pub(super) fn prompt_anew(&mut self, dice: &mut Dice) {
        if self.acts().is_none() {
            return;
        }
        let key = format!("{}-{}", self.name, self.prompts.len());
        let lane = if dice.percent(40) { SECOND_LANE } else { "main" };
        let on_busy = ["queue", "queue", "queue", "steer", "interrupt", "reject"][dice.below(6)];
        self.prompts.insert(key.clone(), Prompt { lane, on_busy, fate: Fate::Open });
        self.prompt(&key);
    }

    /// Sends a prompt under its key, again perhaps.
    pub(super) fn prompt(&mut self, key: &str) {
        let Some(prompt) = self.prompts.get(key) else { return };
        let params = json!({
            "sessionId": &*self.session,
            "prompt": [{ "type": "text", "text": key }],
            "_meta": { "acp-bridge": { "key": key, "lane": prompt.lane, "onBusy": prompt.on_busy } },
        });
        let interrupts = prompt.on_busy == "interrupt";
        let again = self.sent(key) > 0;
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
        let lane = [None, None, Some("main"), Some(SECOND_LANE)][dice.below(4)];
        let scope = ["turn", "turn", "turn", "queued", "all"][dice.below(5)];
        let session = Arc::clone(&self.session);
        let Some(link) = self.acts() else { return };
        let children = link.visit.family.known.len();
        if children > 0 && dice.percent(40) {
            return link.stop_child(dice.below(children));
        }
        link.visit.stops += 1;
        if dice.percent(20) && link.give_up() {
            return;
        }
        let ours = json!({ "lane": lane, "scope": scope });
        let params = json!({ "sessionId": &*session, "_meta": { "acp-bridge": ours } });
        link.send(&json!({ "jsonrpc": "2.0", "method": "session/cancel", "params": params }));
    }

    /// Chooses a mode for an agent.
    pub(super) fn choose(&mut self, dice: &mut Dice) {
        let lane = if dice.percent(40) { SECOND_LANE } else { "main" };
        let mode = MODES[dice.below(MODES.len())];
        let session = Arc::clone(&self.session);
        if let Some(link) = self.acts() {
            let ours = json!({ "acp-bridge": { "lane": lane } });
            link.request("session/set_mode", &json!({ "sessionId": &*session, "modeId": mode, "_meta": ours }));
        }
    }

    /// An agent more is to come.
    pub(super) fn add_lane(&mut self) {
        let session = Arc::clone(&self.session);
        if let Some(link) = self.acts() {
            let params = json!({ "sessionId": &*session, "lane": SECOND_LANE, "agent": "helper" });
            link.request(acp_types::meta::LANE_ADD, &params);
        }
    }

    /// Answers a question.
    pub(super) fn answer(&mut self, which: usize) {
        if let Some(link) = &mut self.link {
            link.answer(which);
        }
    }

    /// Reads what its gateway has written, so many messages at most.
    pub(super) fn read(&mut self, disk: &Disk, most: usize) {
        let Some(link) = &mut self.link else { return };
        for read in link.read(self.name, self.cursor, disk, most) {
            match read {
                // It may have been accepted when it was sent before.
                Read::Prompt { key, answer: Fate::Refused(why) } if self.sent(&key) > 1 && is_elsewhere(&why) => {}
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

/// Whether a prompt was refused by a host that does not have the session, and so knows nothing of what was sent before.
fn is_elsewhere(why: &Value) -> bool {
    let why = why["error"]["message"].as_str().unwrap_or_default();
    ["another host", "no host", "the host stops", "too many commands"].iter().any(|part| why.starts_with(part))
}
