//! The log of a run: it outlives every process, and takes its time.
//!
//! The records, leases and commands are those of the real memory log. What a host writes is kept back until the run lets it
//! happen: then it is stored, and the host hears of it once the run lets that happen as well. So appends are on their way
//! while other things happen, in the order in which each process made them and in no other, as the contract has it.

mod held;
mod spied;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use acp_types::SessionId;
use acp_types::record::{Epoch, Record, Seq};
use futures_util::FutureExt;
use tokio::sync::watch;

use super::dice::Dice;
use super::fault::Fault;
use super::process::Process;
use crate::log::{Filter, Head, LogError, LogReader, LogView, LogWriter, MemberId, MemoryLog, ReadLimit, SessionInfo};

pub(super) use self::held::What;
use self::held::{Held, Op};
pub(super) use self::spied::{Acknowledged, AnswerTaken, Spied};

/// Somebody who follows the head of a session, and may hear of it later than others.
#[derive(Debug)]
struct Follower {
    process: Arc<Process>,
    session: SessionId,
    source: watch::Receiver<Head>,
    shown: watch::Sender<Head>,
}

/// The log and what is on its way to it.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) log: MemoryLog,
    /// Head of the one session.
    head: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    held: Held,
    followers: Vec<Follower>,
    /// Those of processes that are dead: nobody hears of them any more, not even that they are gone.
    silent: Vec<Follower>,
    dice: Dice,
    fault: Option<Fault>,
    spied: Spied,
}

