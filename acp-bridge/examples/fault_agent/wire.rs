//! Lines on stdin and stdout, by hand.

use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use serde_json::{Value, json};

/// Whether stdin is read no more.
pub(crate) static DEAF: AtomicBool = AtomicBool::new(false);

/// Whether every line that is read is printed.
pub(crate) static ECHO: AtomicBool = AtomicBool::new(false);

/// Lines that were read.
pub(crate) static LINES: AtomicU64 = AtomicU64::new(0);

/// When the last cancel was read, in microseconds since the Unix epoch.
pub(crate) static CANCELLED_AT: AtomicU64 = AtomicU64::new(0);

pub(crate) fn micros() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

pub(crate) fn read(sender: &Sender<Value>) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        while DEAF.load(Ordering::Relaxed) {
            std::thread::park();
        }
        LINES.fetch_add(1, Ordering::Relaxed);
        if ECHO.load(Ordering::Relaxed) {
            raw(&format!("got: {line}"));
        }
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        if message["method"] == "session/cancel" {
            CANCELLED_AT.store(micros(), Ordering::Relaxed);
        }
        if sender.send(message).is_err() {
            break;
        }
    }
}

pub(crate) fn mib(count: u64) -> usize {
    usize::try_from(count).unwrap_or(1) * 1024 * 1024
}

pub(crate) fn raw(line: &str) {
    let mut out = std::io::stdout().lock();
    if out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

pub(crate) fn send(message: &Value) {
    raw(&message.to_string());
}

pub(crate) fn answer(id: &Value, result: &Value) {
    send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
}

pub(crate) fn say(session: &Value, text: &str) {
    update(session, &json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": text } }));
}

pub(crate) fn update(session: &Value, update: &Value) {
    send(
        &json!({ "jsonrpc": "2.0", "method": "session/update", "params": { "sessionId": session, "update": update } }),
    );
}
