//! Commands that wait for a host, are with one, or were answered not long ago.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use acp_types::SessionId;
use bytes::Bytes;
use tokio::sync::watch;

use super::super::{CommandId, MemberId, QueueError, QueuedCommand, TakenCommand};

/// Commands that wait for a host. One more is refused.
const MAX_WAITING: usize = 4096;
/// Bytes of the commands that wait. One that does not fit is refused, unless it is alone.
const MAX_BYTES: usize = 64 << 20;
/// Commands that are remembered after they were answered, so that the same id again has no second effect. The oldest goes.
const MAX_REMEMBERED: usize = 4096;
/// Bytes of the answers that are kept for them. The oldest goes, and its command is [`QueueError::Forgotten`].
const MAX_ANSWERS: usize = 4 << 20;

pub(super) type Answer = Result<Bytes, QueueError>;

/// Commands by id, and the inbox of each host.
#[derive(Default)]
pub(super) struct Queue {
    commands: HashMap<CommandId, Entry>,
    inboxes: BTreeMap<MemberId, VecDeque<CommandId>>,
    waiting: usize,
    waiting_bytes: usize,
    /// Answered, oldest first.
    remembered: VecDeque<CommandId>,
    /// Those of them whose answer is kept, oldest first.
    kept: VecDeque<CommandId>,
    kept_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    phase: Phase,
    /// `None` until it is answered.
    answer: watch::Sender<Option<Answer>>,
}

#[derive(Debug)]
enum Phase {
    /// In the inbox of a host.
    Waiting {
        host: MemberId,
        until: Duration,
        command: QueuedCommand,
    },
    /// With a host.
    Taken {
        host: MemberId,
    },
    Answered,
}

/// What a submission comes to at once.
#[derive(Debug)]
pub(super) enum Asked {
    Answered(Answer),
    Waits(watch::Receiver<Option<Answer>>),
}

impl Queue {
    /// Takes a command in; one whose id is known is not taken again.
    pub(super) fn submit(
        &mut self,
        command: QueuedCommand,
        now: Duration,
        route: impl FnOnce(Option<&SessionId>) -> Option<MemberId>,
    ) -> Result<Asked, QueueError> {
        if let Some(known) = self.commands.get(&command.id) {
            let answer = known.answer.borrow().clone();
            return Ok(match answer {
                Some(answer) => Asked::Answered(answer),
                None => Asked::Waits(known.answer.subscribe()),
            });
        }
        let host = route(command.session.as_ref()).ok_or(QueueError::NoHost)?;
        let too_big = self.waiting > 0 && self.waiting_bytes + command.body.len() > MAX_BYTES;
        if self.waiting >= MAX_WAITING || too_big {
            return Err(QueueError::Full { waiting: self.waiting });
        }
        let id = command.id.clone();
        self.waiting += 1;
        self.waiting_bytes += command.body.len();
        self.inboxes.entry(host.clone()).or_default().push_back(id.clone());
        let (answer, answered) = watch::channel(None);
        let phase = Phase::Waiting { host, until: now.saturating_add(command.within), command };
        self.commands.insert(id, Entry { phase, answer });
        Ok(Asked::Waits(answered))
    }

