//! Words that make it say much, for long, or in a certain form.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Ended, Said};
use crate::agent::Agent;
use crate::wire::{CANCELLED_AT, mib, micros, say, update};

impl Agent {
    /// Says something in some measure. `None` for any other word.
    pub(super) fn streams(&mut self, said: &Said<'_>) -> Option<Ended> {
        let Said { session, rest, .. } = *said;
        match said.word {
            // N chunks, a pause of MS between them; obeys cancel.
            "count" => {
                let pause = rest.split(' ').nth(1).and_then(|ms| ms.parse().ok()).unwrap_or(2);
                for i in 1..=said.number(10) {
                    say(session, &format!("{i} "));
                    if self.pause(Duration::from_millis(pause)) {
                        return Some(Ok("cancelled"));
                    }
                }
            }
            // N chunks of 50 bytes as fast as they are taken.
            "flood" => {
                let line = json!({
                    "jsonrpc": "2.0", "method": "session/update",
                    "params": { "sessionId": session, "update": {
                        "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": "x".repeat(50) } } },
                })
                .to_string();
                let mut out = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
                for _ in 0..said.number(1000) {
                    if writeln!(out, "{line}").is_err() {
                        std::process::exit(0);
                    }
                }
            }
            // The same, each with its number.
            "numbered" => {
                let mut out = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
                for i in 1..=said.number(1000) {
                    if writeln!(out, r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":{session},"update":{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"{i:049} "}}}}}}}}"#).is_err() {
                        std::process::exit(0);
                    }
                }
            }
            // Chunks as fast as they are taken until it is cancelled; then when it read that, in microseconds.
            "deluge" => {
                while !self.pause(Duration::ZERO) {
                    for _ in 0..16 {
                        say(session, &"x".repeat(50));
                    }
                }
                say(session, &format!("stopped {}", CANCELLED_AT.load(Ordering::Relaxed)));
                return Some(Ok("cancelled"));
            }
            // N chunks, so many a second, each with the time in microseconds.
            "stamp" => {
                let rate: u64 = rest.split(' ').nth(1).and_then(|rate| rate.parse().ok()).unwrap_or(100);
                for _ in 0..said.number(100) {
                    std::thread::sleep(Duration::from_micros(1_000_000 / rate.max(1)));
                    say(session, &micros().to_string());
                }
            }
            // A chunk for each word, of the message that the word names.
            "messages" => {
                for id in rest.split(' ') {
                    let content = json!({ "type": "text", "text": format!("{id} ") });
                    let kind = "agent_message_chunk";
                    update(session, &json!({ "sessionUpdate": kind, "messageId": id, "content": content }));
                }
            }
            // Waits until it is cancelled.
            "wait" => {
                say(session, "waiting");
                while !self.pause(Duration::from_secs(3600)) {}
                return Some(Ok("cancelled"));
            }
            // A chunk, a permission request and an answer of N MiB.
            "huge-chunk" => {
                say(session, &"x".repeat(mib(said.number(17))));
                say(session, "after it");
            }
            "run" => {
                if self.runs_a_command(said) {
                    return Some(Ok("cancelled"));
                }
            }
            // Prints N control characters at once, as JSON that is six times as long, with its end in the same message.
            "print" => {
                let data = "\u{1}".repeat(usize::try_from(said.number(10)).unwrap_or(10));
                let meta = json!({ "terminal_output": { "terminal_id": "much", "data": data } });
                update(
                    session,
                    &json!({ "sessionUpdate": "tool_call", "toolCallId": "much", "title": "Print much",
                    "content": [{ "type": "terminal", "terminalId": "much" }] }),
                );
                update(
                    session,
                    &json!({ "sessionUpdate": "tool_call_update", "toolCallId": "much", "status": "completed",
                    "_meta": meta }),
                );
            }
            "title" => update(session, &json!({ "sessionUpdate": "session_info_update", "title": rest })),
            _ => return None,
        }
        Some(Ok("end_turn"))
    }

    /// Runs a command in a terminal that it streams: N lines, a pause of MS between them, and its end. Whether it was cancelled.
    fn runs_a_command(&mut self, said: &Said<'_>) -> bool {
        let Said { id, session, rest, .. } = *said;
        let pause = rest.split(' ').nth(1).and_then(|ms| ms.parse().ok()).unwrap_or(0);
        let call = format!("call-{id}");
        let stream = |key: &str, value: Value| json!({ key: value });
        let info = stream("terminal_info", json!({ "terminal_id": call, "cwd": "/" }));
        update(
            session,
            &json!({ "sessionUpdate": "tool_call", "toolCallId": call, "title": "Run it", "kind": "execute",
            "status": "in_progress", "content": [{ "type": "terminal", "terminalId": call }], "_meta": info }),
        );
        for line in 1..=said.number(3) {
            let output = json!({ "terminal_id": call, "data": format!("line {line}\n") });
            let meta = stream("terminal_output", output);
            update(session, &json!({ "sessionUpdate": "tool_call_update", "toolCallId": call, "_meta": meta }));
            if self.pause(Duration::from_millis(pause)) {
                return true;
            }
        }
        let meta = stream("terminal_exit", json!({ "terminal_id": call, "exit_code": 0, "signal": null }));
        let end =
            json!({ "sessionUpdate": "tool_call_update", "toolCallId": call, "status": "completed", "_meta": meta });
        update(session, &end);
        false
    }
}
