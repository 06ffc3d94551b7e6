//! Words that make it do what an agent must not.

use std::io::Write;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::{Ended, Said};
use crate::wire::{DEAF, answer, mib, raw, say};

/// Does what an agent must not. `None` for any other word.
pub(super) fn faults(said: &Said<'_>) -> Option<Ended> {
    let Said { id, session, rest, .. } = *said;
    match said.word {
        // Ignores everything, cancel included.
        "hang" => {
            say(session, "hanging");
            loop {
                std::thread::park();
            }
        }
        // Reads its stdin no more, and never answers.
        "deaf" => {
            DEAF.store(true, Ordering::Relaxed);
            say(session, "deaf");
            loop {
                std::thread::park();
            }
        }
        "die" => {
            say(session, "dying");
            std::process::exit(3);
        }
        "crash" => {
            say(session, "crashing");
            eprintln!("the reason is on stderr");
            std::process::abort();
        }
        "fail" => return Some(Err(json!({ "code": 4711, "message": "told to fail", "data": { "n": 1e2 } }))),
        "error" => return Some(Err(serde_json::from_str(rest).unwrap_or(Value::Null))),
        // Lines as they are, with the session's id for SESSION and the prompt's for PROMPT.
        "raw" => raw(&rest.replace("SESSION", &session.to_string()).replace("PROMPT", &id.to_string())),
        "garbage" => {
            for line in
                ["this is no JSON", "{\"jsonrpc\":\"1.0\"}", "[]", "", "{\"jsonrpc\":\"2.0\",\"id\":999,\"result\":1}"]
            {
                raw(line);
            }
            std::io::stdout().write_all(b"\xff\xfe\n").expect("write");
            say(session, "after garbage");
        }
        "stderr" => {
            let line = "e".repeat(1023);
            for _ in 0..said.number(4096) {
                eprintln!("{line}");
            }
            say(session, "after stderr");
        }
        // Answers the prompt here and again when the turn is over.
        "twice" => answer(id, &json!({ "stopReason": "end_turn" })),
        // What a relay that decodes would lose.
        "lossless" => raw(&format!(
            r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"zeta":1e2,"sessionId":{session},"update":{{"sessionUpdate":"_later","big":123456789012345678901234567890,"exp":1E+2,"content":[null,"\u00e9"]}},"alpha":{{"b":1,"a":2}}}}}}"#
        )),
        // Half of a surrogate pair.
        "half" => raw(&format!(
            r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":{session},"update":{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"half \ud83d"}}}}}}}}"#
        )),
        // Answers with members that are null, or that must not stand together.
        "nulls" => raw(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":null,"result":{{"stopReason":"refusal"}},"error":null}}"#
        )),
        "both" => raw(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}},"error":{{"code":1,"message":"x"}}}}"#)),
        "huge-end" => {
            let text = "x".repeat(mib(said.number(17)));
            raw(&format!(r#"{{"jsonrpc":"2.0","result":{{"stopReason":"end_turn","_x":"{text}"}},"id":{id}}}"#));
        }
        _ => return None,
    }
    Some(Ok("end_turn"))
}
