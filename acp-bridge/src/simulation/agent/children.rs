//! Child sessions of an agent process.

use std::collections::BTreeSet;

use super::{Deeds, said_by};
use crate::simulation::dice::Dice;

/// What every process calls its session.
pub(in crate::simulation) const SESSION: &str = "a";

/// What every process calls its child sessions, each with what it calls the parent.
const NAMES: [(&str, &str); 3] = [("k0", SESSION), ("k1", SESSION), ("k2", "k0")];

/// The children that a process has announced.
#[derive(Debug, Default)]
pub(super) struct Children {
    /// The client that made the session understands them.
    wanted: bool,
    announced: BTreeSet<&'static str>,
    works: BTreeSet<&'static str>,
    /// Those that somebody wants to stop.
    stopping: BTreeSet<&'static str>,
}

/// What is done in the name of a child, or with one.
#[derive(Debug)]
pub(super) enum ChildAct {
    Writes(String),
    /// It asks.
    Asks(&'static str),
}

impl Children {
    /// Takes note of what clients can be shown, by the params of `initialize`.
    pub(super) fn offered(&mut self, subagents: bool) {
        self.wanted = subagents;
    }

    pub(super) fn are_idle(&self) -> bool {
        self.works.is_empty()
    }

    /// Somebody wants a child to stop, whose work is then over soon, or is not.
    pub(super) fn stop(&mut self, name: &str) {
        self.stopping.extend(self.works.iter().filter(|works| **works == name));
    }

    /// The next thing that is done. `asking`: those that wait for an answer, which do not end.
    pub(super) fn act(
        &mut self,
        (lane, deeds): (&str, &mut Deeds),
        asking: &BTreeSet<&'static str>,
        dice: &mut Dice,
        calm: bool,
    ) -> Option<ChildAct> {
        let at_work: Vec<&'static str> = self.works.iter().copied().collect();
        let ends = |name: &&&'static str| !asking.contains(**name);
        if calm {
            let name = *at_work.iter().rev().find(ends)?;
            return Some(self.end(lane, deeds, name));
        }
        let stopping = self.stopping.iter().copied().find(|name| !asking.contains(name));
        if let Some(name) = stopping.filter(|_| dice.percent(50)) {
            return Some(self.end(lane, deeds, name));
        }
        let what = dice.below(11);
        if what < 3 {
            return self.announce(lane, deeds, dice);
        }
        let name = *at_work.get(dice.below(at_work.len()))?;
        match what {
            3..=6 => Some(say(lane, deeds, name)),
            7 => Some(message(lane, deeds, name)),
            8 => Some(refer(lane, deeds, name)),
            9 if !asking.contains(name) => Some(ChildAct::Asks(name)),
            10 if !asking.contains(name) => Some(self.end(lane, deeds, name)),
            _ => None,
        }
    }

    /// Announces a child, or says that it works, under another title.
    fn announce(&mut self, lane: &str, deeds: &mut Deeds, dice: &mut Dice) -> Option<ChildAct> {
        let (name, parent) = NAMES[dice.below(NAMES.len())];
        if !self.wanted || parent != SESSION && !self.announced.contains(parent) {
            return None;
        }
        self.announced.insert(name);
        self.works.insert(name);
        let text = deeds.next_text(lane);
        let state = r#""state":{"state":"running"},"capabilities":{"cancel":{}}"#;
        let update = format!(
            r#"{{"sessionUpdate":"subagent_update","sessionId":"{name}","title":"{text}",{state},"_text":"{text}"}}"#
        );
        deeds.subjects.insert(text.clone(), name);
        Some(ChildAct::Writes(said_by(deeds, parent, text, update)))
    }

    fn end(&mut self, lane: &str, deeds: &mut Deeds, name: &'static str) -> ChildAct {
        self.works.remove(name);
        let reason = if self.stopping.remove(name) { "cancelled" } else { "end_turn" };
        let text = deeds.next_text(lane);
        let state = format!(r#"{{"state":"idle","stopReason":"{reason}"}}"#);
        let update =
            format!(r#"{{"sessionUpdate":"subagent_update","sessionId":"{name}","state":{state},"_text":"{text}"}}"#);
        deeds.subjects.insert(text.clone(), name);
        ChildAct::Writes(said_by(deeds, parent_of(name), text, update))
    }
}

fn parent_of(name: &str) -> &'static str {
    NAMES.iter().find(|(known, _)| *known == name).map_or(SESSION, |(_, parent)| parent)
}

/// Some of a message of a child.
fn say(lane: &str, deeds: &mut Deeds, name: &'static str) -> ChildAct {
    let text = deeds.next_text(lane);
    let update = format!(r#"{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"{text}"}}}}"#);
    ChildAct::Writes(said_by(deeds, name, text, update))
}

/// The session, or its parent, has told a child something.
fn message(lane: &str, deeds: &mut Deeds, name: &'static str) -> ChildAct {
    let text = deeds.next_text(lane);
    let parent = parent_of(name);
    let content = format!(r#"[{{"type":"text","text":"{text}"}}]"#);
    let update = format!(
        r#"{{"sessionUpdate":"session_message","senderSessionId":"{parent}","recipientSessionId":"{name}","content":{content},"_text":"{text}"}}"#
    );
    ChildAct::Writes(said_by(deeds, name, text, update))
}

/// A tool call of the parent refers to a child.
fn refer(lane: &str, deeds: &mut Deeds, name: &'static str) -> ChildAct {
    let text = deeds.next_text(lane);
    let reference = reference(name);
    let other = r#"{"type":"content","content":{"type":"text","text":"at work"}}"#;
    let update = format!(
        r#"{{"sessionUpdate":"tool_call","toolCallId":"{text}","title":"asks","content":[{reference},{other}],"_text":"{text}"}}"#
    );
    ChildAct::Writes(said_by(deeds, parent_of(name), text, update))
}

/// Content of a tool call that refers to a session, by a name.
pub(in crate::simulation) fn reference(name: &str) -> String {
    format!(r#"{{"type":"session","sessionId":"{name}"}}"#)
}
