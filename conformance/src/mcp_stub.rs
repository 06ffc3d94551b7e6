//! A small MCP server over stdio, which writes down what is done to it: a scenario passes it to an agent and then knows
//! whether it was started, with what, and when it was let go.

mod answers;
mod remote;

use std::fs::OpenOptions;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};

pub(crate) use remote::Remote;

/// The variable that a scenario gives it.
pub(crate) const VARIABLE: &str = "CONFORMANCE_STUB";

/// Serves until the input ends. Each event is a line of `record`: `started` with arguments and environment, each method,
/// `ended`.
///
/// # Errors
/// When the record or the output cannot be written.
pub fn serve(record: &Path, args: &[String], input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let note = |event: Value| -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(record)?;
        file.write_all(format!("{event}\n").as_bytes())
    };
    let env = std::env::var(VARIABLE).ok();
    note(json!({ "event": "started", "pid": std::process::id(), "args": args, "env": env }))?;
    for line in input.lines() {
        let Ok(message) = acp_server::types::json::from_str::<Value>(&line?) else { continue };
        let method = message["method"].as_str().unwrap_or_default();
        note(json!({ "event": method }))?;
        let Some(id) = message.get("id").filter(|_| !method.is_empty()) else { continue };
        let mut answer = json!({ "jsonrpc": "2.0", "id": id });
        match answers::result(method, &message["params"]) {
            Some(result) => answer["result"] = result,
            None => answer["error"] = json!({ "code": -32601, "message": "Method not found" }),
        }
        output.write_all(format!("{answer}\n").as_bytes())?;
        output.flush()?;
    }
    match note(json!({ "event": "ended", "pid": std::process::id() })) {
        // Its scenario is over.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        noted => noted,
    }
}

/// The program that has the stub as a subcommand: this one, or the one that lies beside a test of it.
pub(crate) fn program() -> Option<PathBuf> {
    const NAME: &str = "acp-conformance";
    let this = std::env::current_exe().ok()?;
    let folder = this.parent()?;
    if folder.file_name().is_none_or(|name| name != "deps") {
        return Some(this);
    }
    folder.parent().map(|folder| folder.join(NAME)).filter(|path| path.is_file())
}

/// Events in the record, with `ended` once all that were started have ended; nothing if none was. A server that was
/// killed could not write its end down, and one that wrote it may not have been reaped yet.
pub(crate) fn read(record: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(record).unwrap_or_default();
    let mut events: Vec<Value> = text.lines().filter_map(|line| acp_server::types::json::from_str(line).ok()).collect();
    let pids = |name: &str| -> Vec<i64> {
        events.iter().filter(|event| event["event"] == name).filter_map(|event| event["pid"].as_i64()).collect()
    };
    let (started, ended) = (pids("started"), pids("ended"));
    let runs = |pid: &i64| {
        let process = i32::try_from(*pid).ok().and_then(Pid::from_raw);
        !ended.contains(pid) && process.is_some_and(|process| test_kill_process(process).is_ok())
    };
    let all = !started.is_empty() && !started.iter().any(runs);
    events.retain(|event| event["event"] != "ended");
    if all {
        events.push(json!({ "event": "ended" }));
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_to_it_is_written_down() {
        let folder = tempfile::tempdir().expect("a directory");
        let record = folder.path().join("record");
        let input = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}\n";
        let mut output = Vec::new();
        serve(&record, &["a b".to_owned()], input.as_bytes(), &mut output).expect("serve");
        let answer: Value = acp_server::types::json::from_slice(&output).expect("an answer");
        assert_eq!(answer["result"]["tools"][0]["name"], "content");
        let text = std::fs::read_to_string(&record).expect("a record");
        let events =
            text.lines().map(|line| acp_server::types::json::from_str::<Value>(line).expect("JSON")["event"].clone());
        assert_eq!(events.collect::<Vec<_>>(), ["started", "tools/list", "ended"]);
        assert!(read(&record).iter().any(|event| event["event"] == "ended"));
    }
}
