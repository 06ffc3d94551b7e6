//! Commands on their way to the task of a session, and the answers that it owes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use acp_types::SessionId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::command::CommandAnswer;
use crate::log::MemberId;
use crate::session::{Command, CommandId, Refusal};

/// Time that a command of the host's own may wait for its session.
const OWN: Duration = Duration::from_secs(60);

/// A command on its way to its session.
#[derive(Debug)]
pub(super) struct Envelope {
    /// The session it is for; `None` when it concerns the agent as such.
    pub(super) session: Option<SessionId>,
    /// The gateway that sent it.
    pub(super) from: MemberId,
    /// The client that sent it, by the id that its gateway gave it.
    pub(super) client: Arc<str>,
    /// The command.
    pub(super) command: Command,
    /// Time from which on it is refused and not begun.
    pub(super) deadline: Instant,
    /// Channel for the answer.
    pub(super) reply: oneshot::Sender<CommandAnswer>,
}

impl Envelope {
    /// A command of the host's own.
    pub(super) fn internal(
        host: &MemberId,
        session: SessionId,
        client: Arc<str>,
        command: Command,
    ) -> (Box<Self>, oneshot::Receiver<CommandAnswer>) {
        let (reply, answer) = oneshot::channel();
        let deadline = Instant::now() + OWN;
        (Box::new(Self { session: Some(session), from: host.clone(), client, command, deadline, reply }), answer)
    }

    /// Answers it. Whoever asked may have gone.
    pub(super) fn answer(self, answer: CommandAnswer) {
        let _ = self.reply.send(answer);
    }

    /// Answers it without having begun it.
    pub(super) fn refuse(self, why: Refusal) {
        self.answer(Err(why));
    }

    /// Returns whether its time is over. Who is there and who is not is told however late.
    pub(super) fn is_late(&self) -> bool {
        !matches!(self.command, Command::SetPresence { .. }) && self.deadline <= Instant::now()
    }
}

/// Answers that the task of a session owes.
#[derive(Debug, Default)]
pub(super) struct Replies {
    waiting: HashMap<CommandId, oneshot::Sender<CommandAnswer>>,
    next: u64,
}

impl Replies {
    /// Names a command, whose answer goes there.
    pub(super) fn expect(&mut self, reply: oneshot::Sender<CommandAnswer>) -> CommandId {
        let id = CommandId(self.next);
        self.next += 1;
        self.waiting.insert(id, reply);
        id
    }

    /// Answers a command.
    pub(super) fn answer(&mut self, command: CommandId, answer: CommandAnswer) {
        if let Some(waiting) = self.waiting.remove(&command) {
            // The gateway may have gone; nobody waits then.
            let _ = waiting.send(answer);
        }
    }

    /// Refuses all that have no answer.
    pub(super) fn refuse_all(&mut self, why: &Refusal) {
        for (_, waiting) in self.waiting.drain() {
            // As above.
            let _ = waiting.send(Err(why.clone()));
        }
    }
}
