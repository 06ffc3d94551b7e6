//! The sessions of a host, each with the one task that serves it.

use std::collections::{HashMap, VecDeque};

use acp_types::SessionId;
use tokio::sync::mpsc;
use tokio::task::Id;

use crate::host::envelope::Envelope;

/// Commands waiting for one session's task. More are refused, so that they do not hold up the others.
pub(super) const SESSION_QUEUE: usize = 256;

/// All of them. There is never a second task of one session: its agents are not started anew beside those that end.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    tasks: HashMap<SessionId, Task>,
}

#[derive(Debug)]
struct Task {
    id: Id,
    state: TaskState,
}

/// ```text
///    Serving --- end, or it ended by itself ---> Ending --- finished --->
/// ```
#[derive(Debug)]
enum TaskState {
    /// It takes commands.
    Serving(mpsc::Sender<Box<Envelope>>),
    /// It takes no more of them, and its agents are on their way out.
    Ending {
        /// Commands that came meanwhile.
        waiting: VecDeque<Box<Envelope>>,
        /// The session is to be opened again even if nothing came.
        reopens: bool,
    },
}

/// Result of handing over a command.
#[derive(Debug)]
pub(super) enum Handed {
    /// It is with the session's task, or waits for the next one.
    Taken,
    /// The session is to be opened for it.
    Opens(Box<Envelope>),
    /// Too many wait.
    Full(Box<Envelope>),
}

/// Work that a task which is over leaves to do.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Commands that came while it ended, oldest first.
    pub(super) waiting: VecDeque<Box<Envelope>>,
    /// The session is to be opened again even if nothing came.
    pub(super) reopens: bool,
}

impl Sessions {
    /// A task serves a session from now on.
    pub(super) fn serve(&mut self, session: SessionId, id: Id, commands: mpsc::Sender<Box<Envelope>>) {
        self.tasks.insert(session, Task { id, state: TaskState::Serving(commands) });
    }

    /// Returns whether a session has a task that takes commands.
    pub(super) fn is_served(&self, session: &SessionId) -> bool {
        self.tasks.get(session).is_some_and(|task| matches!(task.state, TaskState::Serving(_)))
    }

    /// The queue of a session whose task takes commands.
    pub(super) fn queue(&self, session: &SessionId) -> Option<mpsc::Sender<Box<Envelope>>> {
        match &self.tasks.get(session)?.state {
            TaskState::Serving(commands) => Some(commands.clone()),
            TaskState::Ending { .. } => None,
        }
    }

    /// Names of all sessions.
    pub(super) fn names(&self) -> Vec<SessionId> {
        self.tasks.keys().cloned().collect()
    }

    /// Returns whether a session that is to be open has no task: that is to be started. One that ends is opened again
    /// after that.
    pub(super) fn needs_task(&mut self, session: &SessionId) -> bool {
        let Some(task) = self.tasks.get_mut(session) else { return true };
        if let TaskState::Ending { reopens, .. } = &mut task.state {
            *reopens = true;
        }
        false
    }

    /// Hands a command to its session.
    pub(super) fn hand(&mut self, session: &SessionId, envelope: Box<Envelope>) -> Handed {
        let Some(task) = self.tasks.get_mut(session) else { return Handed::Opens(envelope) };
        match &mut task.state {
            TaskState::Serving(commands) => match commands.try_send(envelope) {
                Ok(()) => Handed::Taken,
                Err(mpsc::error::TrySendError::Full(envelope)) => Handed::Full(envelope),
                Err(mpsc::error::TrySendError::Closed(envelope)) => {
                    task.state = TaskState::Ending { waiting: VecDeque::from([envelope]), reopens: false };
                    Handed::Taken
                }
            },
            TaskState::Ending { waiting, .. } if waiting.len() < SESSION_QUEUE => {
                waiting.push_back(envelope);
                Handed::Taken
            }
            TaskState::Ending { .. } => Handed::Full(envelope),
        }
    }