impl Disk {
    pub(super) fn new(seed: u64, fault: Option<Fault>) -> Arc<Self> {
        let state = State {
            held: Held::default(),
            followers: Vec::new(),
            silent: Vec::new(),
            dice: Dice::new(!seed),
            fault,
            spied: Spied::default(),
        };
        Arc::new(Self { log: MemoryLog::new(), head: AtomicU64::new(0), state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("one thread")
    }

    /// The newest record of the session.
    pub(super) fn head(&self) -> Seq {
        self.head.load(Ordering::SeqCst)
    }

    /// Something is to go wrong on purpose, now, with a chance of so many in a hundred.
    pub(super) fn goes_wrong(&self, fault: Fault, of_100: usize) -> bool {
        let mut state = self.state();
        state.fault == Some(fault) && state.dice.percent(of_100)
    }

    pub(super) fn spied(&self) -> impl std::ops::DerefMut<Target = Spied> + '_ {
        SpiedGuard(self.state())
    }

    /// All records of the log.
    pub(super) fn records(&self, session: &SessionId) -> Vec<Arc<Record>> {
        let mut records: Vec<Arc<Record>> = Vec::new();
        let limit = ReadLimit { records: usize::MAX, bytes: usize::MAX };
        if let Some(Ok(all)) = self.log.read(session, 0, limit, Filter::All).now_or_never() {
            records = all;
        }
        for (after, forged) in &self.state().spied.forged {
            let at = records.iter().position(|record| record.seq > *after).unwrap_or(records.len());
            records.splice(at..at, forged.iter().cloned());
        }
        records
    }

    /// Follows a session for a process.
    pub(super) async fn follow(
        &self,
        process: &Arc<Process>,
        session: &SessionId,
    ) -> Result<watch::Receiver<Head>, LogError> {
        let source = self.log.head(session).await?;
        let (shown, receiver) = watch::channel(source.borrow().clone());
        let follower = Follower { process: Arc::clone(process), session: session.clone(), source, shown };
        self.state().followers.push(follower);
        Ok(receiver)
    }

    /// Returns whether somebody follows a session.
    pub(super) fn is_followed(&self, session: &SessionId) -> bool {
        self.forget_followers();
        self.state().followers.iter().any(|follower| follower.session == *session)
    }

    fn forget_followers(&self) {
        let mut state = self.state();
        let (silent, others) = std::mem::take(&mut state.followers).into_iter().partition(|it| it.process.is_dead());
        state.followers = others;
        state.silent.extend::<Vec<_>>(silent);
        state.followers.retain(|follower| follower.shown.receiver_count() > 0);
    }

    /// Lets those who follow hear of the head: all, or each with a chance.
    pub(super) fn publish(&self, dice: Option<&mut Dice>) {
        self.forget_followers();
        let (mut state, mut dice) = (self.state(), dice);
        for follower in &mut state.followers {
            let now = dice.as_mut().is_none_or(|dice| dice.percent(60));
            if now && *follower.source.borrow() != *follower.shown.borrow() {
                let head = follower.source.borrow_and_update().clone();
                follower.shown.send_replace(head);
            }
        }
    }

    /// Returns whether somebody has not heard of the head.
    pub(super) fn is_told(&self) -> bool {
        let state = self.state();
        state.followers.iter().all(|follower| *follower.source.borrow() == *follower.shown.borrow())
    }

    /// Hands in what a process wants written; ready when it hears what came of it.
    pub(super) async fn write(
        &self,
        process: &Arc<Process>,
        session: &SessionId,
        what: What,
    ) -> Result<Option<SessionInfo>, LogError> {
        process.runs().await;
        let early = matches!(what, What::Append(_)) && self.goes_wrong(Fault::StoredLater, 100);
        let answer = self.state().held.add(process, session, what);
        if early {
            return Ok(None);
        }
        let Ok(answer) = answer.await else { return std::future::pending().await };
        process.runs().await;
        answer
    }

    /// Number of writes of a process that are not stored, and of how many that are it has not heard.
    pub(super) fn held(&self, process: &Process) -> (usize, usize) {
        self.state().held.count(process)
    }

    /// Stores the oldest write of a process.
    pub(super) fn store(&self, process: &Process) {
        let Some(mut op) = self.state().held.first_new(process) else { return };
        let done = self.do_now(&mut op);
        let mut state = self.state();
        if let Ok(Some(info)) = &done {
            state.spied.epochs.insert(info.epoch, process.number);
        }
        state.held.done(op, done);
    }

    /// Refuses the oldest append of a process, as a disk that is full does.
    pub(super) fn refuse(&self, process: &Process) -> bool {
        let mut state = self.state();
        let Some(op) = state.held.first_new(process) else { return false };
        let appends = matches!(op.what, What::Append(_));
        if appends {
            let error = LogError::Unwritable { reason: "the disk is full".to_owned() };
            state.held.done(op, Err(error));
        } else {
            state.held.put_back(op);
        }
        appends
    }

    /// Lets a process hear of its oldest write that is stored.
    pub(super) fn acknowledge(&self, process: &Process) {
        let mut state = self.state();
        let State { held, spied, .. } = &mut *state;
        if let Some((op, done)) = held.first_done(process) {
            if let (What::Append(records), Ok(_)) = (&op.what, &done) {
                spied.acknowledged.push(Acknowledged { process: process.number, records: records.clone() });
            }
            // Whoever made it may have given up.
            let _ = op.told.send(done);
        }
    }

    /// The process is dead: its first writes are stored, so many, and the others are lost.
    pub(super) fn lose(&self, process: &Process, kept: usize) {
        for _ in 0..kept {
            self.store(process);
        }
        self.state().held.lose(process);
    }

    fn do_now(&self, op: &mut Op) -> Result<Option<SessionInfo>, LogError> {
        let log = &self.log;
        let done = match &mut op.what {
            What::Append(records) => {
                self.garble(records);
                let appended = log.append(&op.session, records.clone()).now_or_never().expect("it is memory");
                match appended {
                    Err(LogError::Fenced { .. }) if self.goes_wrong(Fault::TwoWriters, 100) => {
                        let after = self.head();
                        self.state().spied.forged.push((after, records.clone()));
                        Ok(None)
                    }
                    appended => appended.map(|()| None),
                }
            }
            What::Create(host, records) => {
                let created = log.create(&op.session, host, records.clone()).now_or_never().expect("it is memory");
                created.and_then(|()| self.info(&op.session))
            }
            What::Claim(host) => log.claim(&op.session, host).now_or_never().expect("it is memory").map(Some),
            What::Release(host, epoch) => {
                log.release(&op.session, host, *epoch).now_or_never().expect("it is memory").map(|()| None)
            }
        };
        if let Ok(Some(info)) = self.info(&op.session) {
            self.head.store(info.head, Ordering::SeqCst);
        }
        done
    }

    fn info(&self, session: &SessionId) -> Result<Option<SessionInfo>, LogError> {
        self.log.get(session).now_or_never().expect("it is memory")
    }

    /// Has records go wrong that are written.
    fn garble(&self, records: &mut [Arc<Record>]) {
        if self.goes_wrong(Fault::ChoiceUntold, 100) {
            records.iter_mut().for_each(spied::silence);
        }
        if self.goes_wrong(Fault::ChildEndUntold, 100) {
            records.iter_mut().for_each(spied::silence_ends);
        }
        if self.goes_wrong(Fault::ChildNameLost, 100) {
            records.iter_mut().for_each(spied::forget_name);
        }
    }
}

/// Names the host and, for a release, the epoch.
impl What {
    pub(super) fn release(host: &MemberId, epoch: Epoch) -> Self {
        Self::Release(host.clone(), epoch)
    }
}

struct SpiedGuard<'d>(MutexGuard<'d, State>);

impl std::ops::Deref for SpiedGuard<'_> {
    type Target = Spied;

    fn deref(&self) -> &Spied {
        &self.0.spied
    }
}

impl std::ops::DerefMut for SpiedGuard<'_> {
    fn deref_mut(&mut self) -> &mut Spied {
        &mut self.0.spied
    }
}
