//! Agents behind a link: they number what they say, keep it until it is on stable storage, and outlive the bridge.

use std::collections::VecDeque;

use acp_bridge::session::{CallId, FromAgent, Input};
use acp_types::record::body::{AgentLink, AgentStarted};
use acp_types::record::{Kind, Origin};
use acp_types::{RawBuf, RequestId};

use super::World;
use super::agent::Agent;
use super::material::{ASKED, METHODS, UPDATES, pick, raw};

/// A call of a bridge that is no more: whatever answers it answers nothing.
const FORGOTTEN: CallId = CallId(u64::MAX);

/// How long nothing is decided for clients that may come back after a restart.
const CLIENTS_RETURN: u64 = 10_000_000;

/// One message of an agent; it can be sent again.
#[derive(Debug, Clone)]
pub(super) enum Said {
    Update(u8),
    Request { id: RequestId, method: u8 },
    Withdrew(RequestId),
    Notification,
    Answered { call: CallId, prompt: bool, outcome: Result<RawBuf, RawBuf> },
}

impl Said {
    fn event(&self) -> FromAgent {
        match self.clone() {
            Self::Update(kind) => FromAgent::Update(raw(pick(&UPDATES, kind).unwrap()).into()),
            Self::Request { id, method } => {
                let method = pick(&METHODS, method).unwrap().to_string();
                FromAgent::Request { id, method, params: Some(raw(ASKED)) }
            }
            Self::Withdrew(id) => FromAgent::Withdrew(id),
            Self::Notification => FromAgent::Notification { method: "_x".into(), params: None },
            Self::Answered { call, outcome, .. } => FromAgent::Answered { call, outcome },
        }
    }
}

/// An agent's end of its link.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// Names this run of it.
    pub(super) instance: String,
    /// The number of its last message.
    pub(super) position: u64,
    /// The numbers of its updates that are for clients.
    updates: Vec<u64>,
    /// What the bridge has not acknowledged.
    held: VecDeque<(u64, Said)>,
    /// The bridge that it was connected to is no more.
    away: bool,
    /// The bridge waits for it, if it is still there.
    awaited: bool,
}

impl Link {
    /// That of a new run, which has said something before it was open.
    pub(super) fn new(instance: String) -> Self {
        Self { instance, position: 3, ..Self::default() }
    }

    /// Whether the bridge waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited
    }

    /// It is no more.
    pub(super) fn dies(&mut self) {
        self.held.clear();
        self.away = false;
    }

    /// What it has said so far is on stable storage.
    pub(super) fn acknowledged(&mut self) {
        if !self.away {
            self.held.clear();
        }
    }
}

impl Agent {
    /// Loses the bridge, whose numbers for what it has asked mean nothing any more. The next one has another for the prompt.
    fn cut_off(&mut self) {
        self.link.away = true;
        self.number_calls(FORGOTTEN, |_| true);
        self.answered.clear();
    }

    /// Gives calls that are open, or answered and not acknowledged, another number.
    fn number_calls(&mut self, number: CallId, which: impl Fn(bool) -> bool) {
        let open = self.open.iter_mut().map(|(call, prompt)| (call, *prompt));
        let answered = self.link.held.iter_mut().filter_map(|(_, said)| match said {
            Said::Answered { call, prompt, .. } => Some((call, *prompt)),
            _ => None,
        });
        open.chain(answered).filter(|(_, prompt)| which(*prompt)).for_each(|(call, _)| *call = number);
    }

    /// Whether it has a prompt whose answer is not in the log.
    fn has_prompt(&self) -> bool {
        let answered = |said: &Said| matches!(said, Said::Answered { prompt: true, .. });
        self.open.iter().any(|(_, prompt)| *prompt) || self.link.held.iter().any(|(_, said)| answered(said))
    }
}

impl World {
    /// `started`, over a link if this is a world of links. Every run of an agent has another name.
    pub(super) fn linked(&mut self, started: AgentStarted) -> AgentStarted {
        if !self.links {
            return started;
        }
        self.runs += 1;
        let instance = format!("run {}", self.runs);
        let link = Some(AgentLink { instance: instance.clone(), keep_ms: 1000 });
        self.agent().link = Link::new(instance);
        AgentStarted { link, ..started }
    }

    /// The number of what the agent of the lane said last.
    pub(super) fn position(&mut self) -> Option<u64> {
        self.links.then(|| self.agent().link.position)
    }

