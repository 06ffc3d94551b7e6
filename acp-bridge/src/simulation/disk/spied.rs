//! What passes through a log and is in no record, for the checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::record::{Epoch, Kind, Origin, Record, Seq};
use acp_types::{Raw, RawBuf, rewrite};

/// An answer to a question of an agent, as a host took it from the queue.
#[derive(Debug, Clone)]
pub(in crate::simulation) struct AnswerTaken {
    pub(in crate::simulation) process: u64,
    pub(in crate::simulation) client: Arc<str>,
    pub(in crate::simulation) request: Seq,
    pub(in crate::simulation) answer: RawBuf,
}

/// An append that its process knows to be stored.
#[derive(Debug, Clone)]
pub(in crate::simulation) struct Acknowledged {
    pub(in crate::simulation) process: u64,
    pub(in crate::simulation) records: Vec<Arc<Record>>,
}

/// All of it.
#[derive(Debug, Default)]
pub(in crate::simulation) struct Spied {
    /// Oldest first.
    pub(in crate::simulation) answers: Vec<AnswerTaken>,
    /// Oldest first.
    pub(in crate::simulation) acknowledged: Vec<Acknowledged>,
    /// The process that has the session in each epoch.
    pub(in crate::simulation) epochs: BTreeMap<Epoch, u64>,
    /// Turns that a host has acknowledged before the log had them: the turn, and the head of the log.
    pub(in crate::simulation) early: Vec<(Seq, Seq)>,
    /// Records of a host that was none any more, each with the head behind which it wrote them.
    pub(in crate::simulation) forged: Vec<(Seq, Vec<Arc<Record>>)>,
}

/// Takes out of a record what the bridge tells all clients in it.
pub(super) fn silence(record: &mut Arc<Record>) {
    if record.origin == Origin::Host && record.kind == Kind::Update {
        let body = rewrite::remove_member(record.body.as_raw(), "update");
        let body = rewrite::set_member(body.as_raw(), "update", Raw::EMPTY_OBJECT);
        *record = Arc::new(Record { body, ..Record::clone(record) });
    }
}

/// Takes out of a record that the work of a child is over, if the bridge says so.
pub(super) fn silence_ends(record: &mut Arc<Record>) {
    let is_end = |path: &[&str]| record.body.as_raw().path(path).is_some();
    if record.origin == Origin::Host && (is_end(&["update", "state"]) || is_end(&["changed", "state"])) {
        let member = if record.kind == Kind::Update { "update" } else { "changed" };
        let body = rewrite::set_path(record.body.as_raw(), &[member, "state"], Raw::EMPTY_OBJECT);
        *record = Arc::new(Record { body, ..Record::clone(record) });
    }
}

/// Takes out of a record the name that an agent has for a child.
pub(super) fn forget_name(record: &mut Arc<Record>) {
    if record.kind == Kind::ChildUpdated {
        let body = rewrite::remove_member(record.body.as_raw(), "agentSession");
        *record = Arc::new(Record { body, ..Record::clone(record) });
    }
}
