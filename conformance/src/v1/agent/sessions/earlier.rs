//! A session with one finished turn, to come back to.

use crate::core::check::{call, has_a_turn};
use crate::core::history::{Case, Message};
use crate::core::probe::{Probe, Stop};
use crate::core::verdict::Outcome;
use crate::prompts;

/// A session that nobody made.
pub(super) const NOBODYS: &str = "conformance-no-such-session";
/// The user's message in the turn that is then loaded.
pub(super) const MARK: &str = "conformance-mark-5309";

/// A session with one finished turn whose user said [`MARK`].
pub(super) async fn turn_to_come_back_to(probe: &mut Probe) -> Result<String, Stop> {
    let session = probe.session("first/new").await?;
    let _ = probe.prompt("first/prompt", &session, &format!("{} {MARK}", prompts::REPLY)).await?;
    Ok(session)
}

/// Tells updates of the conversation from commands, options and usage, which may come at any time.
pub(super) fn is_conversation(message: &Message) -> bool {
    matches!(
        message.update_kind(),
        Some(
            "user_message_chunk"
                | "agent_message_chunk"
                | "agent_thought_chunk"
                | "tool_call"
                | "tool_call_update"
                | "plan"
        )
    )
}

/// The text of chunks of a kind between two places.
pub(super) fn text_of<'c>(messages: impl Iterator<Item = &'c Message>, kind: &str) -> String {
    let of_kind = messages.filter(|message| message.update_kind() == Some(kind));
    of_kind.filter_map(|message| message.update()?["content"]["text"].as_str()).collect()
}

/// The first turn's answer text, or why there was no such turn.
pub(super) fn first_turn(case: &Case<'_>) -> Result<(String, String), Outcome> {
    let Some(first) = case.call("first/prompt") else {
        return Err(Outcome::NotExercised(case.why_not("first/prompt")));
    };
    if first.result().is_none() {
        return Err(Outcome::NotExercised(format!("there was no finished turn to come back to, but {}", first.said())));
    }
    let session = first.request.params().map(|params| params["sessionId"].clone()).unwrap_or_default();
    let session = session.as_str().unwrap_or_default().to_owned();
    let text = text_of(case.updates(&session, first.request.index, first.until()), "agent_message_chunk");
    Ok((session, text))
}

pub(super) fn works_after(case: &Case<'_>, before: &str, label: &str) -> Outcome {
    let first = call!(case, before);
    if first.result().is_none() {
        return Outcome::NotExercised(format!("there was {} before", first.said()));
    }
    match first_turn(case) {
        Ok(_) => has_a_turn(case, label),
        Err(why) => why,
    }
}
