//! Output of commands.

use std::path::Path;

use acp_types::v1;
use serde_json::{Map, Value, json};

use crate::bounds;

/// Limit of an output, in bytes of a message. Of a longer one, the beginning and the end are shown.
pub(super) const MOST: usize = 8 * 1024 * 1024;

/// Output and exit code of a command.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Its output.
    pub(super) text: String,
    /// Its exit code, if it is known.
    pub(super) code: Option<i64>,
}

impl Output {
    /// The output from the result of `Bash`.
    pub(super) fn of_result(result: &Value, words: &str, failed: bool) -> Self {
        let Some(result) = result.as_object() else { return Self::of_words(words, failed) };
        let part = |key: &str| result.get(key).and_then(Value::as_str).unwrap_or_default();
        let stdout = result.get(PERSISTED).and_then(Value::as_str).unwrap_or_else(|| part("stdout"));
        let stderr = part("stderr");
        let mut text = stdout.to_owned();
        if !text.is_empty() && !text.ends_with('\n') && !stderr.is_empty() {
            text.push('\n');
        }
        text.push_str(stderr);
        Self { text: bounds::ends(text, MOST), code: (!failed).then_some(0) }
    }

    /// The output from the text for the model, when there is nothing else.
    pub(super) fn of_words(words: &str, failed: bool) -> Self {
        if !failed {
            let text = if words == "(Bash completed with no output)" { "" } else { words };
            return Self { text: bounds::ends(text.to_owned(), MOST), code: Some(0) };
        }
        let words = reason(words);
        let (first, rest) = words.split_once('\n').unwrap_or((words, ""));
        match first.strip_prefix("Exit code ").and_then(|code| code.trim().parse().ok()) {
            Some(code) => Self { text: bounds::ends(rest.to_owned(), MOST), code: Some(code) },
            None => Self { text: bounds::ends(words.to_owned(), MOST), code: None },
        }
    }
}

/// The reason of a failure or refusal, without the parts that only the model needs.
pub(super) fn reason(words: &str) -> &str {
    let words = words.strip_prefix("Error: ").unwrap_or(words);
    let words = words.strip_prefix("<tool_use_error>").unwrap_or(words);
    words.strip_suffix("</tool_use_error>").unwrap_or(words)
}

/// The member of a result that holds the content of its `persistedOutputPath`; put there before it is translated.
pub(crate) const PERSISTED: &str = "persistedOutput";

/// A call that begins, for clients that show terminals.
pub(super) fn terminal(call: &str, cwd: &Path) -> (v1::ToolCallContent, Map<String, Value>) {
    let content = v1::ToolCallContent::Terminal(v1::Terminal::new(call.to_owned()));
    let meta = meta("terminal_info", json!({ "terminal_id": call, "cwd": cwd }));
    (content, meta)
}

/// More output of a call, for clients that show terminals.
pub(super) fn written(call: &str, text: &str) -> Map<String, Value> {
    match bounds::ends(text.to_owned(), MOST) {
        text if text.is_empty() => Map::new(),
        text => meta("terminal_output", json!({ "terminal_id": call, "data": text })),
    }
}

/// The end of a call, for clients that show terminals.
pub(super) fn finished(call: &str, output: &Output) -> Map<String, Value> {
    let mut all = written(call, &output.text);
    let exit = json!({ "terminal_id": call, "exit_code": output.code, "signal": null });
    all.extend(meta("terminal_exit", exit));
    all
}

fn meta(key: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), value)])
}

/// The beginning of a text, of at most so many bytes.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= most).last() {
        Some(end) if text.len() > most => format!("{}…", &text[..end]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Output;

    #[test]
    fn stdout_and_stderr_are_both_shown() {
        let output = Output::of_result(&json!({ "stdout": "a", "stderr": "b" }), "", false);
        assert_eq!((output.text.as_str(), output.code), ("a\nb", Some(0)));
    }

    #[test]
    fn an_output_that_went_into_a_file_is_shown_whole() {
        let output = Output::of_result(&json!({ "stdout": "a", "persistedOutput": "abc" }), "", false);
        assert_eq!(output.text, "abc");
    }

    #[test]
    fn the_exit_code_of_a_failure_is_not_output() {
        let output = Output::of_result(&Value::from("Error: Exit code 3\nhi"), "Exit code 3\nhi\nerr", true);
        assert_eq!((output.text.as_str(), output.code), ("hi\nerr", Some(3)));
    }
}
