//! Presence that has come or gone, for sessions whose queue is full: told as soon as there is room.
//!
//! Any other command that meets a full queue is refused, and whoever sent it is told. Nobody would send this one again, and a
//! session that missed it would wait for somebody who has gone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use acp_types::SessionId;
use tokio::sync::mpsc;

use super::task::Finished;
use crate::host::envelope::Envelope;
use crate::session::{Command, Reply};

/// Clients whose coming or going waits, in all sessions together. One more is refused.
const MAX_WAITING: usize = 65_536;

/// Presence that has still to be told, the latest of each client.
#[derive(Debug, Default)]
pub(super) struct WaitingPresence {
    by_session: HashMap<SessionId, BTreeMap<Arc<str>, Box<Envelope>>>,
    waiting: usize,
}

impl WaitingPresence {
    /// Returns whether a command says of a client what waits for that client already.
    pub(super) fn waits_for(&self, session: &SessionId, envelope: &Envelope) -> bool {
        let waiting = self.by_session.get(session);
        is_presence(envelope) && waiting.is_some_and(|waiting| waiting.contains_key(&envelope.client))
    }

    /// Keeps the presence of a client, in the place of what waits for that client already, which is done. Returns whether it
    /// is the first of its session.
    ///
    /// # Errors
    /// Gives back what is none of this or does not find room here.
    pub(super) fn keep(&mut self, session: &SessionId, envelope: Box<Envelope>) -> Result<bool, Box<Envelope>> {
        if !is_presence(&envelope) || (self.waiting >= MAX_WAITING && !self.waits_for(session, &envelope)) {
            return Err(envelope);
        }
        let waiting = self.by_session.entry(session.clone()).or_default();
        let is_first = waiting.is_empty();
        match waiting.insert(Arc::clone(&envelope.client), envelope) {
            Some(former) => former.answer(Ok(Reply::Done)),
            None => self.waiting += 1,
        }
        Ok(is_first)
    }

    /// Hands out what waits for a session.
    pub(super) fn take(&mut self, session: &SessionId) -> impl Iterator<Item = Box<Envelope>> + use<> {
        let taken = self.by_session.remove(session).unwrap_or_default();
        self.waiting -= taken.len();
        taken.into_values()
    }
}

fn is_presence(envelope: &Envelope) -> bool {
    matches!(envelope.command, Command::SetPresence { .. })
}

/// Waits until a session's queue has room, or its task has gone.
pub(super) async fn room(session: SessionId, queue: mpsc::Sender<Box<Envelope>>) -> Finished {
    // A permit that is not used gives its room back.
    let _ = queue.reserve().await;
    Finished::Room(session)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use acp_types::SessionId;
    use tokio::sync::{mpsc, oneshot};

    use super::{WaitingPresence, room};
    use crate::command::CommandAnswer;
    use crate::host::envelope::Envelope;
    use crate::host::supervisor::task::Finished;
    use crate::session::{Command, Reply};

    fn envelope(client: &str, command: Command) -> (Box<Envelope>, oneshot::Receiver<CommandAnswer>) {
        Envelope::internal(&"h".into(), "s".into(), client.into(), command)
    }

    fn attend(client: &str, present: bool) -> (Box<Envelope>, oneshot::Receiver<CommandAnswer>) {
        envelope(client, Command::SetPresence { present })
    }

    fn said(taken: impl Iterator<Item = Box<Envelope>>) -> Vec<(Arc<str>, bool)> {
        let said = |envelope: &Envelope| match envelope.command {
            Command::SetPresence { present } => (Arc::clone(&envelope.client), present),
            _ => panic!("{:?}", envelope.command),
        };
        taken.map(|envelope| said(&envelope)).collect()
    }

    #[test]
    fn the_latest_of_each_client_waits_and_what_it_replaces_is_done() {
        let (mut waiting, s) = (WaitingPresence::default(), SessionId::from("s"));
        let ((one, mut first), (two, _second)) = (attend("1", true), attend("2", false));
        assert!(!waiting.waits_for(&s, &one) && waiting.keep(&s, one).unwrap(), "it is the first");
        assert!(!waiting.keep(&s, two).unwrap());
        let (later, mut last) = attend("1", false);
        assert!(waiting.waits_for(&s, &later) && !waiting.keep(&s, later).unwrap());
        assert_eq!(first.try_recv().unwrap(), Ok(Reply::Done));
        assert!(last.try_recv().is_err(), "it is not told yet");
        assert_eq!(said(waiting.take(&s)), [("1".into(), false), ("2".into(), false)]);
        assert!(waiting.take(&s).next().is_none() && waiting.waiting == 0);
    }

    #[test]
    fn any_other_command_is_given_back() {
        let (mut waiting, s) = (WaitingPresence::default(), SessionId::from("s"));
        waiting.keep(&s, attend("1", true).0).unwrap();
        let (close, _answer) = envelope("1", Command::Close);
        assert!(!waiting.waits_for(&s, &close));
        assert!(matches!(waiting.keep(&s, close).unwrap_err().command, Command::Close));
        assert_eq!(said(waiting.take(&s)), [("1".into(), true)]);
    }

    #[tokio::test]
    async fn a_session_is_told_once_it_takes_a_command_or_ends() {
        let s = SessionId::from("s");
        let (queue, mut commands) = mpsc::channel(1);
        queue.try_send(envelope("1", Command::Close).0).unwrap();
        let mut waits = std::pin::pin!(room(s.clone(), queue.clone()));
        assert!(futures_util::FutureExt::now_or_never(&mut waits).is_none());
        commands.recv().await.unwrap();
        assert!(matches!(waits.await, Finished::Room(of) if of == s));
        queue.try_send(envelope("1", Command::Close).0).unwrap();
        commands.close();
        assert!(matches!(room(s.clone(), queue).await, Finished::Room(of) if of == s));
    }
}
