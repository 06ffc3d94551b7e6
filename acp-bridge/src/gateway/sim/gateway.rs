//! Between the clients' connections and the host: what a gateway's driver and effect runner do.

use std::sync::Arc;

use acp_types::{RawBuf, rewrite};

use super::agent::raw;
use super::breaks::Break;
use super::owner::SESSION;
use super::world::{Next, Waiting, World};
use crate::command::CommandAnswer;
use crate::gateway::attachment::Seen;
use crate::gateway::connection::{Effect as Wanted, EffectOutcome, Opened};
use crate::service::ServiceError;
use crate::session::{Command, CommandId, Reply};
use crate::view::{Begin, EntryKind};

impl World {
    /// Takes what the gateway wants done to the bus.
    pub(super) fn pump(&mut self) {
        for at in 0..self.clients.len() {
            loop {
                self.read(at);
                let Some(link) = &mut self.clients[at].link else { break };
                link.hear();
                let effects = link.effects();
                if effects.is_empty() {
                    break;
                }
                for effect in effects {
                    self.wanted(at, effect);
                }
            }
        }
    }

    /// Nothing is told before it is stored (P2).
    fn read(&mut self, at: usize) {
        let client = &mut self.clients[at];
        client.read();
        if let Some(link) = &client.link {
            let (told, head) = (link.visit.told, self.log.head());
            self.findings.expect(told <= head, "P2", || format!("client {at} was told of {told}, the log has {head}"));
        }
    }

    fn wanted(&mut self, at: usize, effect: Wanted) {
        let connection = self.clients[at].connections;
        let Some(link) = &mut self.clients[at].link else { return };
        let id = Arc::clone(&link.visit.connection);
        let wait = |then| Some(Waiting { client: at, connection, then });
        match effect {
            Wanted::Submit { command: Command::Describe { .. }, then, .. } => {
                let answer = Ok(Reply::Agent(Ok(raw("{}"))));
                link.connection.done(EffectOutcome::Submitted { then, answer });
            }
            Wanted::Submit { command, then, .. } => self.bus.push_back((id, command, wait(Next::Submitted(then)))),
            Wanted::Open { params, coming, id: request, .. } => {
                let looks_on = matches!(&coming.entry, EntryKind::Attach(attach) if !attach.role.is_controller());
                let next = Next::Opened { id: request, coming };
                if looks_on {
                    // Whoever only looks on brings nothing for the agent.
                    self.answer(wait(next), Ok(Reply::State(raw("{}"))));
                } else {
                    self.bus.push_back((id, Command::Attach { params }, wait(next)));
                }
            }
            other => panic!("no client asks for {other:?}"),
        }
    }

    pub(super) fn reply(&mut self, command: CommandId, reply: CommandAnswer) {
        if let Ok(Reply::Turn(turn)) = &reply {
            let (turn, head) = (*turn, self.log.head());
            self.findings
                .expect(turn <= head, "P2", || format!("turn {turn} was acknowledged, and the log has {head} records"));
        }
        let waiting = self.host.waiting(command);
        self.answer(waiting, reply);
    }

    fn answer(&mut self, waiting: Option<Waiting>, reply: CommandAnswer) {
        let Some(Waiting { client, connection, then }) = waiting else { return };
        let client = &mut self.clients[client];
        let Some(link) = client.link.as_mut().filter(|_| client.connections == connection) else { return };
        let outcome = match then {
            Next::Submitted(then) => EffectOutcome::Submitted { then, answer: reply.map_err(ServiceError::Host) },
            Next::Opened { id, mut coming } => {
                let Ok(Reply::State(result)) = reply else { panic!("{reply:?}") };
                let (state, head) = (self.shared.state(&self.log.records), self.log.head());
                let after = match &coming.entry {
                    EntryKind::Load => 0,
                    EntryKind::Resume { after } => after.unwrap_or(head),
                    EntryKind::Attach(attach) => match &attach.begin {
                        Begin::Oldest => 0,
                        Begin::After(after) => *after,
                        Begin::Head => head,
                        Begin::Message(message) => panic!("nobody asks for {message}"),
                    },
                };
                link.visit.opened = Some((after, head));
                link.visit.reached = after;
                let result = rewrite::remove_member(result.as_raw(), "sessionId");
                for record in self.log.records.iter().filter(|record| record.seq <= after) {
                    coming.earlier.hear(record, &coming.lanes, &state);
                }
                let opened = Ok(Box::new(Opened { result, seen: Seen { state, head }, follower: None, after }));
                EffectOutcome::Opened { session: SESSION.into(), coming, id, opened }
            }
        };
        link.connection.done(outcome);
    }

    /// Hands a connection the next records.
    pub(super) fn show(&mut self, client: usize, some: usize) {
        let wrong = self.wrong.filter(|_| self.dice.percent(10));
        let Some(link) = &mut self.clients[client].link else { return };
        if let Some(tail) = &mut link.tail {
            let cursor = &mut tail.cursor;
            match wrong {
                Some(Break::RecordSkipped) if *cursor < self.log.head() => *cursor += 1,
                Some(Break::RecordTwice) if *cursor > link.visit.opened.map_or(0, |(_, head)| head) => *cursor -= 1,
                _ => {}
            }
        }
        let asked = link.visit.asks.len();
        link.records(&self.log.records, some);
        self.read(client);
        if wrong == Some(Break::NotAsked)
            && let Some(link) = &mut self.clients[client].link
            && link.visit.asks.len() > asked
        {
            link.visit.asks.truncate(asked);
        }
    }

    /// A client goes away. What it asked for before is still done, and the host is told.
    pub(super) fn drop_client(&mut self, client: usize) {
        self.read(client);
        let Some(mut link) = self.clients[client].drop_link() else { return };
        self.faults.client += 1;
        link.connection.leave();
        let id = Arc::clone(&link.visit.connection);
        for effect in link.effects() {
            match effect {
                Wanted::Submit { command: Command::Describe { .. }, .. } => {}
                Wanted::Submit { command, .. } => self.bus.push_back((Arc::clone(&id), command, None)),
                Wanted::Open { params, .. } => self.bus.push_back((Arc::clone(&id), Command::Attach { params }, None)),
                other => panic!("no client asks for {other:?}"),
            }
        }
        if self.wrong == Some(Break::DropStops) {
            self.bus.push_back((id, Command::cancel(None), None));
        }
    }
}

/// The text of the one block of a prompt.
pub(super) fn text_of(params: Option<&RawBuf>) -> String {
    let prompt = params.and_then(|params| params.as_raw().member("prompt"));
    let text = prompt.and_then(|prompt| prompt.elements().next()?.member("text")?.as_string());
    text.expect("a prompt").into_owned()
}
