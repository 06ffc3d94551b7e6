//! Child sessions: what agents say of them, what the log says, and what clients were told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use acp_types::Raw;
use acp_types::record::body::{ChildCancelRequested, ChildUpdated};
use acp_types::record::{Kind, Origin, Record, Seq};
use serde_json::Value;

use super::views::text_in;
use crate::simulation::agent::{SESSION, reference};
use crate::simulation::evidence::Evidence;
use crate::simulation::family::{Introduced, Known, merge};
use crate::simulation::finding::Findings;
use crate::simulation::visit::Visit;

/// What breaks one of these.
pub(in crate::simulation) const CHILDREN: &str = "children";

/// A child by the log.
struct Child {
    announced: Seq,
    lane: Arc<str>,
    /// What is known of it from each of these records on.
    known: Vec<(Seq, Known)>,
}

impl Child {
    fn is_over(&self) -> bool {
        let known = self.known.last().map(|(_, known)| known);
        known.is_some_and(|known| known["state"]["state"] == "idle" && !known.contains_key("capabilities"))
    }

    /// What is known of it at a seq.
    fn at(&self, seq: Seq) -> Option<&Known> {
        self.known.iter().rev().find(|(since, _)| *since <= seq).map(|(_, known)| known)
    }
}

/// All children by the log, by their ids.
type Children = BTreeMap<String, Child>;

/// The names of children as their agents have them, by lane, with the ids that clients know.
pub(super) type Names = BTreeMap<(Arc<str>, String), String>;

/// The session or child that params in a record belong to.
pub(super) fn session_in(record: &Record) -> String {
    record.body.as_raw().member("sessionId").and_then(Raw::as_string).unwrap_or_default().into_owned()
}

/// Returns whether only clients that understand child sessions are shown an update.
pub(super) fn is_of_child(evidence: &Evidence, record: &Record) -> bool {
    let kind = record.body.as_raw().path(&["update", "sessionUpdate"]).and_then(Raw::as_string);
    session_in(record) != evidence.session.as_str()
        || matches!(kind.as_deref(), Some("subagent_update" | "session_message"))
}