    /// Has the task of a session end.
    pub(super) fn end(&mut self, session: &SessionId) {
        if let Some(task) = self.tasks.get_mut(session)
            && matches!(task.state, TaskState::Serving(_))
        {
            task.state = TaskState::Ending { waiting: VecDeque::new(), reopens: false };
        }
    }

    /// The task of a session is over.
    pub(super) fn finished(&mut self, session: &SessionId) -> Left {
        self.tasks.remove(session).map_or_else(Left::default, Task::left)
    }

    /// A task has panicked: the session that it served, if it served one.
    pub(super) fn panicked(&mut self, id: Id) -> Option<(SessionId, Left)> {
        let session = self.tasks.iter().find(|(_, task)| task.id == id)?.0.clone();
        let left = self.finished(&session);
        Some((session, left))
    }
}

impl Task {
    fn left(self) -> Left {
        match self.state {
            TaskState::Serving(_) => Left::default(),
            TaskState::Ending { waiting, reopens } => Left { waiting, reopens },
        }
    }
}

#[cfg(test)]
mod tests {
    use acp_types::SessionId;
    use tokio::sync::mpsc;
    use tokio::task::Id;

    use super::{Handed, SESSION_QUEUE, Sessions};
    use crate::host::envelope::Envelope;
    use crate::session::{Command, QueueCommand};

    fn session() -> SessionId {
        "s".into()
    }

    fn command() -> Box<Envelope> {
        Envelope::internal(&"h".into(), session(), "c".into(), Command::Queue(QueueCommand::List)).0
    }

    async fn id() -> Id {
        tokio::spawn(async { tokio::task::id() }).await.unwrap()
    }

    #[tokio::test]
    async fn a_session_is_not_opened_again_before_the_task_that_lost_it_is_over() {
        let mut sessions = Sessions::default();
        let (sender, mut commands) = mpsc::channel(1);
        sessions.serve(session(), id().await, sender);
        assert!(matches!(sessions.hand(&session(), command()), Handed::Taken));
        assert!(matches!(sessions.hand(&session(), command()), Handed::Full(_)));
        sessions.end(&session());
        assert!(commands.recv().await.is_some() && commands.recv().await.is_none(), "its task hears that it is to end");
        assert!(!sessions.is_served(&session()) && !sessions.needs_task(&session()));
        for _ in 0..SESSION_QUEUE {
            assert!(matches!(sessions.hand(&session(), command()), Handed::Taken));
        }
        assert!(matches!(sessions.hand(&session(), command()), Handed::Full(_)), "what waits is bounded");
        let left = sessions.finished(&session());
        assert_eq!((left.waiting.len(), left.reopens), (SESSION_QUEUE, true));
        assert!(matches!(sessions.hand(&session(), command()), Handed::Opens(_)));
    }

    #[tokio::test]
    async fn what_comes_when_a_task_ends_by_itself_waits_for_the_next() {
        let mut sessions = Sessions::default();
        let (sender, commands) = mpsc::channel(1);
        sessions.serve(session(), id().await, sender);
        drop(commands);
        assert!(matches!(sessions.hand(&session(), command()), Handed::Taken));
        assert_eq!(sessions.finished(&session()).waiting.len(), 1);
    }

    #[tokio::test]
    async fn the_session_of_a_task_that_panicked_is_known() {
        let mut sessions = Sessions::default();
        let (sender, _commands) = mpsc::channel(1);
        let (task, other) = (id().await, id().await);
        sessions.serve(session(), task, sender);
        sessions.end(&session());
        assert!(matches!(sessions.hand(&session(), command()), Handed::Taken));
        assert!(sessions.panicked(other).is_none());
        let (lost, left) = sessions.panicked(task).unwrap();
        assert_eq!((lost, left.waiting.len()), (session(), 1));
    }
}