    /// Hands the oldest commands of a host out. Those that have waited for too long are refused instead.
    pub(super) fn take(&mut self, host: &MemberId, now: Duration, most: usize) -> Vec<TakenCommand> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(id) = self.inboxes.get_mut(host).and_then(VecDeque::pop_front) else { break };
            let Some(entry) = self.commands.get_mut(&id) else { continue };
            let Phase::Waiting { until, command, .. } = &mut entry.phase else { continue };
            let remaining = until.saturating_sub(now);
            if remaining.is_zero() {
                self.expire(&id);
                continue;
            }
            self.waiting -= 1;
            self.waiting_bytes -= command.body.len();
            let body = std::mem::take(&mut command.body);
            let (session, from) = (command.session.take(), command.from.clone());
            entry.phase = Phase::Taken { host: host.clone() };
            taken.push(TakenCommand { id, session, from, remaining, body });
        }
        taken
    }

    /// Answers a command. One that was answered before, or that is not known any more, stays as it is.
    pub(super) fn answer(&mut self, id: &CommandId, answer: Answer) {
        let Some(entry) = self.commands.get_mut(id) else { return };
        match std::mem::replace(&mut entry.phase, Phase::Answered) {
            Phase::Answered => return,
            Phase::Taken { .. } => {}
            // Its inbox still names it, and finds it answered.
            Phase::Waiting { command, .. } => {
                self.waiting -= 1;
                self.waiting_bytes -= command.body.len();
            }
        }
        if let Ok(body) = &answer {
            self.kept_bytes += body.len();
            self.kept.push_back(id.clone());
        }
        entry.answer.send_replace(Some(answer));
        self.remembered.push_back(id.clone());
        self.forget();
    }

    /// The time is over in which a host was to take it. One that a host has taken goes on.
    pub(super) fn expire(&mut self, id: &CommandId) {
        if self.commands.get(id).is_some_and(|entry| matches!(entry.phase, Phase::Waiting { .. })) {
            self.answer(id, Err(QueueError::Late));
        }
    }

    /// Hosts have come or gone. What a host has taken that is no member any more has no answer; what waits for one whose
    /// lease does not run goes to another, if there is one.
    pub(super) fn hosts_changed(
        &mut self,
        is_member: impl Fn(&MemberId) -> bool,
        runs: impl Fn(&MemberId) -> bool,
        route: impl Fn(Option<&SessionId>) -> Option<MemberId>,
    ) {
        let gone = |entry: &Entry| matches!(&entry.phase, Phase::Taken { host } if !is_member(host));
        let gone: Vec<_> = self.commands.iter().filter(|(_, entry)| gone(entry)).map(|(id, _)| id.clone()).collect();
        for id in gone {
            self.answer(&id, Err(QueueError::HostGone));
        }
        let late: Vec<_> = self.inboxes.keys().filter(|host| !runs(host)).cloned().collect();
        for host in late {
            for id in self.inboxes.remove(&host).unwrap_or_default() {
                self.hand_on(id, &route);
            }
        }
    }

    fn hand_on(&mut self, id: CommandId, route: impl Fn(Option<&SessionId>) -> Option<MemberId>) {
        let Some(entry) = self.commands.get_mut(&id) else { return };
        let Phase::Waiting { host, command, .. } = &mut entry.phase else { return };
        match route(command.session.as_ref()) {
            Some(next) => {
                *host = next.clone();
                self.inboxes.entry(next).or_default().push_back(id);
            }
            None => self.answer(&id, Err(QueueError::NoHost)),
        }
    }

    /// Whoever waits is told that the log ends.
    pub(super) fn close(&mut self) {
        for (_, entry) in self.commands.drain() {
            entry.answer.send_if_modified(|answer| {
                let open = answer.is_none();
                if open {
                    *answer = Some(Err(super::LogError::Closed.into()));
                }
                open
            });
        }
        *self = Self::default();
    }

    fn forget(&mut self) {
        while self.kept_bytes > MAX_ANSWERS {
            let Some(id) = self.kept.pop_front() else { break };
            self.drop_answer(&id);
        }
        while self.remembered.len() > MAX_REMEMBERED {
            let Some(id) = self.remembered.pop_front() else { break };
            if self.kept.front() == Some(&id) {
                self.kept.pop_front();
                self.drop_answer(&id);
            }
            self.commands.remove(&id);
        }
    }

    /// Whoever waits for it has seen it: a value that was sent is borrowed from the channel, which its readers hold.
    fn drop_answer(&mut self, id: &CommandId) {
        let Some(entry) = self.commands.get_mut(id) else { return };
        let kept = entry.answer.borrow().as_ref().and_then(|answer| answer.as_ref().ok()).map_or(0, Bytes::len);
        self.kept_bytes = self.kept_bytes.saturating_sub(kept);
        // A channel of its own, so that whoever is about to read the answer still finds it.
        entry.answer = watch::Sender::new(Some(Err(QueueError::Forgotten)));
    }
}

/// Waits for the answer of a command.
pub(super) async fn answered(answer: &mut watch::Receiver<Option<Answer>>) -> Answer {
    // The sender goes only with the log, or after the value was set.
    let found = answer.wait_for(Option::is_some).await;
    found.ok().and_then(|found| (*found).clone()).unwrap_or(Err(super::LogError::Closed.into()))
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("waiting", &self.waiting)
            .field("known", &self.commands.len())
            .finish_non_exhaustive()
    }
}
