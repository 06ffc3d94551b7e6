//! The prompts of one connection that are not answered yet. Pure.

use acp_types::record::Turn;
use acp_types::{RequestId, SessionId};

/// Stage of a prompt.
///
/// ```text
///          sent            settled               waits                  taken
/// client ───────▶ Sent ────────────▶ (no stage) ───────▶ Running(turn) ───────▶ answered
///                  │                     │
///                  │ gives up, leaves    └─ refused, or nobody is attached any more: answered
///                  ▼
///                Sent, marked
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Sent to the host, which has named no turn.
    Sent(Marks),
    /// Waiting for its turn's end.
    Running(Turn),
}

/// Marks of what a client did about a prompt before its turn was known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Given up: the turn is to be stopped.
    pub(super) given_up: bool,
    /// Detached from the session: nobody is told how the turn ends.
    pub(super) detached: bool,
}

#[derive(Debug)]
struct PendingPrompt {
    id: RequestId,
    session: SessionId,
    stage: Stage,
}

/// Prompt whose client gives up on it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// Marked: its turn is to be stopped once it is known.
    Marked,
    /// Running: its turn is to be stopped.
    Running { session: SessionId, turn: Turn },
}

/// Prompts that wait, oldest first: no more than a connection may have.
#[derive(Debug, Default)]
pub(super) struct PendingPrompts(Vec<PendingPrompt>);

impl PendingPrompts {
    /// Number of prompts.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a prompt that goes to the host.
    pub(super) fn sent(&mut self, id: RequestId, session: SessionId) {
        self.0.push(PendingPrompt { id, session, stage: Stage::Sent(Marks::default()) });
    }

    /// Removes a prompt that the host has answered; it waits on only if it is told to with [`Self::wait`].
    pub(super) fn settle(&mut self, id: &RequestId) -> Marks {
        let at = self.0.iter().position(|prompt| prompt.id == *id && matches!(prompt.stage, Stage::Sent(_)));
        match at.map(|at| self.0.remove(at).stage) {
            Some(Stage::Sent(marks)) => marks,
            _ => Marks::default(),
        }
    }

    /// Adds a prompt that waits for its turn's end.
    pub(super) fn wait(&mut self, id: RequestId, session: SessionId, turn: Turn) {
        self.0.push(PendingPrompt { id, session, stage: Stage::Running(turn) });
    }

    /// Gives up a prompt; `None` if the request is no prompt that waits.
    pub(super) fn give_up(&mut self, id: &RequestId) -> Option<GivenUp> {
        let prompt = self.0.iter_mut().find(|prompt| prompt.id == *id)?;
        Some(match &mut prompt.stage {
            Stage::Sent(marks) => {
                marks.given_up = true;
                GivenUp::Marked
            }
            Stage::Running(turn) => GivenUp::Running { session: prompt.session.clone(), turn: *turn },
        })
    }

    /// Marks the prompts of a session that the client leaves: what has no turn yet will not be answered with how that
    /// ends.
    pub(super) fn detach(&mut self, session: &SessionId) {
        for prompt in self.0.iter_mut().filter(|prompt| prompt.session == *session) {
            if let Stage::Sent(marks) = &mut prompt.stage {
                marks.detached = true;
            }
        }
    }

    /// Returns whether the host has named the turn of every prompt that the client has sent since it is attached.
    pub(super) fn all_settled(&self, session: &SessionId) -> bool {
        let unsettled = |stage| matches!(stage, Stage::Sent(Marks { detached: false, .. }));
        !self.0.iter().any(|prompt| prompt.session == *session && unsettled(prompt.stage))
    }

    /// Returns whether a prompt waits for a turn's end.
    pub(super) fn waits_for(&self, session: &SessionId, turn: Turn) -> bool {
        self.0.iter().any(|prompt| prompt.stage == Stage::Running(turn) && prompt.session == *session)
    }

    /// Takes the prompts that wait for a turn's end.
    pub(super) fn take(&mut self, session: &SessionId, turn: Turn) -> Vec<RequestId> {
        let of_turn = |prompt: &mut PendingPrompt| prompt.stage == Stage::Running(turn) && prompt.session == *session;
        self.0.extract_if(.., of_turn).map(|prompt| prompt.id).collect()
    }

    /// Takes the prompts of a session that wait for the end of some turn.
    pub(super) fn take_all(&mut self, session: &SessionId) -> Vec<(Turn, RequestId)> {
        let runs = |prompt: &mut PendingPrompt| matches!(prompt.stage, Stage::Running(_)) && prompt.session == *session;
        let taken = self.0.extract_if(.., runs);
        taken
            .filter_map(|PendingPrompt { id, stage, .. }| match stage {
                Stage::Running(turn) => Some((turn, id)),
                Stage::Sent(_) => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use acp_types::{RequestId, SessionId};

    use super::{GivenUp, Marks, PendingPrompts};

    fn id(number: u64) -> RequestId {
        RequestId::from(number)
    }

    fn session(name: &str) -> SessionId {
        name.into()
    }

    #[test]
    fn a_prompt_is_counted_once_from_sent_to_answered() {
        let mut prompts = PendingPrompts::default();
        prompts.sent(id(1), session("s"));
        assert_eq!((prompts.len(), prompts.all_settled(&session("s"))), (1, false));
        assert_eq!(prompts.settle(&id(1)), Marks::default());
        prompts.wait(id(1), session("s"), 7);
        assert_eq!((prompts.len(), prompts.all_settled(&session("s"))), (1, true));
        assert!(prompts.waits_for(&session("s"), 7) && !prompts.waits_for(&session("other"), 7));
        assert_eq!(prompts.take(&session("s"), 7), [id(1)]);
        assert_eq!(prompts.len(), 0);
    }

    #[test]
    fn what_a_client_did_before_the_turn_was_known_is_told_when_it_is() {
        let mut prompts = PendingPrompts::default();
        prompts.sent(id(1), session("s"));
        prompts.sent(id(2), session("s"));
        prompts.sent(id(3), session("other"));
        assert_eq!(prompts.give_up(&id(1)), Some(GivenUp::Marked));
        prompts.detach(&session("s"));
        assert!(prompts.all_settled(&session("s")), "nobody who is attached waits for those");
        assert_eq!(prompts.settle(&id(1)), Marks { given_up: true, detached: true });
        assert_eq!(prompts.settle(&id(2)), Marks { given_up: false, detached: true });
        assert_eq!(prompts.settle(&id(3)), Marks::default());
        assert_eq!(prompts.give_up(&id(1)), None);
    }

    #[test]
    fn giving_up_names_the_turn_of_a_prompt_that_runs() {
        let mut prompts = PendingPrompts::default();
        prompts.wait(id(1), session("s"), 7);
        let running = GivenUp::Running { session: session("s"), turn: 7 };
        assert_eq!(prompts.give_up(&id(1)), Some(running));
        assert_eq!(prompts.len(), 1, "it is answered when the turn ends");
    }

    #[test]
    fn prompts_are_taken_in_the_order_in_which_they_were_settled() {
        let mut prompts = PendingPrompts::default();
        for (number, turn) in [(2, 7), (1, 7), (3, 8)] {
            prompts.wait(id(number), session("s"), turn);
        }
        prompts.wait(id(4), session("other"), 7);
        assert_eq!(prompts.take_all(&session("s")), [(7, id(2)), (7, id(1)), (8, id(3))]);
        assert_eq!(prompts.len(), 1);
    }
}
