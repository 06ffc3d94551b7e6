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
const MAX_REMEMBERED: usize = 1024;
/// Bytes of the answers that are kept for them. The oldest goes, and its command is [`QueueError::Forgotten`].
const MAX_ANSWERS: usize = 512 << 10;

pub(super) type Answer = Result<Bytes, QueueError>;

/// Commands by id, and the inbox of each host.
#[derive(Default)]
pub(super) struct Queue {
    /// Without an answer.
    open: HashMap<CommandId, Entry>,
    inboxes: BTreeMap<MemberId, VecDeque<CommandId>>,
    waiting: usize,
    waiting_bytes: usize,
    answered: Answered,
}

#[derive(Debug)]
struct Entry {
    phase: Phase,
    /// Whoever waits for the answer has the other end.
    answer: watch::Sender<Option<Answer>>,
}

#[derive(Debug)]
enum Phase {
    /// In the inbox of a host.
    Waiting { host: MemberId, until: Duration, command: QueuedCommand },
    /// With a host.
    Taken { host: MemberId },
}

/// Commands that were answered not long ago.
#[derive(Debug, Default)]
struct Answered {
    answers: HashMap<CommandId, Answer>,
    /// Oldest first.
    order: VecDeque<CommandId>,
    /// How many of the oldest have lost their answer.
    forgotten: usize,
    bytes: usize,
}

impl Answered {
    fn keep(&mut self, id: CommandId, answer: Answer) {
        self.bytes += answer.as_ref().map_or(0, Bytes::len);
        self.order.push_back(id.clone());
        self.answers.insert(id, answer);
        while self.bytes > MAX_ANSWERS {
            let Some(answer) = self.order.get(self.forgotten).and_then(|id| self.answers.get_mut(id)) else { break };
            let forgotten = std::mem::replace(answer, Err(QueueError::Forgotten));
            self.bytes -= forgotten.map_or(0, |answer| answer.len());
            self.forgotten += 1;
        }
        while self.order.len() > MAX_REMEMBERED {
            let Some(answer) = self.order.pop_front().and_then(|id| self.answers.remove(&id)) else { break };
            self.bytes -= answer.map_or(0, |answer| answer.len());
            self.forgotten = self.forgotten.saturating_sub(1);
        }
    }
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
        if let Some(known) = self.open.get(&command.id) {
            return Ok(Asked::Waits(known.answer.subscribe()));
        }
        if let Some(answer) = self.answered.answers.get(&command.id) {
            return Ok(Asked::Answered(answer.clone()));
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
        self.open.insert(id, Entry { phase, answer });
        Ok(Asked::Waits(answered))
    }

    /// Hands the oldest commands of a host out. Those that have waited for too long are refused instead.
    pub(super) fn take(&mut self, host: &MemberId, now: Duration, most: usize) -> Vec<TakenCommand> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(id) = self.inboxes.get_mut(host).and_then(VecDeque::pop_front) else { break };
            let Some(entry) = self.open.get_mut(&id) else { continue };
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
        let Some((id, entry)) = self.open.remove_entry(id) else { return };
        // Its inbox may still name it, and finds it gone.
        if let Phase::Waiting { command, .. } = entry.phase {
            self.waiting -= 1;
            self.waiting_bytes -= command.body.len();
        }
        // Whoever waits holds the channel, and with it the value.
        entry.answer.send_replace(Some(answer.clone()));
        self.answered.keep(id, answer);
    }

    /// The time is over in which a host was to take it. One that a host has taken goes on.
    pub(super) fn expire(&mut self, id: &CommandId) {
        if self.open.get(id).is_some_and(|entry| matches!(entry.phase, Phase::Waiting { .. })) {
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
        let mut gone: Vec<_> = self.open.iter().filter(|(_, entry)| gone(entry)).map(|(id, _)| id.clone()).collect();
        // In the order of their ids, which is that of their submission where ids tell the time.
        gone.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
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
        let Some(entry) = self.open.get_mut(&id) else { return };
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
        for (_, entry) in self.open.drain() {
            entry.answer.send_replace(Some(Err(super::LogError::Closed.into())));
        }
        *self = Self::default();
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
        f.debug_struct("Queue").field("waiting", &self.waiting).field("open", &self.open.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::{Asked, MAX_ANSWERS, MAX_REMEMBERED, Queue};
    use crate::log::{MemberId, QueueError, QueuedCommand};

    fn submit(queue: &mut Queue, id: &str) -> Result<Asked, QueueError> {
        let (within, body) = (Duration::from_secs(1), Bytes::from_static(b"do"));
        let command = QueuedCommand { id: id.into(), session: None, from: "g".into(), within, body };
        queue.submit(command, Duration::ZERO, |_| Some("h".into()))
    }

    fn done(queue: &mut Queue, id: &str, answer: Bytes) {
        assert!(matches!(submit(queue, id), Ok(Asked::Waits(_))), "{id} is new");
        assert_eq!(queue.take(&MemberId::from("h"), Duration::ZERO, 1).len(), 1);
        queue.answer(&id.into(), Ok(answer));
    }

    #[test]
    fn so_many_commands_are_remembered_and_the_oldest_goes() {
        let mut queue = Queue::default();
        for number in 0..=MAX_REMEMBERED {
            done(&mut queue, &number.to_string(), Bytes::from_static(b"done"));
        }
        assert!(matches!(submit(&mut queue, "1"), Ok(Asked::Answered(Ok(answer))) if answer == "done"));
        assert!(matches!(submit(&mut queue, "0"), Ok(Asked::Waits(_))), "the oldest counts as new");
        assert_eq!((queue.answered.answers.len(), queue.answered.order.len()), (MAX_REMEMBERED, MAX_REMEMBERED));
    }

    #[test]
    fn answers_have_their_room_and_a_command_without_its_answer_still_has_no_second_effect() {
        let mut queue = Queue::default();
        for id in ["a", "b", "c"] {
            done(&mut queue, id, Bytes::from(vec![b'x'; MAX_ANSWERS / 2]));
        }
        assert!(matches!(submit(&mut queue, "a"), Ok(Asked::Answered(Err(QueueError::Forgotten)))));
        assert!(matches!(submit(&mut queue, "b"), Ok(Asked::Answered(Ok(_)))));
        assert!(queue.answered.bytes <= MAX_ANSWERS);
        for number in 0..2 * MAX_REMEMBERED {
            done(&mut queue, &number.to_string(), Bytes::from_static(b"done"));
        }
        assert_eq!(queue.answered.bytes, 4 * MAX_REMEMBERED);
        assert_eq!((queue.waiting, queue.waiting_bytes, queue.open.len()), (0, 0, 0));
    }
}
