//! Telling what the user wrote from what the harness adds to it.

/// How texts begin that a harness puts among the user's messages.
const INJECTED: [&str; 16] = [
    "<environment_context>",
    "<user_instructions>",
    "<permissions instructions>",
    "<collaboration_mode>",
    "<skills_instructions>",
    "<subagent_notification>",
    "<turn_aborted>",
    "<system-reminder>",
    "<local-command-",
    "<command-name>",
    "# AGENTS.md instructions",
    "[Request interrupted by user",
    "Output token limit hit. Resume directly",
    "Your response above was stopped by a safety classifier",
    "Your response above was cut off mid-stream",
    "Continue from where you left off.",
];

/// How the prompts begin by which harnesses ask for a summary.
const SUMMARY: [&str; 3] = [
    "You are performing a CONTEXT CHECKPOINT COMPACTION",
    "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.",
    "Your task is to create a detailed summary of",
];

/// What the user wrote in one message; `None` when all of it is the harness's.
pub(super) fn written<'a>(blocks: impl Iterator<Item = &'a str>) -> Option<String> {
    let own: Vec<&str> = blocks.filter(|text| !is_injected(text)).collect();
    if own.is_empty() { None } else { Some(own.join("\n")) }
}

/// Whether the newest message asks for a summary of the conversation.
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
