//! Tokens of turns and of the session.

use acp_types::v1::{self, SessionUpdate, UsageUpdate};

use crate::codex::wire::{TokenUsage, Tokens};
use crate::translate::Effects;

/// The tokens that were used.
#[derive(Debug, Default)]
pub(super) struct Meter {
    total: Tokens,
    /// The total when the turn began.
    before: Option<Tokens>,
    /// True once Codex has reported usage in this turn.
    told: bool,
}

impl Meter {
    /// A turn of a prompt begins.
    pub(super) fn turn_begins(&mut self) {
        self.told = false;
    }

    /// Codex reports usage.
    pub(super) fn used(&mut self, usage: &TokenUsage, out: &mut Effects) {
        if !self.told {
            self.told = true;
            self.before = Some(less(&usage.total, &usage.last));
        }
        self.total = usage.total;
        if let Some(size) = usage.model_context_window {
            out.update(SessionUpdate::UsageUpdate(UsageUpdate::new(usage.last.total_tokens, size)));
        }
    }

    /// Usage of the turn.
    pub(super) fn of_turn(&self) -> Option<v1::Usage> {
        let before = self.before.filter(|_| self.told)?;
        let spent = less(&self.total, &before);
        Some(
            v1::Usage::new(spent.total_tokens, spent.input_tokens, spent.output_tokens)
                .thought_tokens(spent.reasoning_output_tokens)
                .cached_read_tokens(spent.cached_input_tokens)
                .cached_write_tokens(spent.cache_write_input_tokens),
        )
    }

    /// Tokens of the whole thread.
    pub(super) fn total(&self) -> u64 {
        self.total.total_tokens
    }
}

fn less(total: &Tokens, part: &Tokens) -> Tokens {
    let less = |of: fn(&Tokens) -> u64| of(total).saturating_sub(of(part));
    Tokens {
        total_tokens: less(|tokens| tokens.total_tokens),
        input_tokens: less(|tokens| tokens.input_tokens),
        cached_input_tokens: less(|tokens| tokens.cached_input_tokens),
        cache_write_input_tokens: less(|tokens| tokens.cache_write_input_tokens),
        output_tokens: less(|tokens| tokens.output_tokens),
        reasoning_output_tokens: less(|tokens| tokens.reasoning_output_tokens),
    }
}
