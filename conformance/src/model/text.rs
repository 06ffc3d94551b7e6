//! Telling what the user wrote from what the harness adds to it.

/// Beginnings of texts that a harness puts among the user's messages.
const INJECTED: [&str; 23] = [
    "<environment_context>",
    "<session_context>",
    "This is the Gemini CLI. We are setting up the context for our chat.",
    "<user_instructions>",
    "<permissions instructions>",
    "<collaboration_mode>",
    "<skills_instructions>",
    "<subagent_notification>",
    "<turn_aborted>",
    "<user_shell_command>",
    "<agent_message_board_notification>",
    "Another language model started to solve this problem and produced a summary",
    "<system-reminder>",
    "<local-command-",
    "<command-name>",
    "# AGENTS.md instructions",
    "[Request interrupted by user",
    "Output token limit hit. Resume directly",
    "Your response above was stopped by a safety classifier",
    "Your response above was cut off mid-stream",
    "Continue from where you left off.",
    "[Your previous response had no visible output",
    "This session is being continued from a previous conversation",
];

/// Beginnings of the prompts by which harnesses ask for a summary.
const SUMMARY: [&str; 3] = [
    "You are performing a CONTEXT CHECKPOINT COMPACTION",
    "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.",
    "Your task is to create a detailed summary of",
];

/// Text around a message that the user writes in mid-turn, as Claude Code hands it on.
const STEERED: [&str; 2] =
    ["The user sent a new message while you were working:\n", "\n\nThis is how Claude Code surfaces messages"];

/// The note that work in the background has ended. It starts a turn, so it counts as a message.
const NOTICE: [&str; 2] = ["<task-notification>", "</task-notification>"];

/// Text of the user in one message; `None` when all of it is the harness's.
pub(super) fn written<'a>(blocks: impl Iterator<Item = &'a str>) -> Option<String> {
    let own: Vec<&str> = blocks.filter_map(own).collect();
    if own.is_empty() { None } else { Some(own.join("\n")) }
}

/// Text that the user wrote in mid-turn, wherever the harness puts it.
pub(super) fn steered(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(STEERED[0])?;
    Some(rest.split_once(STEERED[1]).map_or(rest, |(own, _)| own))
}

fn own(text: &str) -> Option<&str> {
    if let Some(own) = steered(text) {
        return Some(own);
    }
    if let (Some(start), Some(end)) = (text.find(NOTICE[0]), text.rfind(NOTICE[1]))
        && start < end
        && (start == 0 || is_injected(text))
    {
        return Some(&text[start..end + NOTICE[1].len()]);
    }
    (!is_injected(text)).then_some(text)
}

/// Returns whether the newest message asks for a summary of the conversation.
pub(super) fn asks_for_summary(newest: Option<&str>) -> bool {
    newest.is_some_and(|text| SUMMARY.iter().any(|start| text.trim_start().starts_with(start)))
}

fn is_injected(text: &str) -> bool {
    let text = text.trim_start();
    text.is_empty() || INJECTED.iter().any(|start| text.starts_with(start))
}

/// A word for the shell.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_mid_turn_is_what_the_user_wrote() {
        let text =
            "The user sent a new message while you were working:\nsecond\n\nThis is how Claude Code surfaces messages";
        assert_eq!(steered(text), Some("second"));
        assert_eq!(written([text].into_iter()).as_deref(), Some("second"));
    }

    #[test]
    fn the_end_of_background_work_counts_as_a_message_and_other_reminders_do_not() {
        let note = "<system-reminder>\n[SYSTEM]\n<task-notification>\nx\n</task-notification>\n</system-reminder>";
        assert_eq!(written([note].into_iter()).as_deref(), Some("<task-notification>\nx\n</task-notification>"));
        assert_eq!(written(["<system-reminder>\nx\n</system-reminder>", ""].into_iter()), None);
        let own = "what does <task-notification></task-notification> mean?";
        assert_eq!(written([own].into_iter()).as_deref(), Some(own));
    }

    #[test]
    fn a_word_for_the_shell_stays_one_word() {
        assert_eq!(quoted("a/b-c_d.e"), "a/b-c_d.e");
        assert_eq!(quoted("it's $x"), r"'it'\''s $x'");
        assert_eq!(quoted(""), "''");
    }
}
