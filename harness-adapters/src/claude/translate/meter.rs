//! Tokens and cost.

use acp_types::v1;

use crate::claude::wire::message::Usage;
use crate::claude::wire::{Event, TurnResult};
use crate::translate::Effects;

/// The tokens and the cost that were used.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Usage of the request that runs, or ran last.
    last: Usage,
    /// Context window of the model. Known from the first result on.
    window: Option<u64>,
    cost: Option<f64>,
    /// Usage of the prompt so far.
    prompt: Option<Usage>,
}

impl Meter {
    /// Takes in one event of the session's own stream.
    pub(super) fn stream(&mut self, event: &Event, out: &mut Effects) {
        match event {
            Event::MessageStart { message } => self.last = message.usage.unwrap_or_default(),
            Event::MessageDelta { usage: Some(usage) } => {
                self.last = over(self.last, *usage);
                self.report(out);
            }
            _ => {}
        }
    }

    /// The end of a turn, of the prompt that runs or of none.
    pub(super) fn result(&mut self, result: &TurnResult, prompted: bool, out: &mut Effects) {
        self.window = result.model_usage.values().filter_map(|usage| usage.context_window).max().or(self.window);
        self.cost = result.total_cost_usd.or(self.cost);
        if prompted {
            self.prompt = Some(sum(self.prompt.unwrap_or_default(), result.usage));
        }
        self.report(out);
    }

    /// Usage of the prompt that is answered now.
    pub(super) fn take_prompt(&mut self) -> Option<v1::Usage> {
        let usage = self.prompt.take()?;
        let (read, written) = (usage.cache_read_input_tokens, usage.cache_creation_input_tokens);
        let (input, output) = (usage.input_tokens.unwrap_or(0), usage.output_tokens.unwrap_or(0));
        Some(v1::Usage::new(used(&usage), input, output).cached_read_tokens(read).cached_write_tokens(written))
    }

    fn report(&self, out: &mut Effects) {
        let (Some(window), used @ 1..) = (self.window, used(&self.last)) else { return };
        let mut update = v1::UsageUpdate::new(used, window);
        update.cost = self.cost.map(|cost| v1::Cost::new(cost, "USD"));
        out.update(v1::SessionUpdate::UsageUpdate(update));
    }
}

fn used(usage: &Usage) -> u64 {
    let parts =
        [usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens];
    parts.into_iter().flatten().fold(0, u64::saturating_add)
}

fn over(before: Usage, now: Usage) -> Usage {
    Usage {
        input_tokens: now.input_tokens.or(before.input_tokens),
        output_tokens: now.output_tokens.or(before.output_tokens),
        cache_read_input_tokens: now.cache_read_input_tokens.or(before.cache_read_input_tokens),
        cache_creation_input_tokens: now.cache_creation_input_tokens.or(before.cache_creation_input_tokens),
    }
}

fn sum(a: Usage, b: Usage) -> Usage {
    let add = |a: Option<u64>, b: Option<u64>| Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0)));
    Usage {
        input_tokens: add(a.input_tokens, b.input_tokens),
        output_tokens: add(a.output_tokens, b.output_tokens),
        cache_read_input_tokens: add(a.cache_read_input_tokens, b.cache_read_input_tokens),
        cache_creation_input_tokens: add(a.cache_creation_input_tokens, b.cache_creation_input_tokens),
    }
}