    /// The agent says something. While it is away it only keeps it.
    pub(super) fn say(&mut self, said: Said) {
        let event = said.event();
        let links = self.links;
        let link = &mut self.agent().link;
        link.position += 1;
        let away = link.away;
        if let Said::Update(kind) = said
            && pick(&UPDATES, kind).is_some_and(|text| text.starts_with('{') && !text.contains("foreign"))
        {
            link.updates.push(link.position);
        }
        if links {
            link.held.push_back((link.position, said));
        }
        if !away {
            let position = self.position();
            self.handle(Input::Agent { lane: self.lane.into(), position, event });
        }
    }

    /// Whether the agent can talk to the bridge.
    pub(super) fn is_connected(&mut self) -> bool {
        self.agent().alive && !self.agent().link.away
    }

    /// The bridge is no more: children go with it, those behind a link stay, and those that the log knows will be awaited.
    pub(super) fn cut_off(&mut self) {
        let state = &self.folded;
        self.agents.retain(|name, agent| {
            let known = state.lane(name).and_then(|lane| lane.link());
            agent.starting = false;
            agent.link.awaited = false;
            agent.cut_off();
            // Another run than that in the log is refused when it comes, as one is that the log knows nothing of.
            let stays = known.is_some_and(|known| known.instance == agent.link.instance);
            stays && agent.alive
        });
        let awaited = state.lanes().any(|lane| lane.link().is_some());
        self.hold = awaited.then_some(self.now + CLIENTS_RETURN);
    }

    /// The bridge begins to wait for an agent, from where the log ends.
    pub(super) fn awaits(&mut self, lane: &'static str, link: &AgentLink, received: u64, call: Option<CallId>) {
        let started = self.log.iter().rposition(|r| r.kind == Kind::AgentStarted && *r.lane == *lane).unwrap();
        let of_lane = self.log[started..].iter().filter(|record| *record.lane == *lane);
        assert_eq!(of_lane.filter_map(|record| record.position).max(), Some(received), "where the log ends");
        let agent = self.agents.entry(lane).or_default();
        agent.link.awaited = true;
        if !agent.alive {
            return;
        }
        assert_eq!(agent.link.instance, link.instance);
        // What is in the log is acknowledged now, and not sent again.
        agent.link.held.retain(|(position, _)| *position > received);
        assert!(call.is_some() || !agent.has_prompt(), "an answer that is not in the log is expected");
        agent.number_calls(call.unwrap_or(FORGOTTEN), |prompt| prompt);
    }

    /// At the end: what the agents said is in the log, each message once and in order.
    pub(super) fn check_that_all_was_heard(&self) {
        for (name, agent) in self.agents.iter().filter(|(_, agent)| self.links && agent.alive) {
            let of_run = self.log.iter().rev().filter(|record| *record.lane == **name);
            let of_run = of_run.take_while(|record| record.kind != Kind::AgentStarted);
            let updates = of_run.filter(|record| record.kind == Kind::Update && record.origin == Origin::Agent);
            let mut heard: Vec<u64> = updates.map(|record| record.position.unwrap()).collect();
            heard.reverse();
            assert_eq!(heard, agent.link.updates, "what the agent of {name} said");
        }
    }

    /// The agent comes back, or is given up.
    pub(super) fn returns(&mut self, comes: bool) {
        if !self.agent().link.awaited {
            return;
        }
        self.agent().link.awaited = false;
        if !comes || !self.agent().alive {
            self.agent_dies(self.lane);
            self.hear(FromAgent::Exited { reason: "it was not heard of".into() });
            return;
        }
        let agent = self.agent();
        agent.link.away = false;
        let held: Vec<_> = agent.link.held.iter().cloned().collect();
        let has_prompt = agent.has_prompt();
        let follows = |position| held.iter().any(|(held, _)| *held == position);
        let waits = agent.asked.iter().filter(|asked| asked.answers == 0 && !asked.moot && !follows(asked.position));
        let asked = waits.map(|asked| (asked.position, asked.id.clone())).collect();
        self.hear(FromAgent::Returned { has_prompt, asked });
        for (position, said) in held {
            if let Said::Request { .. } = said {
                let asked = self.agent().asked.iter_mut().find(|asked| asked.position == position).unwrap();
                asked.again = asked.answers > 0;
            }
            self.handle(Input::Agent { lane: self.lane.into(), position: Some(position), event: said.event() });
        }
    }
}