/// An update that an agent has said, as a client is to see it.
pub(super) fn as_shown(evidence: &Evidence, names: &Names, lane: &Arc<str>, visit: &Visit, said: &str) -> String {
    let own = (SESSION.to_owned(), evidence.session.as_str().to_owned());
    let of_lane = names.iter().filter(|((of, _), _)| of == lane).map(|((_, name), id)| (name.clone(), id.clone()));
    let mut shown = said.to_owned();
    for (name, id) in of_lane.chain([own]) {
        if !visit.family.is_wanted {
            shown = shown.replace(&format!("{},", reference(&name)), "");
        }
        for member in ["sessionId", "senderSessionId", "recipientSessionId"] {
            shown = shown.replace(&format!(r#""{member}":"{name}""#), &format!(r#""{member}":"{id}""#));
        }
    }
    shown
}

/// Each child has one id for all the time, whichever process speaks of it.
pub(super) fn ids_are_stable(evidence: &Evidence, findings: &mut Findings) -> Names {
    let mut names = Names::new();
    let mut named = |lane: &Arc<str>, name: &str, id: String, findings: &mut Findings| {
        let known = names.entry((Arc::clone(lane), name.to_owned())).or_insert_with(|| id.clone());
        findings.expect(*known == id, CHILDREN, || format!("{name} of {lane} is {known} and {id}"));
    };
    for record in evidence.records.iter().filter(|record| record.origin == Origin::Agent) {
        let text = match record.kind {
            Kind::Update => text_in(record),
            Kind::PermissionRequested => super::requests::question_in(record),
            _ => continue,
        };
        let Some(deeds) = evidence.deeds.get(&record.lane) else { continue };
        if let Some(speaker) = deeds.speakers.get(&text) {
            let of = session_in(record);
            match *speaker {
                SESSION => {
                    let right = of == evidence.session.as_str();
                    findings.expect(right, CHILDREN, || format!("{text} is said in {of}, not in the session"));
                }
                child => named(&record.lane, child, of, findings),
            }
        }
        if let Some(child) = deeds.subjects.get(&text) {
            named(&record.lane, child, told_of(record).expect("a child"), findings);
        }
    }
    let ids: BTreeSet<&String> = names.values().collect();
    findings.expect(ids.len() == names.len(), CHILDREN, || format!("two children have one id: {names:?}"));
    names
}

/// The child that an update says something of.
fn told_of(record: &Record) -> Option<String> {
    let update = record.body.as_raw().member("update")?;
    let kind = update.member("sessionUpdate").and_then(Raw::as_string)?;
    let child = update.member("sessionId").and_then(Raw::as_string)?;
    (record.kind == Kind::Update && kind == "subagent_update").then(|| child.into_owned())
}

/// The log announces each child before anything else of it, with the update that tells clients, and says that its work is
/// over before its agent is started again, and once all is settled.
pub(super) fn the_log_tells_of_each(evidence: &Evidence, findings: &mut Findings) {
    let mut children = Children::new();
    for (at, record) in evidence.records.iter().enumerate() {
        match record.kind {
            Kind::ChildUpdated => {
                let updated: ChildUpdated = record.decode().expect("a child");
                let id = updated.session.as_str();
                let next = evidence.records.get(at + 1);
                let told = next.and_then(|next| told_of(next)).is_some_and(|told| told == id);
                findings.expect(told, CHILDREN, || format!("clients are not told of {id} what {} says", record.seq));
                if !children.contains_key(id) {
                    let right = id == evidence.session.child(record.seq).as_str();
                    findings.expect(right, CHILDREN, || format!("{id} is announced in {}", record.seq));
                    let (announced, lane) = (record.seq, Arc::clone(&record.lane));
                    children.insert(id.to_owned(), Child { announced, lane, known: Vec::new() });
                }
            }
            Kind::AgentStarted => {
                let mut of_lane = children.iter().filter(|(_, child)| child.lane == record.lane);
                let works = of_lane.find(|(_, child)| !child.is_over()).map(|(id, _)| id);
                findings.expect(works.is_none(), CHILDREN, || {
                    format!("an agent is started in {}, and {works:?} of a dead one works", record.seq)
                });
            }
            Kind::Update | Kind::PermissionRequested => {
                let of = session_in(record);
                let known = of == evidence.session.as_str() || children.contains_key(&of);
                findings.expect(known, CHILDREN, || format!("{} is of {of}, which was not announced", record.seq));
                take_in(&mut children, record);
            }
            _ => {}
        }
    }
    for (id, child) in &children {
        let state = child.known.last().map(|(_, known)| &known["state"]["state"]);
        let idle = state.is_some_and(|state| state == "idle");
        findings.expect(idle, CHILDREN, || format!("all is settled, and {id} is {state:?}"));
    }
}

fn take_in(children: &mut Children, record: &Record) {
    let Some(child) = told_of(record).and_then(|told| children.get_mut(&told)) else { return };
    let body: Value = serde_json::from_str(record.body.as_str()).expect("JSON");
    let mut known = child.known.last().map(|(_, known)| known.clone()).unwrap_or_default();
    merge(&mut known, &body["update"]);
    child.known.push((record.seq, known));
}

fn children_of(evidence: &Evidence) -> Children {
    let mut children = Children::new();
    for record in &evidence.records {
        if record.kind == Kind::ChildUpdated {
            let id = record.decode::<ChildUpdated>().expect("a child").session.as_str().to_owned();
            let (announced, lane) = (record.seq, Arc::clone(&record.lane));
            children.entry(id).or_insert(Child { announced, lane, known: Vec::new() });
        }
        take_in(&mut children, record);
    }
    children
}

/// Who understands children is told of each before anything else of it, once, and knows in the end what the log says;
/// anybody else hears nothing of any.
pub(super) fn clients_are_told(evidence: &Evidence, findings: &mut Findings) {
    let children = children_of(evidence);
    for visit in &evidence.visits {
        let (who, family) = (&visit.connection, &visit.family);
        findings.expect(family.heard.is_empty(), CHILDREN, || format!("{who} heard of children: {:?}", family.heard));
        let strays = &family.strays;
        findings.expect(strays.is_empty(), CHILDREN, || format!("{who} was not told of them before: {strays:?}"));
        if family.is_wanted {
            introductions(visit, &children, findings);
            what_is_known(visit, &children, findings);
        }
    }
}

/// A child is stopped because a client that knows it has asked for that, and agents are told of no other stop.
pub(super) fn only_who_asks_stops(evidence: &Evidence, names: &Names, findings: &mut Findings) {
    let mut stopped = BTreeSet::new();
    for record in evidence.of_kind(&Kind::ChildCancelRequested) {
        let child = record.decode::<ChildCancelRequested>().expect("a child").session.as_str().to_owned();
        let by = record.origin.client().map(|by| by.to_string()).unwrap_or_default();
        let mut visits = evidence.visits.iter().filter(|visit| *visit.connection == by);
        let asked = visits.any(|visit| visit.family.stops.contains(&child));
        findings.expect(asked, CHILDREN, || format!("{by} has stopped {child} and never asked for it"));
        stopped.insert(child);
    }
    for (lane, deeds) in &evidence.deeds {
        for name in &deeds.stopped {
            let wanted = names.get(&(Arc::clone(lane), name.clone())).is_some_and(|child| stopped.contains(child));
            findings.expect(wanted, CHILDREN, || format!("{name} of {lane} was told to stop, which nobody wanted"));
        }
    }
}

/// Who comes later is told of those that it cannot have heard of, once, as they are then or later.
fn introductions(visit: &Visit, children: &Children, findings: &mut Findings) {
    let who = &visit.connection;
    let mut told = BTreeSet::new();
    let (lowest, highest) = visit.after().map_or(visit.head.unwrap_or((0, Seq::MAX)), |after| (after, after));
    for Introduced { child: id, known } in &visit.family.introduced {
        let Some(child) = children.get(id) else {
            findings.broken(CHILDREN, format!("{who} is told of {id}, which is not in the log"));
            continue;
        };
        // It is asked in a turn of its own, in a lane that it does not see.
        let asks = !visit.sees(&child.lane) && !visit.sent.is_empty() && !visit.asks.is_empty();
        findings.expect(told.insert(id) || asks, CHILDREN, || format!("{who} is told twice that there is {id}"));
        let due = child.announced <= highest && visit.sees(&child.lane) || asks;
        findings.expect(due, CHILDREN, || format!("{who} ({:?}) is told of {id} beside the log", visit.entry));
        let first = child.known.iter().rposition(|(since, _)| *since <= lowest.max(child.announced + 1));
        let right = child.known[first.unwrap_or(0)..].iter().any(|(_, then)| then == known);
        findings.expect(right, CHILDREN, || format!("{who} is told that {id} is {known:?}"));
    }
    let begun = !visit.is_cut || !visit.shown.is_empty() || visit.caught_up.is_some();
    let due = children.iter().filter(|(_, child)| child.announced <= lowest && visit.sees(&child.lane));
    let missed: Vec<_> = due.map(|(id, _)| id).filter(|id| !told.contains(id)).collect();
    findings.expect(missed.is_empty() || !begun, CHILDREN, || format!("{who} was not told that there is {missed:?}"));
}

fn what_is_known(visit: &Visit, children: &Children, findings: &mut Findings) {
    if visit.is_cut {
        return;
    }
    for (id, child) in children.iter().filter(|(_, child)| visit.sees(&child.lane)) {
        let (known, right) = (visit.family.known.get(id), child.at(visit.reached));
        findings.expect(known == right, CHILDREN, || {
            format!("{} knows of {id} {known:?}, and the log {right:?}", visit.connection)
        });
    }
}
