//! Writes that are on their way.

use std::collections::VecDeque;
use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::{Epoch, Record};
use tokio::sync::oneshot;

use crate::log::{LogError, MemberId, SessionInfo};
use crate::simulation::process::Process;

/// What is to be written.
#[derive(Debug)]
pub(in crate::simulation) enum What {
    Create(MemberId, Vec<Arc<Record>>),
    Claim(MemberId),
    Release(MemberId, Epoch),
    Append(Vec<Arc<Record>>),
}

type Done = Result<Option<SessionInfo>, LogError>;

/// One write.
#[derive(Debug)]
pub(super) struct Op {
    process: u64,
    pub(super) session: SessionId,
    pub(super) what: What,
    pub(super) told: oneshot::Sender<Done>,
}

/// All of them, each process's oldest first.
#[derive(Debug, Default)]
pub(super) struct Held {
    new: VecDeque<Op>,
    done: VecDeque<(Op, Done)>,
    /// Writes of dead processes.
    lost: Vec<Op>,
}

impl Held {
    pub(super) fn add(&mut self, process: &Process, session: &SessionId, what: What) -> oneshot::Receiver<Done> {
        let (told, answer) = oneshot::channel();
        self.new.push_back(Op { process: process.number, session: session.clone(), what, told });
        answer
    }

    pub(super) fn count(&self, process: &Process) -> (usize, usize) {
        let new = self.new.iter().filter(|op| op.process == process.number).count();
        (new, self.done.iter().filter(|(op, _)| op.process == process.number).count())
    }

    /// Takes the oldest write of a process that is not done.
    pub(super) fn first_new(&mut self, process: &Process) -> Option<Op> {
        let at = self.new.iter().position(|op| op.process == process.number)?;
        self.new.remove(at)
    }

    pub(super) fn put_back(&mut self, op: Op) {
        self.new.push_front(op);
    }

    pub(super) fn done(&mut self, op: Op, done: Done) {
        self.done.push_back((op, done));
    }

    /// Takes the oldest write of a process that is done.
    pub(super) fn first_done(&mut self, process: &Process) -> Option<(Op, Done)> {
        let at = self.done.iter().position(|(op, _)| op.process == process.number)?;
        self.done.remove(at)
    }

    /// Nothing of a process comes to anything any more, and it does not hear of that.
    pub(super) fn lose(&mut self, process: &Process) {
        while let Some(op) = self.first_new(process) {
            self.lost.push(op);
        }
        while let Some((op, _)) = self.first_done(process) {
            self.lost.push(op);
        }
    }
}
