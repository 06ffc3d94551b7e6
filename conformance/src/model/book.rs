//! Book of replies: it finds the reply to a request.

use std::collections::{HashMap, VecDeque};

use super::script::{Reply, Script};
use super::turn::{SideCall, Turn};

/// Conversations whose calls are counted; the oldest is forgotten first.
const MAX_COUNTS: usize = 10_000;

/// A script and how far each conversation has come in it.
#[derive(Debug)]
pub(super) struct Book {
    script: Script,
    counts: HashMap<EntryUse, usize>,
    order: VecDeque<EntryUse>,
}

/// One prompt in one conversation: a retry is the same use, the same words later in the conversation are not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct EntryUse {
    prompt: usize,
    text: String,
    /// Messages before it that match the same entry.
    earlier: usize,
}

/// Answer that the book found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    Side(SideCall),
    Reply {
        /// Index in the script.
        prompt: usize,
        /// Of this prompt, counted from 1.
        call: usize,
        /// Nothing when the script has no more.
        reply: Option<Reply>,
    },
    /// No entry is for any message of the request.
    Nothing,
}

impl Book {
    pub(super) fn new(script: Script) -> Self {
        Self { script, counts: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn script(&self) -> &Script {
        &self.script
    }

    /// The reply to this request, which counts as given.
    pub(super) fn find(&mut self, turn: &Turn) -> Found {
        if let Some(side) = turn.side {
            return Found::Side(side);
        }
        let Some(place) = self.place(turn) else { return Found::Nothing };
        let prompt = place.prompt;
        let call = if self.script.prompts[prompt].by_history { turn.answered + 1 } else { self.count(place) };
        let entry = &self.script.prompts[prompt];
        let reply = match entry.replies.get(call - 1) {
            None if entry.repeat => entry.replies.last(),
            reply => reply,
        };
        Found::Reply { prompt, call, reply: reply.cloned() }
    }

    fn place(&self, turn: &Turn) -> Option<EntryUse> {
        let newest_first = turn.users.iter().enumerate().rev();
        newest_first
            .filter_map(|(at, text)| {
                let prompt = self.entry(turn, text)?;
                let earlier = turn.users[..at].iter().filter(|text| self.entry(turn, text) == Some(prompt)).count();
                Some(EntryUse { prompt, text: text.clone(), earlier })
            })
            .next()
    }

    /// The first entry that is for this text.
    fn entry(&self, turn: &Turn, text: &str) -> Option<usize> {
        self.script
            .prompts
            .iter()
            .position(|prompt| prompt.api.is_none_or(|api| api == turn.api) && prompt.wanted.is(text))
    }

    fn count(&mut self, place: EntryUse) -> usize {
        if let Some(count) = self.counts.get_mut(&place) {
            *count += 1;
            return *count;
        }
        if self.order.len() >= MAX_COUNTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.counts.remove(&oldest);
        }
        self.order.push_back(place.clone());
        self.counts.insert(place, 1);
        1
    }
}

#[cfg(test)]
mod tests;
