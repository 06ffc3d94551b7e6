//! Tokens.

use acp_types::v1::{self, SessionUpdate, UsageUpdate};

use super::Translator;
use crate::codex::wire::{TokenUsage, Tokens};
use crate::translate::Effects;

#[derive(Debug, Default)]
pub(super) struct Usage {
    total: Tokens,
    /// The total when the turn began.
    before: Option<Tokens>,
    /// Whether anything was told of in this turn.
    told: bool,
}

impl Usage {
    pub(super) fn turn_begins(&mut self) {
        self.told = false;
    }

    /// What the turn took.
    pub(super) fn of_turn(&self) -> Option<v1::Usage> {
        let before = self.before.filter(|_| self.told)?;
        let spent = |of: fn(&Tokens) -> u64| of(&self.total).saturating_sub(of(&before));
        let usage = v1::Usage::new(
            spent(|tokens| tokens.total_tokens),
            spent(|tokens| tokens.input_tokens),
            spent(|tokens| tokens.output_tokens),
        );
        Some(
            usage
                .thought_tokens(spent(|tokens| tokens.reasoning_output_tokens))
                .cached_read_tokens(spent(|tokens| tokens.cached_input_tokens))
                .cached_write_tokens(spent(|tokens| tokens.cache_write_input_tokens)),
        )
    }

    pub(super) fn total(&self) -> u64 {
        self.total.total_tokens
    }
}

impl Translator {
    pub(super) fn used(&mut self, usage: &TokenUsage, out: &mut Effects) {
        if !self.usage.told {
            self.usage.told = true;
            self.usage.before = Some(Tokens {
                total_tokens: usage.total.total_tokens.saturating_sub(usage.last.total_tokens),
                input_tokens: usage.total.input_tokens.saturating_sub(usage.last.input_tokens),
                cached_input_tokens: usage.total.cached_input_tokens.saturating_sub(usage.last.cached_input_tokens),
                cache_write_input_tokens: usage
                    .total
                    .cache_write_input_tokens
                    .saturating_sub(usage.last.cache_write_input_tokens),
                output_tokens: usage.total.output_tokens.saturating_sub(usage.last.output_tokens),
                reasoning_output_tokens: usage
                    .total
                    .reasoning_output_tokens
                    .saturating_sub(usage.last.reasoning_output_tokens),
            });
        }
        self.usage.total = usage.total;
        if let Some(size) = usage.model_context_window {
            out.update(SessionUpdate::UsageUpdate(UsageUpdate::new(usage.last.total_tokens, size)));
        }
    }
}
